"""Signal Bench: a small desktop application that carries a live Jupyter kernel.

A simulated four-channel oscilloscope, here to show what embedding looks like from the host's
side. ``model`` knows signals and readings but no widget; ``plot``, ``panels`` and ``window`` show
them; ``look`` has the colours; ``tour`` attaches from another process, as any frontend would.
Of qtkernel only ``__main__`` knows anything, and only its public names.
"""

"""The Python behind the wall: the only package that imports IPython.

Who may come in: the composition root (`qtkernel.embed`). The shell knows nothing of messages and
sockets; it gets an `IOPub` to publish on, an `Interruption` to run cells under, and a function to
read a line of input, all plain protocols of `qtkernel.interpreter`.
"""

from __future__ import annotations

import warnings

# Importing it adds a filter to those of the process, which are the host's. `completion` does what
# the filter reminds of.
with warnings.catch_warnings():
    import IPython.core.completer  # noqa: F401

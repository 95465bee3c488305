"""The Python behind the wall: the only package that imports IPython.

Who may come in: the composition root (`qtkernel.embed`). The shell knows nothing of messages and
sockets; it gets an `IOPub` to publish on, an `Interruption` to run cells under, and a function to
read a line of input, all plain protocols of `qtkernel.interpreter`.
"""

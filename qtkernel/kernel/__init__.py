"""The kernel proper: requests in, replies and publications out, and an Interpreter to ask.

Who may come in: the composition root (`qtkernel.embed`). What may not: zmq, IPython, any toolkit.
Messages arrive by `Kernel.receive`, replies leave by the `send` that came with the request, so
that the whole of it runs under a list and a fake Interpreter in tests.

* `kernel` has the request cycle, the one place where busy, the reply and idle are sent.
* `queue` decides what may run now, and what is aborted after an error.
* `handlers` says which channel serves which message type; `shell_requests`, `control_requests`,
  `info` and `stacks` have a handler for each, under its name.
* `publisher` knows under which request an output belongs.
* `stdin` and `interrupt` are the two ways in which a running cell talks to the outside.
"""

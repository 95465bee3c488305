"""The wire: ZMQ sockets on an event loop, and the only package that imports zmq.

Who may come in: the composition root (`qtkernel.embed`). The kernel on the same floor gets and
gives messages through callables and knows nothing of sockets.

How a socket hangs on a foreign event loop (each rule was broken on purpose; each bit):

* ``zmq.FD`` is edge-triggered: after a wake-up read until EVENTS shows no POLLIN.
* Drain first, dispatch after: a handler may open a nested event loop, and what is still in the
  socket then would stay hidden until that ends.
* Any send, and any look at EVENTS, can swallow a read edge: look again after every send, and
  once right after the descriptor is registered.
* A socket is touched by one thread, the one that drives it.
"""

"""The composition root: here the parts meet, and here is what a host sees of a kernel.

* `assembly` puts one kernel together and takes it apart again; nobody else knows all parts.
* `endpoints` decides where a kernel can be reached, and writes the connection file.
* `embedded` is the guest in a host's process, with a host's loop: `embed`.
* `standalone` owns its process: signals, the parent's death, switching loops.
* `classic` has the calls of IPython 0.13's kernel, for code of that time.
* `undo` remembers how to give back what was taken.
"""

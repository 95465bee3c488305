"""The live console: a widget of the host's own window that talks to the kernel in this process.

What lives here is all that needs qtconsole, an optional extra (``qtkernel[console]``); nothing
else imports it, and embedding without a console imports none of it. It knows a kernel by what
`kernel.ConsoleKernel` lists, and talks to it in messages, like any other frontend, through a
`kernel.ConsolePort`: no socket, no thread and no event loop of its own. So it may be used with the
floors below (`protocol`, `qt`), and `embed` comes in by `EmbeddedKernel.console` and `dock`,
lazily. Everything here belongs to the GUI thread.

* `kernel`: the kernel as a console sees it. `upstream`: the one door to qtconsole.
* `dock`, `console`: what the host gets; `toolbar`, `looks`, `theme`, ...: how it looks; `live`,
  `paint`, `frozen`: how it stays alive while a cell blocks.
* `widget`: the console itself, on `typing_aids` (what the kernel knows of what is being typed), on
  `prompt` (the live prompt), on qtconsole's widget.
* `keyboard`, `keys`, `secret`, `completion`, `tips`: typing.
* `incoming`: what is done with each message; `output`, `pen`, `escapes`, `displays`: where it goes.
* `client`: what qtconsole asks of a kernel client, on top of a port.
* `opening`: what `EmbeddedKernel.console` and `dock` call.
"""

from __future__ import annotations

from qtkernel.console.opening import ConsoleNotInstalled

__all__ = ["ConsoleNotInstalled"]

"""``jupyter qtconsole`` as it is, but for an ear for the tests' questions (`ear`).

python frontend.py ARGUMENTS OF jupyter qtconsole
"""

from __future__ import annotations

import os
import sys
from typing import Any

from tests.support.binding import BINDING

os.environ["QT_API"] = BINDING.lower()  # before qtconsole looks for one

from qtconsole.qtconsoleapp import JupyterQtConsoleApp

from tests.desktop.hosts.ear import listen, say


def images(widget: Any) -> list[list[int]]:
    """The sizes of the pictures in a console, in pixels."""
    found = []
    block = widget._control.document().begin()
    while block.isValid():
        part = block.begin()
        while not part.atEnd():
            form = part.fragment().charFormat()
            if form.isImageFormat():
                image = widget._get_image(form.toImageFormat().name())
                found.append([image.width(), image.height()])
            part += 1
        block = block.next()
    return found


def is_at_prompt(widget: Any, number: int) -> bool:
    """Whether it asks for cell `number`: an empty prompt, and no question of a cell's."""
    last = widget._control.document().lastBlock().text()
    return not (widget._executing or widget._reading) and last == f"In [{number}]: "


def main() -> None:
    """Run the application, as qtconsole's own `main` does."""
    app = JupyterQtConsoleApp.instance()
    app.initialize(sys.argv[1:])
    heard: list[Any] = []
    app.widget.kernel_client.iopub_channel.message_received.connect(heard.append)
    names = {
        "window": app.window,
        "widget": app.widget,
        "page": app.widget._control,
        "heard": heard,
    }
    ear = listen(lambda: globals() | names)
    say("ready")
    app.start()
    ear.setEnabled(False)


if __name__ == "__main__":
    main()

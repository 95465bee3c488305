"""An application that embeds before it has an application object, and does not get one at once.

    python late.py CONNECTION_FILE BACKEND

BACKEND is qt, qt-imported (the binding is there when it embeds), qt-often (it is looked for while
the binding is imported and the application constructed), tk, none (it never gets one),
closed (it closes before), exit (the interpreter ends while it waits) or broken.
"""

from __future__ import annotations

import os
import sys
import time

import qtkernel
from qtkernel.loops import waiting

_, connection_file, backend = sys.argv


def say(text: str) -> None:
    """Say something to the test, past whatever stands in for sys.stdout."""
    os.write(1, f"{text}\n".encode())


if backend == "qt-often":
    waiting.INTERVAL = 0.0002
if backend == "qt-imported":
    from tests.support.binding import QtCore  # noqa: F401

namespace: dict[str, object] = {"say": say}
kernel = qtkernel.embed(namespace, connection_file=connection_file, defer=True)
namespace["kernel"] = kernel
say(f"begun: {kernel.begun}, file: {os.path.exists(connection_file)}")
kernel.push({"pushed": 5})

if backend.startswith("qt"):
    from tests.support.binding import QtWidgets

    class Application(QtWidgets.QApplication):
        """Its class must survive being looked at."""

    time.sleep(0.2)  # the thread that looks has looked by now, and must have found nothing
    app = Application(sys.argv[:1])
    assert type(QtWidgets.QApplication.instance()) is Application
    namespace["app"] = app
    say(f"begun: {kernel.begun}")
    code = app.exec()
    assert QtWidgets.QApplication.instance() is app
    say(f"loop ended: {code}")
elif backend == "tk":
    import tkinter

    namespace["root"] = root = tkinter.Tk()
    root.mainloop()
    say("loop ended")
elif backend == "closed":
    kernel.close()
    kernel.close()
    from tests.support.binding import QtCore as Core

    app = Core.QCoreApplication([])
    Core.QTimer.singleShot(300, app.quit)
    app.exec()
    say(f"begun: {kernel.begun}, closed: {kernel.closed}")
elif backend == "none":
    time.sleep(0.2)
    kernel.close()
elif backend == "broken":
    from tests.support.binding import QtCore as Core

    os.mkdir(connection_file)  # where the file should be written
    app = Core.QCoreApplication([])
    Core.QTimer.singleShot(500, app.quit)
    app.exec()
    os.rmdir(connection_file)
    say(f"begun: {kernel.begun}, closed: {kernel.closed}")
if backend != "exit":
    kernel.close()
    say(f"trace: {kernel.trace()}")

"""The one door to Qt: whichever binding the host has already imported, else qtpy's choice.

Importing this module imports nothing of Qt. ``qt.QtCore``, ``qt.QtGui`` and ``qt.QtWidgets`` are
looked up at every access (PEP 562) and are the binding's own modules, so the host's classes are
not patched by us: importing ``qtpy.QtCore`` adds attributes to them, which a host that does not
use qtpy has not asked for. ``qt.Signal``, ``qt.Slot`` and ``qt.Property`` go by PySide's names.

Two Qt libraries in one process crash it, so the rule is: the binding that has an application
object, else one that is loaded, else what qtpy chooses (``QT_API``, or the first installed).
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from types import ModuleType, TracebackType
from typing import Any

BINDINGS = ("PyQt5", "PyQt6", "PySide6", "PySide2")
INSTALL = 'pip install "qtkernel[pyqt5]"'

_CORES = frozenset(f"{name}.QtCore" for name in BINDINGS)
_MODULES = frozenset({"QtCore", "QtGui", "QtWidgets"})
_PYQT_NAMES = {"Signal": "pyqtSignal", "Slot": "pyqtSlot", "Property": "pyqtProperty"}


class QtBindingNotFound(ImportError):
    """No Qt binding can be imported; the message says in one line what to install."""


def imported_binding() -> str | None:
    """The binding that this process has loaded already, None without any; imports nothing."""
    loaded = [name for name in BINDINGS if f"{name}.QtCore" in sys.modules]
    for name in loaded:
        if sys.modules[f"{name}.QtCore"].QCoreApplication.instance() is not None:
            return name
    if loaded:
        return loaded[0]
    # a bare `import PyQt6` is a decision too, though nothing of Qt is loaded by it
    return next((name for name in BINDINGS if name in sys.modules), None)


def binding() -> str:
    """The name of the binding to use: "PyQt5", "PyQt6", "PySide6" or "PySide2".

    Raises:
        QtBindingNotFound: none is installed, or ``QT_API`` names one that there is not.
    """
    return imported_binding() or _chosen_by_qtpy()


def module(name: str, of: str | None = None) -> ModuleType:
    """The binding's module `name` ("QtCore", ...), of the binding `of` if one is given.

    Raises:
        QtBindingNotFound: there is no binding, or it lacks this module.
    """
    full_name = f"{of or binding()}.{name}"
    # By string on purpose, unlike elsewhere: a freezer that saw four bindings here would bundle
    # them all (PyInstaller refuses that), and the host's own import has made it take the right one.
    try:
        return sys.modules.get(full_name) or import_module(full_name)
    except ImportError as error:
        raise QtBindingNotFound(f"{full_name} cannot be imported ({error}): {INSTALL}") from error


def loaded_version() -> tuple[str, str] | None:
    """The binding that is loaded already and the version of its Qt; None without one."""
    name = imported_binding()
    core = sys.modules.get(f"{name}.QtCore")
    return None if name is None or core is None else (name, str(core.qVersion()))


def application() -> Any | None:
    """The application object of a binding that is loaded already, None without one."""
    name = imported_binding()
    core = sys.modules.get(f"{name}.QtCore")
    return None if core is None else core.QCoreApplication.instance()


def core_of(application: object) -> ModuleType:
    """The QtCore of the binding that `application`, a QCoreApplication, comes from.

    Raises:
        TypeError: it is not an application object of a Qt binding.
    """
    name = application_core(type(application))
    if name is None:
        raise TypeError(f"not a QCoreApplication: {application!r}")
    return sys.modules[name]


def application_core(kind: type) -> str | None:
    """The QtCore that a class of application objects comes from, None for any other class.

    It goes by names, and touches nothing of a binding.
    """
    for cls in kind.__mro__:
        if cls.__name__ == "QCoreApplication" and cls.__module__ in _CORES:
            return cls.__module__
    return None


def origin_of(trace: TracebackType | None) -> str:
    """Where an exception comes from that has just left Python code which Qt had called.

    To be asked in ``sys.excepthook``, while the slot's signal is still being delivered. Says the
    function, and the object and the signal that called it as far as Qt knows them: PyQt tells the
    sender of any slot, PySide of methods of QObjects, the signal is known of decorated ones.
    """
    if trace is None:
        return ""
    frame = trace.tb_frame
    origin = f"in {frame.f_code.co_qualname}"
    core = sys.modules.get(f"{imported_binding()}.QtCore")
    if core is None:
        return origin
    try:
        receiver: Any = frame.f_locals.get("self")
        known = isinstance(receiver, core.QObject)
        sender = receiver.sender() if known else core.QObject().sender()
        return origin if sender is None else f"{origin}, a slot of {_describe(sender, receiver)}"
    except (RuntimeError, AttributeError):  # the object is being deleted, or is of another binding
        return origin


def _describe(sender: Any, receiver: Any) -> str:
    words = str(sender.metaObject().className())
    if sender.objectName():
        words += f" {sender.objectName()!r}"
    index = getattr(receiver, "senderSignalIndex", lambda: -1)()
    if index >= 0:
        words += f", signal {bytes(sender.metaObject().method(index).methodSignature()).decode()}"
    return words


def execute(runnable: Any) -> int:
    """Call ``exec`` of an application, event loop or dialog; PySide2 has it as ``exec_`` only."""
    run = getattr(runnable, "exec", None) or runnable.exec_
    return int(run())


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return module(name)
    if name in _PYQT_NAMES:
        core = module("QtCore")
        return getattr(core, name, None) or getattr(core, _PYQT_NAMES[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _chosen_by_qtpy() -> str:
    asked_for = os.environ.get("QT_API")
    try:
        import qtpy
    except ImportError as error:
        raise QtBindingNotFound(f"no Qt binding is installed: {INSTALL}") from error
    except ValueError as error:
        raise QtBindingNotFound(
            f"QT_API is {asked_for!r}, which is no Qt binding; use pyqt5, pyqt6 or pyside6"
        ) from error
    finally:
        # qtpy exports its choice; child processes of the host must not inherit it
        if asked_for is None:
            os.environ.pop("QT_API", None)
        else:
            os.environ["QT_API"] = asked_for
    return str(qtpy.API_NAME)

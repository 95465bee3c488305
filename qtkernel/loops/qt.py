"""The host's Qt loop behind the seam: notifiers for readers, one timer, one posted event a batch.

* Each reader is a QSocketNotifier. All timers share one single-shot QTimer, which is stopped while
  none waits: an idle kernel causes no wake-ups.
* `call_soon_threadsafe` posts one custom QEvent to an object of ours for a batch of callbacks.
  Qt's posted events are thread-safe, keep their order and wake the loop.
* No exception leaves a slot (PyQt aborts the process, SystemExit ends it), and every QObject has
  the anchor as its parent.

`run` and `stop` against ``app.quit()`` (measured, PyQt5 5.15): quit() ends every event loop of the
thread, and until ``app.exec()`` has returned a new QEventLoop returns -1 at once. In an embedded
kernel the application's word is law: a `run` returns when the host quits, stopped or not, and a
`run` after that returns at once. A standalone kernel (`owns_app`) outlives a cell's quit():
the outermost `run` enters ``app.exec()`` again until `stop`, and a nested one goes on serving
events by hand.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

from qtkernel import qt
from qtkernel.loops.base import Callback, ErrorHandler, log_error
from qtkernel.loops.errors import NoDisplay, NoEventLoop, WrongThread
from qtkernel.loops.pending import CallbackQueue, Timer, TimerHeap, report, run_guarded
from qtkernel.loops.qt_waits import QtWaits, parting_act
from qtkernel.loops.turns import Turns, tells_turns

LONGEST_INTERVAL = 2**31 - 1
"""Milliseconds that a QTimer can wait; for longer delays it fires early and is set again."""

# A host may delete its application before it closes the kernel, and all QObjects go with it. Every
# binding says so with a RuntimeError when one of them is used.
_gone_with_the_application = contextlib.suppress(RuntimeError)

_created: list[Any] = []  # the application of a standalone kernel


class _Run:
    """One `run` on the stack; `event_loop` is None while it is ``app.exec()``."""

    __slots__ = ("event_loop", "stopped")

    def __init__(self) -> None:
        self.stopped = False
        self.event_loop: Any = None


class _Reader:
    """A reader and its notifier.

    A bound method is connected, not a lambda: PyQt keeps a connected lambda alive until events are
    processed once more, and whatever it refers to with it.
    """

    __slots__ = ("__weakref__", "callback", "guarded", "notifier")

    def __init__(
        self, notifier: Any, callback: Callback, guarded: Callable[[Callback], None]
    ) -> None:
        self.notifier = notifier
        self.callback: Callback | None = callback
        self.guarded = guarded
        notifier.activated.connect(self.activated)

    def activated(self, *_: object) -> None:
        if self.callback is not None:
            self.guarded(self.callback)


class QtLoop:
    """The seam over a QCoreApplication's event loop.

    Args:
        app: the application; the one that exists is the default.
        owns_app: this is a standalone kernel. Its windows may all be closed, and a cell may call
            ``app.quit()``, without ending it.

    Raises:
        NoEventLoop: there is no application.
        WrongThread: called from another thread than the application's.
        QtBindingNotFound: no binding can be imported.
    """

    name = "qt"

    def __init__(
        self, app: Any = None, on_error: ErrorHandler = log_error, *, owns_app: bool = False
    ) -> None:
        if app is None:
            app = _existing_application()
        core = qt.core_of(app)
        if core.QThread.currentThread() != app.thread():
            raise WrongThread(
                "call this from the thread that runs the Qt application (its GUI thread)"
            )
        self._core = core
        self._thread = core.QThread.currentThread()
        # no reference to the host's application: it decides when that goes
        self._app: Any = app if owns_app else None
        self._on_error = on_error
        self._readers: dict[int, _Reader] = {}
        self._runs: list[_Run] = []
        self._by_hand = 0
        self._serving = 0
        self._closed = False
        self._posting = threading.RLock()
        self._event_type = _event_type(core)
        self._anchor = _anchor_class(core)()
        self._anchor.on_event = self._serve_posted
        self._queue = CallbackQueue(self._post_event, on_error)
        self._timers = TimerHeap(on_error, self._set_timer)
        self._timer = core.QTimer(self._anchor)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(core.Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._timer_fired)
        self._quit_on_last_window_closed = self._keep_without_windows()
        self.turns = Turns(complete=True, level=self._level)
        self.waits = QtWaits(core, self.turns, self._level)
        self._dispatcher = core.QAbstractEventDispatcher.instance()
        for signal in self._turn_signals():
            signal.connect(self._turn_begins)

    @classmethod
    def owning(cls, on_error: ErrorHandler = log_error) -> QtLoop:
        """A standalone kernel's loop: creates the QApplication unless a script has done so.

        Raises:
            NoDisplay: there is no window system, over which Qt would abort the process.
        """
        app = qt.application()
        if app is None:
            _check_display()
            app = qt.QtWidgets.QApplication(sys.argv[:1] or ["qtkernel"])
            # PyQt deletes an application that nobody refers to, and all windows with it. This one
            # has to be there when %gui comes back from another toolkit.
            _created.append(app)
        return cls(app, on_error, owns_app=True)

    def add_reader(self, fd: int, callback: Callback) -> None:
        """See `EventLoop.add_reader`."""
        self._check_open()
        if fd in self._readers:
            raise ValueError(f"descriptor {fd} has a reader already")
        if fd < 0:
            raise ValueError(f"not a descriptor: {fd}")
        read = self._core.QSocketNotifier.Type.Read
        notifier = self._core.QSocketNotifier(fd, read, self._anchor)
        self._readers[fd] = _Reader(notifier, callback, self._guarded)

    def remove_reader(self, fd: int) -> bool:
        """See `EventLoop.remove_reader`."""
        reader = self._readers.pop(fd, None)
        if reader is None:
            return False
        # on Windows an activation may be under way as a message, which disabling does not recall
        reader.callback = None
        with _gone_with_the_application:
            reader.notifier.setEnabled(False)
            self._delete(reader.notifier)
        return True

    def call_soon_threadsafe(self, callback: Callback) -> None:
        """See `EventLoop.call_soon_threadsafe`."""
        if not self._closed:
            self._queue.put(callback)

    def call_later(self, delay: float, callback: Callback) -> Timer:
        """See `EventLoop.call_later`. Qt's timers are accurate to a millisecond."""
        self._check_open()
        return self._timers.add(delay, callback)

    def run(self) -> None:
        """See `EventLoop.run`; it also returns when the host quits its application."""
        self._check_open()
        run = _Run()
        self._runs.append(run)
        try:
            if self._app is not None and self._level() == 0:
                while not run.stopped:
                    qt.execute(self._app)
            else:
                self._run_nested(run)
        finally:
            self._runs.pop()

    def stop(self) -> None:
        """See `EventLoop.stop`. Stopping a run that has not returned yet once more is one stop.

        A nested run returns only after a dialog that was opened inside it. The outermost run of a
        standalone kernel ends such dialogs.
        """
        if self._runs:
            self._stop(self._runs[-1])

    def close(self) -> None:
        """See `EventLoop.close`. Every `run` under way returns; the application lives on."""
        with self._posting:
            if self._closed:
                return
            self._closed = True
        for run in self._runs:
            self._stop(run)
        for fd in list(self._readers):
            self.remove_reader(fd)
        self._queue.clear()
        self._timers.clear()
        with contextlib.suppress(RuntimeError):  # it goes with the application
            for signal in self._turn_signals():
                signal.disconnect(self._turn_begins)
        self._dispatcher = None
        self.turns.forget()
        self._anchor.on_event = None
        with _gone_with_the_application:
            self._delete(self._anchor)
        if self._quit_on_last_window_closed is not None:
            self._app.setQuitOnLastWindowClosed(self._quit_on_last_window_closed)
        self._app = None

    def _run_nested(self, run: _Run) -> None:
        run.event_loop = self._core.QEventLoop()
        qt.execute(run.event_loop)
        if self._app is None:
            return
        wait = self._core.QEventLoop.ProcessEventsFlag.WaitForMoreEvents
        self._by_hand += 1
        try:
            while not run.stopped:
                run.event_loop.processEvents(wait)
        finally:
            self._by_hand -= 1

    def _stop(self, run: _Run) -> None:
        run.stopped = True
        if run.event_loop is not None:
            run.event_loop.exit()
        elif self._app is not None:
            self._app.exit()

    def _serve_posted(self) -> object:
        self._guarded(self._run_batch)
        return parting_act()

    def _timer_fired(self) -> None:
        self._guarded(self._timers.fired)

    def _turn_signals(self) -> tuple[Any, Any]:
        # which of the two comes before the first event of a turn depends on the dispatcher
        return self._dispatcher.awake, self._dispatcher.aboutToBlock

    @tells_turns
    def _turn_begins(self) -> None:
        try:
            if self.turns.began(sys._getframe().f_back):
                self.waits.entered()
        except BaseException as error:  # a signal's handler
            report(error, self._on_error)
        _parting_act = parting_act()  # goes with this frame

    def _run_batch(self) -> None:
        # from here on a callback that posts has to post an event, too: the host's nested loop
        # would not come by otherwise
        self._queue.may_sleep()
        self._queue.run(wake_for_rest=True)

    def _guarded(self, callback: Callback) -> None:
        self._serving += 1
        run_guarded(callback, self._on_error)
        self._serving -= 1

    def _post_event(self) -> None:
        with self._posting:
            # under the lock, because `close` deletes the anchor
            if not self._closed:
                event = self._core.QEvent(self._event_type)
                with _gone_with_the_application:
                    self._core.QCoreApplication.postEvent(self._anchor, event)

    def _set_timer(self, deadline: float | None) -> None:
        with _gone_with_the_application:
            if deadline is None:
                self._timer.stop()
                return
            # rounded up: a timer that comes too early only has to be set again
            milliseconds = math.ceil(max(0.0, deadline - time.monotonic()) * 1000)
            self._timer.start(min(milliseconds, LONGEST_INTERVAL))

    def _delete(self, obj: Any) -> None:
        obj.deleteLater()
        if not self._serving:
            # At once, since no loop may come by again. Never from inside a slot: the object that
            # is being deleted may be the one that called it.
            deferred = int(self._core.QEvent.Type.DeferredDelete)
            self._core.QCoreApplication.sendPostedEvents(obj, deferred)

    def _keep_without_windows(self) -> bool | None:
        """Let a standalone kernel outlive its windows; returns what was set before."""
        if not hasattr(self._app, "setQuitOnLastWindowClosed"):
            return None
        before = bool(self._app.quitOnLastWindowClosed())
        self._app.setQuitOnLastWindowClosed(False)
        return before

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("the event loop is closed")

    def _level(self) -> int:
        """How many event loops deep this thread is, the host's and a dialog's included."""
        return int(self._thread.loopLevel()) + self._by_hand


def post_to_application(app: Any, callback: Callback) -> Any:
    """Run `callback` on the application's thread as soon as that serves events; from any thread.

    Returns what must be kept alive until then.
    """
    core = qt.core_of(app)
    anchor: Any = _anchor_class(core)()

    def called() -> None:
        # not by whoever drops the last reference: we are in its event handler
        anchor.setParent(app)
        anchor.deleteLater()
        anchor.on_event = None
        callback()

    anchor.on_event = called
    anchor.moveToThread(app.thread())
    core.QCoreApplication.postEvent(anchor, core.QEvent(_event_type(core)))
    return anchor


def _existing_application() -> Any:
    app = qt.application()
    if app is None:
        raise NoEventLoop("there is no Qt application yet: create a QApplication first")
    return app


def _check_display() -> None:
    if sys.platform.startswith("linux") and not any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    ):
        raise NoDisplay(
            "Qt needs a display: set DISPLAY, start it under Xvfb, or set QT_QPA_PLATFORM=offscreen"
        )


@cache
def _event_type(core: ModuleType) -> Any:
    """Our custom event type: one for the process, because Qt never gives a number back."""
    return core.QEvent.Type(core.QEvent.registerEventType())


@cache
def _anchor_class(core: ModuleType) -> Any:
    class Anchor(core.QObject):  # type: ignore[name-defined, misc]
        """Receives the posted events, and is the parent of every other QObject of the loop."""

        on_event: Callback | None = None

        def customEvent(self, _event: Any) -> None:  # noqa: N802 (Qt's name)
            if self.on_event is not None:
                # goes with this frame, after everything else: see `QtWaits.strike_on_return`
                _parting_act = self.on_event()

    return Anchor

"""Comms: what widgets and other libraries talk to their other half in the frontend with.

Messaging document, "Custom Messages". Libraries reach their kernel through the package `comm`, by
two functions of the whole process. Those are replaced as long as a kernel lives, and answer with
the kernel whose code asks; where no kernel's code asks, they answer as before.

Handlers run on the kernel's own thread, each under the message that it handles.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import MethodType
from typing import Any

import comm as comm_package
from comm.base_comm import BaseComm, CommManager
from IPython import get_ipython

from qtkernel.interpreter import IOPub

_Message = dict[str, Any]

_IPYWIDGETS_TARGETS = ("jupyter.widget", "jupyter.widget.control")


class Comm(BaseComm):  # type: ignore[misc]
    """One comm; `comm.create_comm` makes it.

    Args:
        comms: those of its kernel.
        arguments, more: see `comm.base_comm.BaseComm`.
    """

    _closed: bool

    def __init__(self, *arguments: Any, comms: Comms, **more: Any) -> None:
        self._comms = comms
        super().__init__(*arguments, **more)

    @property
    def kernel(self) -> Any:
        """What ``get_ipython().kernel`` is in its kernel; None when that is gone."""
        return self._comms.kernel

    def publish_msg(
        self,
        msg_type: str,
        data: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        buffers: Any = None,
        **keys: Any,
    ) -> None:
        """Send a message to the other half, under the request whose code this is called from."""
        content = {"data": {} if data is None else data, "comm_id": self.comm_id, **keys}
        self._comms.publish(msg_type, content, metadata, buffers or ())

    def close(
        self,
        data: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        buffers: Any = None,
        deleting: bool = False,  # noqa: ARG002
    ) -> None:
        """Close both halves, from whatever code; the base class asks the code's own kernel."""
        if self._closed:
            return
        self._closed = True
        self._comms.comms.pop(self.comm_id, None)
        self.publish_msg(
            "comm_close", self._close_data if data is None else data, metadata, buffers
        )


class Comms(CommManager):  # type: ignore[misc]
    """The comms and comm targets of one kernel: its `CommManager`.

    Args:
        shell: whose `kernel` it is that the comms show, and which shows errors.
    """

    def __init__(self, shell: Any, iopub: IOPub) -> None:
        super().__init__()
        self._shell = shell
        self._iopub = iopub
        self._closed = False

    @property
    def kernel(self) -> Any:
        """What ``get_ipython().kernel`` is; None when the kernel is gone."""
        return None if self._closed else self._shell.kernel

    def create(self, *arguments: Any, **more: Any) -> Comm:
        """Make a comm; see `comm.create_comm`."""
        return Comm(*arguments, comms=self, **more)

    def register_comm(self, comm: BaseComm) -> str:
        """Take a comm in. One of ipykernel's own class, which bokeh and others make, speaks here.

        It would look for ipykernel's kernel, and say nothing where there is none.
        """
        ipykernel = sys.modules.get("ipykernel.comm.comm")
        if ipykernel is not None and isinstance(comm, ipykernel.BaseComm):
            comm._comms = self
            comm.publish_msg = MethodType(Comm.publish_msg, comm)
            comm.close = MethodType(Comm.close, comm)
        return super().register_comm(comm)  # type: ignore[no-any-return]

    def publish(
        self, msg_type: str, content: Any, metadata: Mapping[str, Any] | None, buffers: Any
    ) -> None:
        """Send a message of a comm; nothing once the kernel is gone."""
        if not self._closed:
            self._iopub.publish(msg_type, content, metadata=metadata, buffers=buffers)

    def names(self, target_name: str | None) -> dict[str, str]:
        """Target names by comm_id, of all open comms or of one target's."""
        return {
            comm_id: each.target_name
            for comm_id, each in list(self.comms.items())
            if target_name is None or each.target_name == target_name
        }

    # From the frontend. The arguments are those of ipykernel's manager: packages call these, too.

    def comm_open(self, stream: Any, ident: Any, msg: _Message) -> None:  # noqa: ARG002
        """Section "Opening a Comm": one of an unknown target is closed at once."""
        content = msg["content"]
        target_name = content["target_name"]
        opened = self.create(comm_id=content["comm_id"], primary=False, target_name=target_name)
        handler = self._target(target_name)
        self.register_comm(opened)
        if handler is None or not self._call(handler, opened, msg):
            opened.close()

    def comm_msg(self, stream: Any, ident: Any, msg: _Message) -> None:  # noqa: ARG002
        """Section "Comm Messages": one to a comm that is not there is ignored."""
        comm = self.comms.get(msg["content"]["comm_id"])
        if comm is not None:
            self._call(comm.handle_msg, msg)

    def comm_close(self, stream: Any, ident: Any, msg: _Message) -> None:  # noqa: ARG002
        """Section "Tearing Down Comms": that of a comm that is not there is ignored."""
        comm = self.comms.pop(msg["content"]["comm_id"], None)
        if comm is not None:
            comm._closed = True
            self._call(comm.handle_close, msg)

    def receive(self, message: Mapping[str, Any]) -> None:
        """Take a message by its type."""
        handlers = {
            "comm_open": self.comm_open,
            "comm_msg": self.comm_msg,
            "comm_close": self.comm_close,
        }
        handlers[message["msg_type"]](None, None, dict(message))

    def _target(self, target_name: str) -> Any:
        ipywidgets = sys.modules.get("ipywidgets")
        if target_name in _IPYWIDGETS_TARGETS and ipywidgets is not None:
            # it registers itself when it is first imported, which another kernel's cell may have
            # done, or the host before there was a kernel
            ipywidgets.register_comm_target()
        return self.targets.get(target_name)

    def _call(self, handler: Callable[..., object], *arguments: Any) -> bool:
        try:
            handler(*arguments)
        except BaseException as error:
            # not let out either if it is SystemExit: the host is not the frontend's to end
            trace = error.__traceback__
            self._shell.showtraceback((type(error), error, trace and trace.tb_next))
            return False
        return True

    # The end

    def close_all(self) -> None:
        """Close every comm, as at a restart: what has made them is gone."""
        for each in list(self.comms.values()):
            self._close_widget(each)
            each.close()
        self.comms.clear()
        self.targets.clear()

    def _close_widget(self, comm: Comm) -> None:
        """Close the widget behind a comm, if it is one of ipywidgets.

        That package keeps every widget of the process that is not closed, its handlers with it,
        and so the whole namespace that they are from, of each kernel that an application has had.
        """
        ipywidgets = sys.modules.get("ipywidgets")
        owner = getattr(comm._msg_callback, "__self__", None)
        if ipywidgets is not None and isinstance(owner, ipywidgets.Widget):
            self._call(owner.close)

    def close(self) -> None:
        """Send nothing any more; comms that somebody still holds are dead ends."""
        self._closed = True
        self.close_all()
        self._shell = None


# The two functions of the process

_kernels: list[Comms] = []
_before: list[tuple[Callable[..., Any], Callable[..., Any]]] = []


def found_through_comm_package(comms: Comms) -> Callable[[], None]:
    """Let the code of a kernel find its comms through the package `comm`; returns the undo."""
    if not _kernels:
        _before.append((comm_package.create_comm, comm_package.get_comm_manager))
        comm_package.create_comm, comm_package.get_comm_manager = create_comm, get_comm_manager
    _kernels.append(comms)

    def undo() -> None:
        _kernels.remove(comms)
        if _kernels:
            return
        create, get = _before.pop()
        if comm_package.create_comm is create_comm:
            comm_package.create_comm = create
        if comm_package.get_comm_manager is get_comm_manager:
            comm_package.get_comm_manager = get

    return undo


def _comms_here() -> Comms | None:
    comms = getattr(get_ipython(), "comms", None)
    return comms if comms in _kernels else None


def create_comm(*arguments: Any, **more: Any) -> Any:
    """`comm.create_comm` while there are kernels."""
    comms = _comms_here()
    if comms is not None:
        return comms.create(*arguments, **more)
    return (_before[0][0] if _before else comm_package._create_comm)(*arguments, **more)


def get_comm_manager() -> Any:
    """`comm.get_comm_manager` while there are kernels."""
    comms = _comms_here()
    if comms is not None:
        return comms
    return (_before[0][1] if _before else comm_package._get_comm_manager)()

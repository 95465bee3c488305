"""Which channel serves which message type: what is not in a channel's table is not served by it.

An unknown type is answered by an error reply that lists the table.
"""

from __future__ import annotations

from collections.abc import Mapping

from qtkernel.kernel.comm_requests import CommRequests
from qtkernel.kernel.control_requests import ControlRequests
from qtkernel.kernel.debug_requests import DebugRequests
from qtkernel.kernel.info import InfoRequests
from qtkernel.kernel.kernel import Handler
from qtkernel.kernel.shell_requests import ShellRequests
from qtkernel.kernel.stacks import StackRequests
from qtkernel.kernel.subshells import Subshells
from qtkernel.kernel.usage import UsageRequests


def shell_handlers(
    info: InfoRequests,
    control: ControlRequests,
    requests: ShellRequests,
    comms: CommRequests,
) -> Mapping[str, Handler]:
    """The shell channel's, on the kernel's own thread."""
    return _both(info, control) | {
        "execute_request": requests.execute_request,
        "complete_request": requests.complete_request,
        "inspect_request": requests.inspect_request,
        "is_complete_request": requests.is_complete_request,
        "history_request": requests.history_request,
        "object_info_request": requests.object_info_request,
        "comm_info_request": comms.comm_info_request,
        "comm_open": comms.comm_open,
        "comm_msg": comms.comm_msg,
        "comm_close": comms.comm_close,
    }


def control_handlers(
    info: InfoRequests,
    control: ControlRequests,
    stacks: StackRequests,
    usage: UsageRequests,
    subshells: Subshells,
    debugging: DebugRequests | None = None,
) -> Mapping[str, Handler]:
    """The control channel's, on the control thread."""
    handlers = _both(info, control) | {
        "interrupt_request": control.interrupt_request,
        "stack_request": stacks.stack_request,
        "usage_request": usage.usage_request,
        "create_subshell_request": subshells.create_subshell_request,
        "delete_subshell_request": subshells.delete_subshell_request,
        "list_subshell_request": subshells.list_subshell_request,
    }
    if debugging is not None:
        handlers["debug_request"] = debugging.debug_request
    return handlers


def _both(info: InfoRequests, control: ControlRequests) -> dict[str, Handler]:
    return {
        "kernel_info_request": info.kernel_info_request,
        "connect_request": info.connect_request,
        "version_request": info.version_request,
        "shutdown_request": control.shutdown_request,
    }

"""What the kernel tells of itself: kernel_info and connect, and the version_request of old.

Both channels serve these, from two threads. What can change (the event loop, by ``%gui``) is asked
for at each request.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qtkernel._version import __version__
from qtkernel.interpreter import LanguageInfo
from qtkernel.kernel.queue import Request
from qtkernel.protocol import PROTOCOL_VERSION, contents

Reply = Mapping[str, Any]


class InfoRequests:
    """Handlers that need no interpreter and may run on any thread.

    Args:
        ports: what a connect_reply says.
        features: the names of optional features that frontends may use, as JEP 92 has them:
            "debugger", "kernel subshells".
        about: tells what the block ``qtkernel`` says; from any thread.
    """

    def __init__(
        self,
        language: LanguageInfo,
        ports: Mapping[str, int],
        *,
        features: Sequence[str] = (),
        about: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self._about = about
        self._kernel_info: dict[str, Any] = {
            "status": "ok",
            "protocol_version": PROTOCOL_VERSION,
            "implementation": language.implementation,
            "implementation_version": language.implementation_version,
            "language_info": dict(language.language_info),
            "banner": language.banner,
            "help_links": [dict(link) for link in language.help_links],
            "debugger": "debugger" in features,
            "supported_features": list(features),
        }
        self._connect = {"status": "ok", **ports}

    async def kernel_info_request(
        self, _request: Request, _content: contents.KernelInfoRequest
    ) -> Reply:
        """Messaging document, "Kernel info"; its block ``qtkernel`` is ours."""
        return {**self._kernel_info, "qtkernel": self._about()}

    async def connect_request(self, _request: Request, _content: contents.ConnectRequest) -> Reply:
        """Messaging document, "Connect"."""
        return self._connect

    async def version_request(self, _request: Request, _content: contents.VersionRequest) -> Reply:
        """What kernels up to IPython 0.13 were asked instead of kernel_info_request."""
        return {
            "status": "ok",
            "version": __version__,
            "protocol_version": [int(part) for part in PROTOCOL_VERSION.split(".")],
            "language": self._kernel_info["language_info"]["name"],
            "language_version": [int(part) for part in platform.python_version_tuple()[:2]],
        }

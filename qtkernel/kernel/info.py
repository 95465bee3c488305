"""What the kernel tells of itself: kernel_info and connect, and the version_request of old.

Both channels serve these, from two threads, so the answers are made once, at the beginning.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any

from qtkernel._version import __version__
from qtkernel.interpreter import LanguageInfo
from qtkernel.kernel.queue import Request
from qtkernel.protocol import PROTOCOL_VERSION, contents

Reply = Mapping[str, Any]


class InfoRequests:
    """Handlers that need no interpreter and may run on any thread."""

    def __init__(
        self, language: LanguageInfo, ports: Mapping[str, int], *, debugger: bool = False
    ) -> None:
        self._kernel_info: dict[str, Any] = {
            "status": "ok",
            "protocol_version": PROTOCOL_VERSION,
            "implementation": language.implementation,
            "implementation_version": language.implementation_version,
            "language_info": dict(language.language_info),
            "banner": language.banner,
            "help_links": [dict(link) for link in language.help_links],
            "debugger": debugger,
            "supported_features": ["debugger"] if debugger else [],
        }
        self._connect = {"status": "ok", **ports}

    async def kernel_info_request(
        self, _request: Request, _content: contents.KernelInfoRequest
    ) -> Reply:
        """Messaging document, "Kernel info"."""
        return self._kernel_info

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

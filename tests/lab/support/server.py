"""A JupyterLab of the tests' own: on loopback, with its own directories, and this kernel in it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from typing import Any

from tests.frontends.support.programs import ROOT, Home, Program

TOKEN = "lab"
KERNELSPEC = "qtkernel"

OPTIONS = (
    "--no-browser",
    "--ip=127.0.0.1",
    "--ServerApp.port=0",
    "--allow-root",
    f"--IdentityProvider.token={TOKEN}",
    "--ServerApp.log_format=%(levelname)s %(message)s",
    "--LabApp.log_format=%(levelname)s %(message)s",
    "--ServerApp.allow_external_kernels=True",
    "--KernelSpecManager.ensure_native_kernel=False",
    "--LabApp.extension_manager=readonly",
    "--LabApp.expose_app_in_browser=True",
    "--LanguageServerManager.autodetect=False",
)

SETTINGS: dict[str, dict[str, object]] = {
    # neither a question nor a request to a website
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    # the first Tab imports jedi, which takes longer than the second for which JupyterLab waits
    "completer-extension/manager": {"providerTimeout": 30_000},
    # all cells are in the page, also those out of sight
    "notebook-extension/tracker": {"windowingMode": "none"},
}

_COMPLAINT = re.compile(
    rf"\[qtkernel\]|{re.escape(str(ROOT / 'qtkernel'))}/|Q[A-Z]\w*[:(]|qt\.|Fatal"
)
"""What a kernel says on stderr when something is wrong: its log, a traceback through it, Qt's
warnings. The server logs there, too, and fails now and then: it lists kernels while one begins."""


class JupyterLab(Program):
    """``jupyter lab`` with this kernel's kernelspec; its notebooks are in `notebooks`.

    `external_kernels` is where it looks for the connection files of kernels that it did not start.
    """

    def __init__(self, home: Home) -> None:
        self.notebooks = home.directory / "notebooks"
        self.notebooks.mkdir()
        self.external_kernels = home.runtime / "external_kernels"
        self.external_kernels.mkdir()
        settings = home.directory / "settings"
        for name, values in SETTINGS.items():
            file = settings / "@jupyterlab" / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values))
        environment = {
            "JUPYTERLAB_SETTINGS_DIR": str(settings),
            "JUPYTERLAB_WORKSPACES_DIR": str(home.directory / "workspaces"),
            "PYTHONWARNINGS": "ignore",  # the server's are not ours
        }
        install = [sys.executable, "-m", "qtkernel", "install", "--prefix", str(home.prefix)]
        install += ["--name", KERNELSPEC]
        subprocess.run(install, env=home.environment, check=True, capture_output=True)
        command = [sys.executable, "-m", "jupyterlab", *OPTIONS]
        command.append(f"--ServerApp.root_dir={self.notebooks}")
        super().__init__(
            home,
            command,
            expected=lambda line: _COMPLAINT.search(line) is None,
            environment=environment,
        )
        line = self.wait_for_error_line("INFO http://127.0.0.1:")
        self.address = line.removeprefix("INFO ").partition("/lab")[0]

    def url(self, path: str) -> str:
        """The address of a page of this server, with what is needed to be let in."""
        return f"{self.address}{path}?token={TOKEN}"

    def ask(self, path: str, method: str = "GET") -> Any:
        """What the server's REST interface answers; None where it answers nothing."""
        request = urllib.request.Request(self.url(path), method=method)
        with urllib.request.urlopen(request) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def end_kernels(self) -> None:
        """Shut the kernels of all notebooks down, as the button in JupyterLab's list does."""
        for session in self.ask("/api/sessions"):
            self.ask(f"/api/sessions/{session['id']}", "DELETE")

    def write_notebook(self, name: str, cells: tuple[str, ...], kernel: str = KERNELSPEC) -> str:
        """Write a notebook with these cells, for this kernel; what JupyterLab calls it."""
        content = {
            "cells": [
                {
                    "cell_type": "code",
                    "id": f"cell-{number}",
                    "metadata": {},
                    "source": cell,
                    "outputs": [],
                    "execution_count": None,
                }
                for number, cell in enumerate(cells)
            ],
            "metadata": {"kernelspec": {"name": kernel, "display_name": kernel}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        path = self.notebooks / f"{name}.ipynb"
        path.write_text(json.dumps(content))
        return path.name

    def until(self, event: str) -> str:
        """Code that blocks a cell until `happens`, in a notebook of this server."""
        path = str(self.notebooks / event)
        return f"import os, time\nwhile not os.path.exists({path!r}): time.sleep(0.02)"

    def happens(self, event: str) -> None:
        """Let the cells go on that wait for it."""
        (self.notebooks / event).touch()

"""What runs before the first request: a profile's files and what the command line names.

A profile is used only when it is asked for: a kernel for an application must not change with the
startup files of whoever happens to run it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from IPython.core.profiledir import ProfileDir, ProfileDirError
from IPython.core.shellapp import InteractiveShellApp
from IPython.paths import get_ipython_dir
from traitlets import Instance, List, Unicode
from traitlets.config import Config, LoggingConfigurable
from traitlets.config.loader import (
    ConfigFileNotFound,
    KeyValueConfigLoader,
    PyFileConfigLoader,
)

from qtkernel.shell.shell import ZMQInteractiveShell

_CONFIG_FILES = ("ipython_config.py", "ipython_kernel_config.py")


class ProfileNotFound(LookupError):
    """There is no IPython profile of that name."""


class BadProfile(ValueError):
    """A profile's configuration cannot be read; says which file and why."""


@dataclass(frozen=True)
class Profile:
    """An IPython profile: its directory, if there is one, and its configuration."""

    directory: ProfileDir | None
    config: Config


@dataclass(frozen=True)
class FirstCode:
    """What the command line asks to run first. At most one of code, module and script."""

    code: str = ""
    module: str = ""
    script: str = ""
    arguments: Sequence[str] = ()
    extensions: Sequence[str] = ()
    matplotlib: str | None = None


def load_profile(name: str) -> Profile:
    """Find a profile by name and read its configuration.

    Raises:
        ProfileNotFound: there is none of that name.
        BadProfile: one of its configuration files fails.
    """
    try:
        directory = ProfileDir.find_profile_dir_by_name(get_ipython_dir(), name)
    except ProfileDirError:
        raise ProfileNotFound(
            f"there is no IPython profile {name!r}; make one with: ipython profile create {name}"
        ) from None
    config = Config()
    for file in _CONFIG_FILES:
        try:
            config.merge(PyFileConfigLoader(file, path=directory.location).load_config())
        except ConfigFileNotFound:
            continue
        except Exception as error:  # it is Python, and may do anything
            where = Path(directory.location, file)
            raise BadProfile(f"{where} fails: {type(error).__name__}: {error}") from error
    return Profile(directory, config)


def configured(profile: Profile | None, arguments: Sequence[str]) -> Profile:
    """A profile with settings of the command line over its own; nbclient passes such.

    Args:
        arguments: ``--Class.trait=value``, each.
    """
    config = Config() if profile is None else profile.config
    config.merge(KeyValueConfigLoader(list(arguments), aliases={}, flags={}).load_config())
    return Profile(None if profile is None else profile.directory, config)


class Startup(InteractiveShellApp, LoggingConfigurable):  # type: ignore[misc]
    """Runs a profile's startup files and the code that the command line names, in a shell."""

    profile_dir = Instance(ProfileDir, allow_none=True)
    ipython_dir = Unicode()
    extra_args = List(Unicode())

    def run(self, first: FirstCode) -> None:
        """Run everything. What fails is shown on stderr, and the rest goes on."""
        self.init_path()
        self.extra_extensions = list(first.extensions)
        self.init_extensions()
        if first.matplotlib is not None:
            self.shell.run_line_magic("matplotlib", first.matplotlib)
        self.code_to_run = first.code
        self.file_to_run = first.script
        self.module_to_run = first.module
        # what IPython puts behind argv[0]: for a script all but the first, for a module all
        self.extra_args = [*first.arguments] if first.module else [first.script, *first.arguments]
        if first.code:
            sys.argv = ["-c", *first.arguments]  # as python does; IPython leaves it alone
        self.init_code()

    def _run_startup_files(self) -> None:
        if self.profile_dir is not None:
            super()._run_startup_files()


def run_first(shell: ZMQInteractiveShell, first: FirstCode, profile: Profile | None) -> None:
    """Run what comes before the first request, as code of the user's."""
    startup = Startup(
        shell=shell,
        config=profile.config if profile is not None else Config(),
        profile_dir=profile.directory if profile is not None else None,
        ipython_dir=get_ipython_dir(),
    )
    if first.script:
        # as python does: what lies beside the script can be imported
        sys.path.insert(0, str(Path(first.script).absolute().parent))
    startup.run(first)


def missing(first: FirstCode) -> str | None:
    """What keeps `first` from being run at all, as a sentence; None if nothing does."""
    if first.script and not Path(first.script).exists():
        return f"there is no file {first.script!r} to run"
    if first.module and not _module_exists(first.module):
        return f"there is no module {first.module!r} to run"
    return None


def _module_exists(name: str) -> bool:
    from importlib.util import find_spec

    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


__all__ = [
    "BadProfile",
    "FirstCode",
    "Profile",
    "ProfileNotFound",
    "configured",
    "load_profile",
    "missing",
    "run_first",
]

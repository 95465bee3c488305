"""The command line: ``qtkernel`` and ``python -m qtkernel``.

Whatever is wrong with the arguments or the environment ends in one line on stderr and exit code 2.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from qtkernel import kernelspec
from qtkernel._version import __version__

if TYPE_CHECKING:
    from qtkernel.shell.startup import FirstCode, Profile

_TRAIT = re.compile(r"--[A-Z]\w*(\.\w+)+=")

LOG_LEVELS = ("debug", "info", "warning", "error", "critical")

_EPILOG = """\
--Class.trait=VALUE sets what IPython's configuration files can set, as in
--InteractiveShell.ast_node_interactivity=all.

Without -f the kernel writes a connection file of its own into Jupyter's runtime directory and
prints the line that attaches a console to it.

qtkernel install --help and qtkernel uninstall --help tell about the kernelspec.
"""


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 when done, 2 after an error that was explained."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    commands = {"install": _install, "uninstall": _uninstall}
    command = commands.get(arguments[0]) if arguments else None
    if command is not None:
        command(arguments[1:])
    else:
        _run_kernel(arguments)
    sys.exit(0)


# The kernel


def _run_kernel(arguments: list[str]) -> None:
    parser = _kernel_parser()
    options, traits = parser.parse_known_args(arguments)
    _check(parser, options, traits)
    _log_to_stderr(options.log_level.upper(), apart=options.capture_fds)
    _find_modules_here()
    # here, and not above: the imports take a while, and --help need not wait for them
    from qtkernel.shell.startup import FirstCode, configured, missing

    script, *rest = options.script or [""]
    first = FirstCode(
        code=options.code or "",
        module=options.module or "",
        script="" if options.code or options.module else script,
        arguments=options.script if options.code or options.module else rest,
        extensions=options.ext,
        matplotlib=options.matplotlib,
    )
    problem = missing(first)
    if problem is not None:
        parser.error(problem)
    profile = _load_profile(parser, options.profile) if options.profile else None
    if traits:
        profile = configured(profile, traits)
    _serve(parser, options, first, profile)


def _load_profile(parser: argparse.ArgumentParser, name: str) -> Profile:
    from qtkernel.shell.startup import BadProfile, ProfileNotFound, load_profile

    try:
        return load_profile(name)
    except (ProfileNotFound, BadProfile) as error:
        parser.error(str(error))


def _log_to_stderr(level: str, apart: bool) -> None:
    # the root logger is for the code of cells, whose basicConfig() does nothing once it is taken
    handler: logging.Handler = logging.StreamHandler()
    if apart and sys.__stderr__ is not None:
        # a cell's descriptor 2 is not for what we say while it runs
        handler = logging.StreamHandler(open(os.dup(2), "w", buffering=1))  # noqa: SIM115
    handler.setFormatter(logging.Formatter("[qtkernel] %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("qtkernel")
    logger.setLevel(level)
    logger.addHandler(handler)
    logger.propagate = False


def _find_modules_here() -> None:
    """Have cells import from the current directory, wherever they go, as IPython does.

    After the standard library, whose modules a file of the user's must not stand in for.
    """
    if "" not in sys.path and not sys.flags.safe_path:
        installed = ("site-packages", "dist-packages")
        places = [n for n, path in enumerate(sys.path) if os.path.basename(path) in installed]
        sys.path.insert(min(places, default=0), "")


def _serve(
    parser: argparse.ArgumentParser,
    options: argparse.Namespace,
    first: FirstCode,
    profile: Profile | None,
) -> None:
    from qtkernel.embed.endpoints import Wishes
    from qtkernel.embed.standalone import StandaloneKernel
    from qtkernel.loops.errors import NoDisplay
    from qtkernel.protocol import BadConnectionFile, InvalidContent
    from qtkernel.shell.descriptors import CannotCapture
    from qtkernel.shell.startup import run_first

    wishes = Wishes(
        name="qtkernel",
        connection_file=options.connection_file,
        transport=options.transport,
        ip=options.ip,
        curve=options.curve,
    )
    try:
        kernel = StandaloneKernel(
            options.gui,
            wishes,
            profile.config if profile is not None else None,
            profile.directory if profile is not None else None,
            capture_fds=options.capture_fds,
            subshells=options.subshells,
        )
    except (
        BadConnectionFile,
        CannotCapture,
        InvalidContent,
        NoDisplay,
        ImportError,
        ValueError,
    ) as error:
        parser.error(str(error))
    except OSError as error:
        parser.error(error.strerror or str(error))
    kernel.start()
    if options.connection_file is None:
        print(f"To attach: {kernel.address.attach_command}", file=sys.__stderr__)
    run_first(kernel.assembly.shell, first, profile)
    kernel.run()


def _kernel_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="qtkernel",
        description="A Jupyter kernel that a GUI toolkit's own event loop drives.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--gui", default="qt", metavar="LOOP", help="qt, tk, headless, asyncio or a plug-in's")
    add(
        "-f",
        "--connection-file",
        type=Path,
        metavar="FILE",
        help="the connection file: obeyed if it exists, else written there; or a launcher's "
        "registration file",
    )
    add("--transport", choices=("ipc", "tcp"), default="auto", help="ipc where there is any")
    add("--ip", metavar="ADDRESS", help="the address to bind with tcp (default: 127.0.0.1)")
    add("--curve", action="store_true", help="encrypt with CurveZMQ")
    add("--capture-fds", action="store_true", help="show what C code and child processes print")
    add("-c", dest="code", metavar="CODE", help="run this code first")
    add("-m", dest="module", metavar="MODULE", help="run this module first, as python -m does")
    add("--matplotlib", metavar="BACKEND", help="as %%matplotlib BACKEND; auto, inline, qt, ...")
    add("--ext", action="append", default=[], metavar="MODULE", help="load an IPython extension")
    add("--subshells", action="store_true", help="tell frontends that they may have subshells")
    add("--profile", metavar="NAME", help="use this IPython profile's startup files and config")
    add("--log-level", choices=LOG_LEVELS, default="warning", metavar="LEVEL")
    add("--version", action="version", version=f"qtkernel {__version__}")
    add(
        "script",
        nargs=argparse.REMAINDER,
        help="a script to run first, and its arguments (with -c or -m: arguments only)",
    )
    return parser


def _check(
    parser: argparse.ArgumentParser, options: argparse.Namespace, traits: Sequence[str]
) -> None:
    unknown = [each for each in traits if not _TRAIT.match(each)]
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    if options.code and options.module:
        parser.error("-c and -m exclude each other: one thing can run first")
    if options.ip and options.transport == "ipc":
        parser.error("--ip is for --transport=tcp; ipc has no address")


class _Parser(argparse.ArgumentParser):
    """One line, not the whole usage, for an error."""

    def error(self, message: str) -> NoReturn:
        first_line = " ".join(str(message).split())
        self.exit(2, f"{self.prog}: error: {first_line}\n")


# The kernelspec


def _spec_parser(command: str, description: str) -> argparse.ArgumentParser:
    parser = _Parser(prog=f"qtkernel {command}", description=description)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--user", action="store_true", help="for this user")
    where.add_argument(
        "--sys-prefix",
        action="store_const",
        const=sys.prefix,
        dest="prefix",
        help="for this Python environment",
    )
    where.add_argument("--prefix", metavar="DIR", help="under this prefix")
    parser.add_argument("--name", default=kernelspec.DEFAULT_NAME, help="(default: qtkernel)")
    return parser


def _install(arguments: list[str]) -> None:
    parser = _spec_parser("install", "Make this kernel known to Jupyter's frontends.")
    parser.add_argument("--display-name", metavar="TEXT", help="what people see")
    parser.add_argument("--gui", default="qt", metavar="LOOP", help="as of qtkernel --gui")
    parser.add_argument("--capture-fds", action="store_true", help="as of qtkernel --capture-fds")
    parser.add_argument("--profile", metavar="NAME", help="as of qtkernel --profile")
    options = parser.parse_args(arguments)
    from qtkernel.loops.registry import available

    if options.gui not in available():
        parser.error(f"no event loop {options.gui!r}; there are: {', '.join(available())}")
    passed_on = ["--capture-fds"] if options.capture_fds else []
    if options.profile:
        # now: a frontend would only say that the kernel has died
        _load_profile(parser, options.profile)
        passed_on.append(f"--profile={options.profile}")
    try:
        directory = kernelspec.install(
            name=options.name,
            display_name=options.display_name,
            gui=options.gui,
            prefix=options.prefix,
            user=options.user,
            options=passed_on,
        )
    except kernelspec.KernelSpecError as error:
        parser.error(str(error))
    print(f"Installed kernelspec {directory.name} in {directory}")  # noqa: T201


def _uninstall(arguments: list[str]) -> None:
    parser = _spec_parser("uninstall", "Remove a kernelspec that install has written.")
    options = parser.parse_args(arguments)
    try:
        directory = kernelspec.uninstall(
            name=options.name, prefix=options.prefix, user=options.user
        )
    except kernelspec.KernelSpecError as error:
        parser.error(str(error))
    print(f"Removed kernelspec {directory.name} from {directory.parent}")  # noqa: T201

"""How long a cell takes: ``pass`` in this kernel and in ipykernel, side by side.

Every kernel is a process of its own on TCP; one client measures all of them, in rounds. A round
gives each kernel its turn, in an order that moves on by one each time, while the others are
suspended. README.md says how to read the table.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks.client import Client, NoAnswer
from benchmarks.kernels import COMMANDS, CONNECTION_FILE, KernelProcess, NotStarted, Spec
from benchmarks.report import Round, as_json, machine, table

CELL = {"code": "pass"}
"""An execute_request's content; what is left out has the protocol's defaults (history is kept)."""

WARM_UP = 20
"""Cells in each turn that are not measured: a suspended process has to get its pages back."""

FLOOD_EVERY = 4
"""Of so many rounds one has the pipelined cells, which take longer than all the rest of it."""

_clock = time.monotonic


def take_turn(client: Client, samples: int, pipelined: int) -> dict[str, float]:
    """Measure one kernel once; seconds by measure.

    Raises:
        NoAnswer: it did not answer as it must.
    """
    for _ in range(WARM_UP):
        client.ask("execute_request", CELL)
    cells = [client.ask("execute_request", CELL) for _ in range(samples)]
    infos = [client.ask("kernel_info_request", {}) for _ in range(samples)]
    result = {
        "pass: send to reply": median(cell.reply for cell in cells),
        "pass: send to idle": median(cell.idle for cell in cells),
        "kernel_info: send to reply": median(info.reply for info in infos),
    }
    if pipelined:
        flood = client.ask("execute_request", CELL, pipelined)
        result[f"{pipelined:,} passes at once: each"] = flood.idle / pipelined
    return result


def run_rounds(
    kernels: Sequence[KernelProcess], options: argparse.Namespace, progress: Callable[[str], object]
) -> list[Round]:
    """Go round until there are enough rounds, or no time for one more of its kind."""
    begun, longest = _clock(), {True: 0.0, False: 0.0}
    rounds: list[Round] = []
    for kernel in kernels:
        kernel.suspend()
    while len(rounds) < options.rounds:
        started = _clock()
        flooded = len(rounds) % FLOOD_EVERY == 0
        if rounds and started - begun + longest[flooded] > options.seconds:
            break
        turns: Round = {}
        for kernel in _order(kernels, len(rounds)):
            kernel.resume()
            turns[kernel.name] = take_turn(
                kernel.client, options.samples, options.pipelined if flooded else 0
            )
            kernel.suspend()
        rounds.append({kernel.name: turns[kernel.name] for kernel in kernels})
        longest[flooded] = max(longest[flooded], _clock() - started)
        progress(f"round {len(rounds)}: {_clock() - started:.1f} s")
    return rounds


def _order(kernels: Sequence[KernelProcess], number: int) -> list[KernelProcess]:
    """Who goes first moves on by one each round, and every other round goes backwards.

    A kernel leaves traces for the one after it (writes to disk that are still under way), so it
    must not always be the same one that finds them.
    """
    first = number % len(kernels)
    order = [*kernels[first:], *kernels[:first]]
    return order[::-1] if number % 2 else order


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line; exits with 1 after a kernel that cannot be measured."""
    parser = _parser()
    options = parser.parse_args(argv)
    specs = _specs(parser, options)
    try:
        with tempfile.TemporaryDirectory(prefix="qtkernel-bench-") as home, ExitStack() as stack:
            kernels = []
            for number, spec in enumerate(specs):
                own = Path(home) / str(number)
                own.mkdir(mode=0o700)
                kernels.append(stack.enter_context(KernelProcess(spec, own)))
            rounds = run_rounds(kernels, options, lambda text: print(text, file=sys.stderr))
    except (NoAnswer, NotStarted) as error:
        sys.exit(f"benchmarks.execute: {error}")
    about = machine()
    packages = ", ".join(f"{name} {version}" for name, version in about["packages"].items())
    print(f"Python {about['python']}, {about['system']}, {about['processors']} processors")
    print(packages, end="\n\n")
    print(table(rounds, options.reference))
    if options.json:
        options.json.write_text(json.dumps(as_json(rounds, options.reference), indent=1) + "\n")


def _specs(parser: argparse.ArgumentParser, options: argparse.Namespace) -> list[Spec]:
    specs = [Spec(name, COMMANDS[name]) for name in options.kernels]
    for text in options.kernel:
        name, _, command = text.partition("=")
        try:
            words = tuple(shlex.split(command))
        except ValueError as error:
            parser.error(f"--kernel {text}: {error}")
        if CONNECTION_FILE not in command:
            parser.error(f"--kernel {text}: expected NAME=COMMAND with {CONNECTION_FILE} in it")
        specs.append(Spec(name, words))
    names = [spec.name for spec in specs]
    if len(set(names)) < len(names):
        parser.error(f"two kernels of one name: {', '.join(names)}")
    if options.reference not in names:
        parser.error(f"--reference {options.reference} is none of {', '.join(names)}")
    return specs


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.execute", description=__doc__)
    add = parser.add_argument
    add(
        "--kernels",
        nargs="*",
        choices=sorted(COMMANDS),
        default=["qt", "headless", "ipykernel", "ipykernel-no-history"],
        help="(default: qt headless ipykernel ipykernel-no-history)",
    )
    add(
        "--kernel",
        action="append",
        default=[],
        metavar="NAME=COMMAND",
        help=f"one more kernel; its command has {CONNECTION_FILE} where the path belongs",
    )
    add("--reference", default="ipykernel", metavar="NAME", help="the kernel that is 1")
    add("--rounds", type=_positive, default=12, help="(default: %(default)s)")
    add("--samples", type=_positive, default=100, help="of a measure, a round (default: 100)")
    add(
        "--pipelined",
        type=_count,
        default=1000,
        help=f"cells sent at once, in one of {FLOOD_EVERY} rounds (default: 1000; 0: none)",
    )
    add("--seconds", type=float, default=45.0, help="begin no round that ends after that")
    add("--json", type=Path, metavar="FILE", help="write everything there, too")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number, 0 or more, got {text!r}")
    return int(text)


def _positive(text: str) -> int:
    number = _count(text)
    if number == 0:
        raise argparse.ArgumentTypeError("expected 1 or more")
    return number


if __name__ == "__main__":
    main()

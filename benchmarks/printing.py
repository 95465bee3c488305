"""What a print costs: by whom it is, and whose it is found to be.

    python -m benchmarks.printing

In this process, without sockets: only what `sys.stdout` does with the text, and how long it takes
to find out whose it is. Look at the ratios to a print to a plain stream in the same run.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from statistics import median

from qtkernel.kernel.attribution import Attribution, steps_request
from qtkernel.kernel.publisher import Publisher
from qtkernel.loops.turns import Turns
from qtkernel.protocol import Message, Session
from qtkernel.shell.streams import OutputBuffer, StreamProxy

ROUNDS = 7
CALLS = 20_000
DEPTH = 20
"""Frames between a print and the event loop, about as many as IPython has under a cell."""

Measure = tuple[str, Callable[[], object]]


def nanoseconds(function: Callable[[], object]) -> float:
    """How long a call takes."""
    begin = time.perf_counter()
    for _ in range(CALLS):
        function()
    return (time.perf_counter() - begin) / CALLS * 1e9


def deep(depth: int, function: Callable[[], object]) -> object:
    """Call something with so many frames below it."""
    return function() if depth == 0 else deep(depth - 1, function)


@steps_request
def as_a_cell(attribution: Attribution, message: Message, function: Callable[[], None]) -> None:
    """Run something as the request cycle runs a cell."""
    with attribution.request(message):
        function()


def main() -> None:
    """Print the table."""
    session = Session(b"key")
    message = session.unpack(session.pack("execute_request", {}, identities=(b"x",)))
    attribution = Attribution(Turns(complete=True))
    publisher = Publisher(session, lambda _frames: None, attribution)
    buffer = OutputBuffer(publisher, lambda _delay, _callback: None)
    plain = io.StringIO()
    proxy = StreamProxy("stdout", plain, buffer, publisher)
    results: dict[str, list[float]] = {}

    def measure(name: str, function: Callable[[], object]) -> None:
        results.setdefault(name, []).append(nanoseconds(function))
        plain.seek(0)
        plain.truncate()
        buffer.flush()

    def cell() -> None:
        measure("print by a cell", lambda: print("x", file=proxy))
        measure("  whose it is", publisher.current)

    names: dict[str, Callable[[], None]] = {}
    for _ in range(ROUNDS):
        names.clear()
        measure("print to a plain stream", lambda: print("x", file=plain))
        as_a_cell(attribution, message, cell)
        measure("print by the host", lambda: print("x", file=proxy))
        measure("  whose it is, no cell having left a function", publisher.current)
        with attribution.request(message):
            code = compile("def f(): pass", "<cell>", "exec")
            attribution.claim_code(code)
        exec(code, names)
        del code
        deep(DEPTH, lambda: measure("  whose it is, by a stack of 20", publisher.current))
    reference = median(results["print to a plain stream"])
    for name, values in results.items():
        print(f"{name:46} {median(values):8.0f} ns  {median(values) / reference:6.2f}")


if __name__ == "__main__":
    main()

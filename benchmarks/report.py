"""From rounds to a table: medians, and ratios within the rounds.

A round gives each kernel one number a measure, taken within a second or two of the other kernels'.
Its ratio to the reference is therefore taken under the same load and the same clock speed; the
ratio in the table is the median of the rounds' ratios, with the lowest and the highest beside it.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Sequence
from itertools import zip_longest
from statistics import median
from typing import Any

Round = dict[str, dict[str, float]]
"""Seconds: kernel -> measure -> the median of this round's samples."""


def ratios(rounds: Sequence[Round], kernel: str, measure: str, reference: str) -> list[float]:
    """How long `kernel` took as a multiple of `reference`, by round that has the measure."""
    return [
        each[kernel][measure] / each[reference][measure]
        for each in rounds
        if measure in each[reference]
    ]


def middle(rounds: Sequence[Round], kernel: str, measure: str) -> float:
    """The median of the rounds that have the measure, in seconds."""
    return median(each[kernel][measure] for each in rounds if measure in each[kernel])


def table(rounds: Sequence[Round], reference: str) -> str:
    """The table that is printed.

    Args:
        rounds: one or more; all with the same kernels, the first with all measures.
        reference: one of the kernels.
    """
    kernels = list(rounds[0])
    width = max(len(kernel) for kernel in kernels)
    lines = [f"{'':32} {'':{width}}  {'median':>9}  ratio to {reference} (lowest to highest)"]
    for measure in rounds[0][reference]:
        lines.append("")
        count = len(ratios(rounds, reference, measure, reference))
        labels = [measure, f"(median of {count} rounds)"]
        for label, kernel in zip_longest(labels[: len(kernels)], kernels, fillvalue=""):
            milliseconds = middle(rounds, kernel, measure) * 1000
            line = f"{label:32} {kernel:{width}}  {milliseconds:6.3f} ms"
            if kernel != reference:
                of_rounds = ratios(rounds, kernel, measure, reference)
                line += f"  {median(of_rounds):.2f}  ({min(of_rounds):.2f} to {max(of_rounds):.2f})"
            lines.append(line)
    return "\n".join(lines)


def as_json(rounds: Sequence[Round], reference: str) -> dict[str, Any]:
    """Everything that was measured, for whoever compares runs; times in seconds."""
    return {
        "machine": machine(),
        "reference": reference,
        "rounds": rounds,
        "summary": {
            kernel: {
                measure: {
                    "median": middle(rounds, kernel, measure),
                    "ratio": median(ratios(rounds, kernel, measure, reference)),
                }
                for measure in measures
            }
            for kernel, measures in rounds[0].items()
        },
    }


def machine() -> dict[str, Any]:
    """What the numbers depend on."""
    names = ("qtkernel", "ipykernel", "ipython", "pyzmq", "msgspec", "PyQt5")
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        "packages": {name: version for name in names if (version := _version(name)) is not None},
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None

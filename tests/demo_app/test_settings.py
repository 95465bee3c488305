"""Settings check what they are given, and say what changed."""

from __future__ import annotations

import math

import pytest

from demo_app.model import Bench, Channel
from demo_app.settings import engineering, tick


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("frequency", 0),
        ("frequency", math.nan),
        ("frequency", math.inf),
        ("frequency", "fast"),
        ("frequency", None),
        ("waveform", "cosine"),
        ("scale", 3),
        ("enabled", 1),
    ],
)
def test_a_wrong_value_is_refused_by_name_and_changes_nothing(
    bench: Bench, name: str, value: object
) -> None:
    channel = bench.channels[0]
    before = getattr(channel, name)
    heard: list[object] = []
    channel.changed.connect(lambda *change: heard.append(change))
    with pytest.raises(ValueError, match=f"^{name} must be"):
        setattr(channel, name, value)
    assert getattr(channel, name) == before
    assert heard == []


def test_a_change_is_announced_once_with_name_and_value(bench: Bench) -> None:
    heard: list[object] = []
    bench.channels[0].changed.connect(lambda *change: heard.append(change))
    bench.channels[0].frequency = 440
    bench.channels[0].frequency = 440.0
    assert heard == [("frequency", 440.0)]


def test_channels_do_not_share_values(bench: Bench) -> None:
    second = bench.add_channel(frequency=50)
    assert (bench.channels[0].frequency, second.frequency) == (1000.0, 50.0)


def test_the_class_gives_the_limits() -> None:
    assert (Channel.frequency.low, Channel.frequency.high) == (1.0, 100e3)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1250, "Hz", "1.25 kHz"),
        (1000, "Hz", "1.00 kHz"),
        (0.02, "s", "20.0 ms"),
        (-0.5, "V", "-500 mV"),
        (200e-6, "s", "200 µs"),
        (2e6, "S/s", "2.00 MS/s"),
        (0.8e-6, "V", "0.80 µV"),
        (1e-9, "V", "0 V"),
        (0, "V", "0 V"),
        (None, "Hz", "—"),
    ],
)
def test_quantities_are_written_with_prefixes(value: float | None, unit: str, text: str) -> None:
    assert engineering(value, unit) == text


def test_the_labels_of_an_axis_share_one_prefix() -> None:
    labels = [tick(n * 0.5e-3, 2.5e-3, "s") for n in (-5, -1, 0, 3)]
    assert labels == ["-2.5 ms", "-0.5 ms", "0 ms", "1.5 ms"]

"""The readings of known signals, and the life of a bench."""

from __future__ import annotations

import math
import random

import pytest
from pytestqt.qtbot import QtBot

from demo_app.model import MAX_CHANNELS, SAMPLES, SWEEP_INTERVAL_MS, WAVEFORMS, Bench, measure

RATE = 160_000.0


def sine(frequency: float, amplitude: float, offset: float = 0.0) -> list[float]:
    step = 2 * math.pi * frequency / RATE
    return [offset + amplitude * math.sin(n * step) for n in range(SAMPLES)]


def test_the_readings_of_a_sine() -> None:
    readings = measure(sine(1000, amplitude=2), 1 / RATE)  # exactly five periods
    assert readings.vpp == pytest.approx(4, rel=1e-3)
    assert readings.rms == pytest.approx(math.sqrt(2), rel=1e-3)
    assert readings.mean == pytest.approx(0, abs=1e-9)
    assert readings.frequency == pytest.approx(1000, rel=1e-4)


def test_an_offset_shows_in_mean_and_rms_but_not_in_vpp_and_frequency() -> None:
    readings = measure(sine(1000, amplitude=2, offset=3), 1 / RATE)
    assert readings.vpp == pytest.approx(4, rel=1e-3)
    assert readings.mean == pytest.approx(3, rel=1e-6)
    assert readings.rms == pytest.approx(math.sqrt(2 + 9), rel=1e-3)
    assert readings.frequency == pytest.approx(1000, rel=1e-4)


def test_noise_at_the_crossing_is_not_a_higher_frequency() -> None:
    noise = random.Random(1)
    trace = [volts + noise.gauss(0, 0.15) for volts in sine(1000, amplitude=2)]
    assert measure(trace, 1 / RATE).frequency == pytest.approx(1000, rel=0.02)


@pytest.mark.parametrize("trace", [sine(100, amplitude=2), [1.0] * SAMPLES])
def test_without_two_edges_there_is_no_frequency(trace: list[float]) -> None:
    assert measure(trace, 1 / RATE).frequency is None


@pytest.mark.parametrize(
    ("waveform", "rms"),
    [("sine", math.sqrt(0.5)), ("square", 1), ("triangle", 1 / 3**0.5), ("sawtooth", 1 / 3**0.5)],
)
def test_each_waveform_has_its_shape(waveform: str, rms: float) -> None:
    shape = WAVEFORMS[waveform]
    samples = [shape(n / 1000) for n in range(-1000, 1000)]
    assert max(samples) == pytest.approx(1, abs=0.01)
    assert min(samples) == pytest.approx(-1, abs=0.01)
    assert measure(samples, 1e-3).rms == pytest.approx(rms, rel=0.01)
    assert shape(-0.01) < 0 <= shape(0) < shape(0.01) + 1e-9


def test_a_sweep_is_triggered_in_the_middle_by_the_first_channel(bench: Bench) -> None:
    channel = bench.channels[0]
    for phase in (0, 90, -45):
        channel.set(noise=0, phase=phase, frequency=1234.5)
        bench.sweep()
        before, after = channel.trace[SAMPLES // 2 - 1 : SAMPLES // 2 + 1]
        assert before < 0
        assert after == pytest.approx(0, abs=1e-4)


def test_a_running_bench_sweeps_on_its_own_and_a_stopped_one_does_not(
    bench: Bench, qtbot: QtBot
) -> None:
    with qtbot.waitSignals([bench.swept] * 3, timeout=5000):
        bench.start()
    bench.stop()
    # nothing is left that could wake the loop up
    assert not bench._timer.isActive()
    sweeps = bench.sweeps
    with qtbot.assertNotEmitted(bench.swept, wait=3 * SWEEP_INTERVAL_MS):
        pass
    assert bench.sweeps == sweeps


def test_a_change_is_swept_at_once_while_running_and_not_while_stopped(bench: Bench) -> None:
    channel = bench.channels[0]
    bench.start()
    channel.set(amplitude=4, noise=0)
    assert max(channel.trace) == pytest.approx(4, rel=1e-3)
    bench.stop()
    held = channel.trace
    channel.amplitude = 1
    assert channel.trace is held


def test_single_takes_one_sweep_and_stops(bench: Bench) -> None:
    bench.start()
    sweeps = bench.sweeps
    bench.single()
    assert (bench.running, bench.sweeps) == (False, sweeps + 1)


def test_a_disabled_channel_is_not_sampled(bench: Bench) -> None:
    second = bench.add_channel(enabled=False)
    held = second.trace
    bench.sweep()
    assert second.trace is held


def test_a_fifth_channel_and_a_wrong_setting_add_nothing(bench: Bench) -> None:
    with pytest.raises(AttributeError, match="volume"):
        bench.add_channel(volume=11)
    with pytest.raises(ValueError, match="waveform"):
        bench.add_channel(waveform="cosine")
    assert len(bench.channels) == len(bench.children()) - 1 == 1
    while len(bench.channels) < MAX_CHANNELS:
        bench.add_channel()
    with pytest.raises(RuntimeError, match="all are in use"):
        bench.add_channel()
    assert [channel.name for channel in bench.channels] == ["CH1", "CH2", "CH3", "CH4"]

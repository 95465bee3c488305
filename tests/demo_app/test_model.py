"""The readings of known signals, and the life of a bench."""

from __future__ import annotations

import asyncio
import math

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from demo_app.model import (
    MAX_CHANNELS,
    SAMPLES,
    SWEEP_INTERVAL_MS,
    WAVEFORMS,
    Bench,
    Trace,
    measure,
    peaks,
    spectrum,
)

RATE = 160_000.0


def sine(frequency: float, amplitude: float, offset: float = 0.0) -> Trace:
    step = 2 * math.pi * frequency / RATE
    return offset + amplitude * np.sin(np.arange(SAMPLES) * step)


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
    noise = np.random.default_rng(1).normal(0, 0.15, SAMPLES)
    trace = sine(1000, amplitude=2) + noise
    assert measure(trace, 1 / RATE).frequency == pytest.approx(1000, rel=0.02)


@pytest.mark.parametrize("trace", [sine(100, amplitude=2), np.ones(SAMPLES)], ids=["slow", "flat"])
def test_without_two_edges_there_is_no_frequency(trace: Trace) -> None:
    assert measure(trace, 1 / RATE).frequency is None


@pytest.mark.parametrize(
    ("waveform", "rms"),
    [("sine", math.sqrt(0.5)), ("square", 1), ("triangle", 1 / 3**0.5), ("sawtooth", 1 / 3**0.5)],
)
def test_each_waveform_has_its_shape(waveform: str, rms: float) -> None:
    shape = WAVEFORMS[waveform]
    samples = shape(np.arange(-1000, 1000) / 1000)
    assert max(samples) == pytest.approx(1, abs=0.01)
    assert min(samples) == pytest.approx(-1, abs=0.01)
    assert measure(samples, 1e-3).rms == pytest.approx(rms, rel=0.01)
    before, at, after = shape(np.array([-0.01, 0, 0.01]))
    assert before < 0 <= at < after + 1e-9


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


def test_the_spectrum_has_its_line_where_the_signal_is() -> None:
    frequencies, decibels = spectrum(sine(5000, amplitude=2), 1 / RATE)
    peak = int(np.argmax(decibels))
    assert frequencies[peak] == pytest.approx(5000, abs=30)
    assert decibels[peak] == pytest.approx(20 * math.log10(math.sqrt(2)), abs=0.1)
    assert decibels[np.abs(frequencies - 5000) > 1000].max() < decibels[peak] - 30


def test_a_measurement_is_the_average_of_the_sweeps_that_come(bench: Bench, qtbot: QtBot) -> None:
    async def measure_it() -> object:
        return await bench.measure(sweeps=5)

    coroutine = measure_it()
    loop = asyncio.new_event_loop()
    try:
        task = loop.create_task(coroutine)
        loop.run_until_complete(asyncio.sleep(0))
        sweeps = bench.sweeps
        qtbot.waitUntil(lambda: bench.sweeps >= sweeps + 5, timeout=5000)
        readings = loop.run_until_complete(task)
    finally:
        loop.close()
    assert readings.rms == pytest.approx(math.sqrt(2), rel=0.01)
    assert readings.frequency == pytest.approx(1000, rel=0.01)
    with pytest.raises(ValueError, match="one sweep or more"):
        bench.measure(sweeps=0).send(None)


def test_the_peaks_are_the_lines_and_neither_noise_nor_side_lobes() -> None:
    noise = np.random.default_rng(1).normal(0, 0.02, SAMPLES)
    trace = sine(1000, amplitude=2) + sine(5000, amplitude=0.5) + noise
    frequencies, decibels = spectrum(trace, 1 / RATE)
    assert frequencies[peaks(decibels)] == pytest.approx([1000, 5000], abs=50)
    assert len(peaks(decibels, most=1)) == 1
    assert peaks(spectrum(noise, 1 / RATE)[1]) == []


def test_the_vibration_is_periodic_and_rises_where_it_is_triggered() -> None:
    shape = WAVEFORMS["vibration"]
    turn = shape(np.arange(1000) / 1000)
    assert shape(np.arange(1000, 2000) / 1000) == pytest.approx(turn, abs=1e-9)
    assert shape(np.array([-0.01]))[0] < turn[0] < turn[10]
    assert 0.9 < max(turn) <= 1
    # the faster parts are no turns of their own
    assert measure(np.tile(turn, 4), 1e-3).frequency == pytest.approx(1, rel=1e-3)


def test_a_signal_is_the_same_after_years() -> None:
    channel, noise = Bench(seed=1).channels[0], np.random.default_rng(1)
    channel.set(noise=0, frequency=1000)
    channel.acquire(0.0, 1 / RATE, noise)
    early = channel.trace
    channel.acquire(1e8, 1 / RATE, noise)
    assert channel.trace == pytest.approx(early, abs=1e-3)

"""The bench without a window: channels, the sweep, and the readings computed from it.

Everything here runs in the GUI thread and tells views about changes by Qt signals. One QTimer
drives the acquisition and is stopped with it: a stopped bench causes no wake-ups.
"""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy import QtCore

from demo_app.settings import Choice, Number, Setting, Switch

Trace = NDArray[np.float64]

DIVISIONS = 10
"""Horizontal divisions of the screen, hence of one sweep."""
SAMPLES = 800
"""Samples in one sweep of one channel."""
SWEEP_INTERVAL_MS = 33
"""Time between two sweeps in milliseconds: about 30 a second, and never more repaints than that."""
MAX_CHANNELS = 4
TIMEBASES = (50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3)
SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

_PADDED = 8 * SAMPLES
_WINDOW = np.hanning(SAMPLES)
_STEPS = np.arange(SAMPLES, dtype=np.float64)


def _vibration(phase: Trace) -> Trace:
    """What a sensor on a machine says: the shaft's turns, and what turns with it, faster."""
    turns = 2 * np.pi * phase
    parts = ((1, 1.0), (2, 0.45), (5, 0.3), (8, 0.12))
    return sum((part * np.sin(order * turns) for order, part in parts), start=0 * phase) / 1.31


# each takes the phase in cycles and rises through zero at phase 0, where the sweep is triggered
WAVEFORMS: dict[str, Callable[[Trace], Trace]] = {
    "sine": lambda phase: np.sin(2 * np.pi * phase),
    "square": lambda phase: np.where(phase % 1 < 0.5, 1.0, -1.0),
    "triangle": lambda phase: 4 * np.abs((phase + 0.75) % 1 - 0.5) - 1,
    "sawtooth": lambda phase: 2 * ((phase + 0.5) % 1) - 1,
    "vibration": _vibration,
}


_POINTS = 1 << 14
# one period of each, looked up: a sweep takes half the time that computing its sines takes
_PERIODS = {name: shape(np.arange(_POINTS) / _POINTS) for name, shape in WAVEFORMS.items()}


@dataclass(frozen=True)
class Readings:
    """What a sweep says about its signal: volts, and hertz if two edges were seen."""

    vpp: float
    rms: float
    mean: float
    frequency: float | None


@dataclass(frozen=True)
class Marker:
    """A labelled instant on the screen, in seconds from the trigger."""

    time: float
    label: str


def measure(trace: Trace, interval: float) -> Readings:
    """Compute the readings of evenly spaced samples, ``interval`` seconds apart.

    An edge counts only after the signal has been a quarter of its swing below the middle, so that
    noise around the crossing is not taken for a higher frequency.
    """
    low, high = float(trace.min()), float(trace.max())
    mean, rms = float(trace.mean()), math.sqrt(float(np.mean(trace * trace)))
    middle, armed_below = (low + high) / 2, (3 * low + high) / 4
    armed = np.flatnonzero(trace < armed_below)
    rising = np.flatnonzero((trace[:-1] < middle) & (trace[1:] >= middle))
    # of the crossings after each swing below, the first
    firsts = np.searchsorted(rising, armed)
    edges = np.unique(rising[firsts[firsts < len(rising)]])
    frequency = None
    if len(edges) > 1:
        ends = edges[[0, -1]]
        first, last = ends + (middle - trace[ends]) / (trace[ends + 1] - trace[ends])
        frequency = float((len(edges) - 1) / ((last - first) * interval))
    return Readings(high - low, rms, mean, frequency)


def spectrum(trace: Trace, interval: float) -> tuple[Trace, Trace]:
    """The frequencies of evenly spaced samples in hertz, and what there is of each in dBV.

    A Hann window keeps a strong line from covering its neighbours; the zeros behind it make the
    curve smooth.
    """
    window = _WINDOW if len(trace) == SAMPLES else np.hanning(len(trace))
    lines = np.fft.rfft(trace * window, _PADDED)
    volts = math.sqrt(2) * np.abs(lines) / window.sum()
    decibels: Trace = 20 * np.log10(np.maximum(volts, 1e-6))
    return np.fft.rfftfreq(_PADDED, interval).astype(float), decibels


def peaks(decibels: Trace, most: int = 3) -> list[int]:
    """Where in a `spectrum` its strongest lines are, the strongest first.

    A line stands 20 dB out of the noise, and is no side lobe of a stronger one.
    """
    rest = decibels.copy()
    least = max(float(np.median(rest)) + 20, float(rest.max()) - 45)
    lobe = 4 * _PADDED // SAMPLES
    found: list[int] = []
    while len(found) < most and rest[at := int(rest.argmax())] >= least:
        found.append(at)
        rest[max(0, at - lobe) : at + lobe] = -np.inf
    return found


def _average(taken: list[Readings]) -> Readings:
    frequencies = [each.frequency for each in taken if each.frequency is not None]
    return Readings(
        vpp=float(np.mean([each.vpp for each in taken])),
        rms=float(np.mean([each.rms for each in taken])),
        mean=float(np.mean([each.mean for each in taken])),
        frequency=float(np.mean(frequencies)) if frequencies else None,
    )


class Channel(QtCore.QObject):  # type: ignore[misc]
    """One input of the bench with its simulated signal.

    ``trace`` is the last sweep in volts, a sample every ``interval`` seconds.
    """

    changed = QtCore.Signal(str, object)

    enabled = Switch(True)
    waveform = Choice("sine", tuple(WAVEFORMS))
    scale = Choice(1.0, SCALES, "V/div")
    frequency = Number(1000.0, 1.0, 100e3, "Hz")
    position = Number(0.0, -4.0, 4.0, "div")
    amplitude = Number(2.0, 0.0, 20.0, "V")
    offset = Number(0.0, -20.0, 20.0, "V")
    noise = Number(0.03, 0.0, 5.0, "V")
    phase = Number(0.0, -360.0, 360.0, "°")

    def __init__(self, name: str, parent: QtCore.QObject | None = None) -> None:
        super().__init__(parent)
        self.name = name
        self.trace: Trace = np.zeros(SAMPLES)
        self.interval = 1.0
        self._readings: Readings | None = None

    def __repr__(self) -> str:
        return (
            f"<{self.name}: {self.waveform} {self.frequency:g} Hz, {self.amplitude:g} V"
            f"{'' if self.enabled else ', off'}>"
        )

    @property
    def readings(self) -> Readings:
        """What the last sweep says; computed when asked for, not 30 times a second."""
        if self._readings is None:
            self._readings = measure(self.trace, self.interval)
        return self._readings

    def set(self, **values: Any) -> None:
        """Change several settings; AttributeError names one that does not exist."""
        for name, value in values.items():
            if not isinstance(getattr(type(self), name, None), Setting):
                raise AttributeError(f"a channel has no setting {name!r}")
            setattr(self, name, value)

    def acquire(self, start: float, interval: float, noise: np.random.Generator) -> None:
        """Sample the signal from ``start``, every ``interval`` seconds, and measure it."""
        # without its whole cycles, of which there are many millions: a sine of those takes 10 times
        # as long as one of what is left
        begin = (start * self.frequency + self.phase / 360) % 1
        cycles = begin + interval * self.frequency * _STEPS
        signal = _PERIODS[self.waveform][(cycles * _POINTS + 0.5).astype(np.int64) % _POINTS]
        self.trace = self.offset + self.amplitude * signal + noise.normal(0, self.noise, SAMPLES)
        self.interval, self._readings = interval, None


class Bench(QtCore.QObject):  # type: ignore[misc]
    """The instrument: up to four channels, one timebase, a trigger on the first channel."""

    changed = QtCore.Signal(str, object)
    channel_added = QtCore.Signal(object)
    channel_changed = QtCore.Signal(object, str, object)
    markers_changed = QtCore.Signal()
    swept = QtCore.Signal()

    running = Switch(False)
    timebase = Choice(500e-6, TIMEBASES, "s/div")

    def __init__(self, parent: QtCore.QObject | None = None, seed: int | None = None) -> None:
        super().__init__(parent)
        self.channels: list[Channel] = []
        self.markers: list[Marker] = []
        self.sweeps = 0
        self._noise = np.random.default_rng(seed)
        self._timer = QtCore.QTimer(self)
        self._timer.setTimerType(QtCore.Qt.TimerType.PreciseTimer)
        self._timer.setInterval(SWEEP_INTERVAL_MS)
        self._timer.timeout.connect(self.sweep)
        self.changed.connect(self._follow)
        self.add_channel()

    def __repr__(self) -> str:
        return f"<Bench: {'running' if self.running else 'stopped'}, {self.channels}>"

    @property
    def span(self) -> float:
        """Duration of one sweep in seconds."""
        return self.timebase * DIVISIONS

    def start(self) -> None:
        """Begin to sweep about 30 times a second."""
        self.running = True

    def stop(self) -> None:
        """Hold the last sweep on the screen."""
        self.running = False

    def single(self) -> None:
        """Stop, and take exactly one sweep."""
        self.stop()
        self.sweep()

    async def measure(self, sweeps: int = 30, channel: int = 0) -> Readings:
        """Average the readings of the next sweeps, which go on, of one channel.

        Raises ValueError if that is not at least one sweep.
        """
        if sweeps < 1:
            raise ValueError(f"an average needs one sweep or more, not {sweeps}")
        taken: list[Readings] = []
        loop = asyncio.get_running_loop()
        done = loop.create_future()

        def take() -> None:
            if not done.done():
                taken.append(self.channels[channel].readings)
                if len(taken) == sweeps:
                    done.set_result(None)

        self.swept.connect(take)
        self.start()
        try:
            await done
        finally:
            self.swept.disconnect(take)
        return _average(taken)

    def add_channel(self, **settings: Any) -> Channel:
        """Add the next channel with the given settings.

        Raises RuntimeError when all four are there; a wrong setting raises and adds nothing.
        """
        if len(self.channels) == MAX_CHANNELS:
            raise RuntimeError(f"the bench has {MAX_CHANNELS} channels and all are in use")
        channel = Channel(f"CH{len(self.channels) + 1}")
        channel.set(**settings)
        channel.setParent(self)
        channel.acquire(-self.span / 2, self.span / SAMPLES, self._noise)
        channel.changed.connect(lambda name, value: self._channel_follows(channel, name, value))
        self.channels.append(channel)
        self.channel_added.emit(channel)
        self._sweep_if_running()
        return channel

    def add_marker(self, at: float, label: str) -> Marker:
        """Draw a labelled line at a time in seconds from the trigger."""
        marker = Marker(float(at), str(label))
        self.markers.append(marker)
        self.markers_changed.emit()
        return marker

    def clear_markers(self) -> None:
        """Remove every marker."""
        self.markers.clear()
        self.markers_changed.emit()

    def sweep(self) -> None:
        """Take one sweep of every enabled channel, triggered in the middle of the screen."""
        source = self.channels[0]
        # the last rising edge of the source: it stands still, the others drift against it
        cycles = math.floor(time.monotonic() * source.frequency) - source.phase / 360
        start = cycles / source.frequency - self.span / 2
        for channel in self.channels:
            if channel.enabled:
                channel.acquire(start, self.span / SAMPLES, self._noise)
        self.sweeps += 1
        self.swept.emit()

    def _follow(self, name: str, value: object) -> None:
        if name == "running":
            (self._timer.start if value else self._timer.stop)()
        self._sweep_if_running()

    def _channel_follows(self, channel: Channel, name: str, value: object) -> None:
        self.channel_changed.emit(channel, name, value)
        self._sweep_if_running()

    def _sweep_if_running(self) -> None:
        # the screen follows a cell within that cell, not only at the timer's next tick
        if self.running:
            self.sweep()

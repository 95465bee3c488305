"""Settings: attributes that check what they are given and announce every change.

A cell writes ``bench.channels[0].frequency = 440`` and the window follows, because the owner's
``changed(name, value)`` signal fires; a wrong value raises ValueError in the cell that wrote it and
changes nothing. Widgets read the limits from the same object (``Channel.frequency.low``), so that
the panel and the console can never disagree about what is allowed.
"""

import math
from typing import Any, Generic, Self, TypeVar, overload

T = TypeVar("T")


class Setting(Generic[T]):
    """One checked attribute of an object that has a ``changed(str, object)`` signal."""

    def __init__(self, default: T) -> None:
        self.default = default
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Self | T:
        if instance is None:
            return self
        value: T = vars(instance).get(self.name, self.default)
        return value

    def __set__(self, instance: Any, value: T) -> None:
        checked = self.check(value)
        if checked != self.__get__(instance, type(instance)):
            vars(instance)[self.name] = checked
            instance.changed.emit(self.name, checked)

    def check(self, value: T) -> T:
        """Return the value as it will be stored, or raise ValueError."""
        raise NotImplementedError

    def text(self, value: T) -> str:
        """The value as a person reads it."""
        return str(value)


class Switch(Setting[bool]):
    """On or off."""

    def check(self, value: bool) -> bool:
        if not isinstance(value, bool):
            raise ValueError(f"{self.name} must be True or False, not {value!r}")
        return value


class Number(Setting[float]):
    """A finite number between ``low`` and ``high``, in ``unit``."""

    def __init__(self, default: float, low: float, high: float, unit: str) -> None:
        super().__init__(default)
        self.low, self.high, self.unit = low, high, unit

    def check(self, value: float) -> float:
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not self.low <= number <= self.high:  # a NaN fails every comparison
            raise ValueError(
                f"{self.name} must be {self.low:g} to {self.high:g} {self.unit}, not {value!r}"
            )
        return number

    def text(self, value: float) -> str:
        if self.unit in ("Hz", "V"):
            return engineering(value, self.unit, 4)
        return f"{value:g} {self.unit}"


class Choice(Setting[T]):
    """One of a few values; ``unit`` is empty for names."""

    def __init__(self, default: T, options: tuple[T, ...], unit: str = "") -> None:
        super().__init__(default)
        self.options, self.unit = options, unit

    def check(self, value: T) -> T:
        if value not in self.options:
            allowed = ", ".join(map(str, self.options))
            raise ValueError(f"{self.name} must be one of {allowed}; not {value!r}")
        return self.options[self.options.index(value)]

    def text(self, value: T) -> str:
        return engineering(value, self.unit) if isinstance(value, float) else str(value)


PREFIXES = ((1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"))


def _prefix(magnitude: float) -> tuple[float, str]:
    fitting = (pair for pair in PREFIXES if magnitude >= pair[0] * (1 - 1e-9))
    return next(fitting, (1.0, ""))


def engineering(value: float | None, unit: str, digits: int = 3) -> str:
    """Format a quantity with an SI prefix and ``digits`` significant digits ("1.25 kHz").

    None, a quantity that could not be measured, becomes a dash.
    """
    if value is None:
        return "—"
    if abs(value) < PREFIXES[-1][0] / 2:
        return f"0 {unit}"
    factor, prefix = _prefix(max(abs(value), PREFIXES[-1][0]))
    scaled = value / factor
    whole = len(str(int(abs(scaled) + 1e-9)))
    return f"{scaled:.{max(0, digits - whole)}f} {prefix}{unit}"


def tick(value: float, full_scale: float, unit: str) -> str:
    """Format an axis label; all labels of one axis share the prefix of its full scale."""
    factor, prefix = _prefix(full_scale)
    return f"{round(value / factor, 6) + 0.0:g} {prefix}{unit}"

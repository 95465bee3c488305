"""The controls: one card for each channel, built from the settings themselves."""

import functools

from qtpy import QtCore, QtWidgets

from demo_app import look
from demo_app.model import Channel
from demo_app.settings import Choice, Number

FIELDS = (
    ("waveform", "Waveform"),
    ("scale", "Vertical scale"),
    ("frequency", "Frequency"),
    ("position", "Position"),
    ("amplitude", "Amplitude"),
    ("offset", "Offset"),
    ("phase", "Phase"),
    ("noise", "Noise"),
)


def field_for(owner: QtCore.QObject, name: str) -> QtWidgets.QWidget:
    """Make the widget for a setting and tie the two together, in both directions."""
    setting = getattr(type(owner), name)
    if isinstance(setting, Number):
        return _number_field(owner, name, setting)
    return _choice_field(owner, name, setting)


def _number_field(owner: QtCore.QObject, name: str, setting: Number) -> QtWidgets.QWidget:
    spin = QtWidgets.QDoubleSpinBox()
    spin.setDecimals(0 if setting.high > 100 else 2)
    spin.setRange(setting.low, setting.high)
    spin.setSuffix(f" {setting.unit}")
    spin.setStepType(QtWidgets.QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
    spin.setKeyboardTracking(False)
    spin.setValue(getattr(owner, name))
    spin.valueChanged.connect(functools.partial(setattr, owner, name))

    def follow(changed: str, value: object) -> None:
        if changed == name:
            # blocked, because the rounded number in the field must not go back to the model
            with QtCore.QSignalBlocker(spin):
                spin.setValue(value)

    owner.changed.connect(follow)
    return spin


def _choice_field(owner: QtCore.QObject, name: str, setting: Choice[object]) -> QtWidgets.QWidget:
    combo = QtWidgets.QComboBox()
    for option in setting.options:
        combo.addItem(setting.text(option), option)
    combo.setCurrentIndex(combo.findData(getattr(owner, name)))
    combo.currentIndexChanged.connect(lambda row: setattr(owner, name, combo.itemData(row)))

    def follow(changed: str, value: object) -> None:
        if changed == name:
            combo.setCurrentIndex(combo.findData(value))

    owner.changed.connect(follow)
    return combo


class ChannelCard(QtWidgets.QFrame):  # type: ignore[misc]
    """The settings of one channel; ``fields`` has each setting's widget by name."""

    def __init__(
        self, channel: Channel, index: int, parent: QtWidgets.QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.channel = channel
        self.index = index
        self.setObjectName("card")
        self.switch = QtWidgets.QCheckBox(channel.name)
        self.dress()
        self.switch.setChecked(channel.enabled)
        self.switch.toggled.connect(functools.partial(setattr, channel, "enabled"))
        grid = QtWidgets.QGridLayout(self)
        grid.setContentsMargins(12, 8, 10, 10)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(2)
        grid.addWidget(self.switch, 0, 0, 1, 2)
        self.fields: dict[str, QtWidgets.QWidget] = {}
        for number, (name, title) in enumerate(FIELDS):
            row, column = 1 + number // 2 * 2, number % 2
            label = QtWidgets.QLabel(title)
            label.setObjectName("caption")
            field = self.fields[name] = field_for(channel, name)
            label.setBuddy(field)
            grid.addWidget(label, row, column)
            grid.addWidget(field, row + 1, column)
            grid.setColumnStretch(column, 1)
        self._enable(channel.enabled)
        channel.changed.connect(self._follow)

    def dress(self) -> None:
        """Take the channel's colour from the theme."""
        colour = look.channel_colour(self.index)
        self.setStyleSheet(f"#card {{ border-left: 3px solid {colour}; }}")
        self.switch.setStyleSheet(f"color: {colour}; font-weight: bold;")

    def _follow(self, name: str, value: object) -> None:
        if name == "enabled":
            self.switch.setChecked(value)
            self._enable(bool(value))

    def _enable(self, enabled: bool) -> None:
        for field in self.fields.values():
            field.setEnabled(enabled)

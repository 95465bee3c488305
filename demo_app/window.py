"""The main window: plots, readings, log, controls, menus and status bar; and the console."""

from datetime import datetime
from typing import Any

from qtpy import QtCore, QtGui, QtWidgets

import qtkernel
from demo_app import look
from demo_app.examples import EXAMPLES
from demo_app.model import MAX_CHANNELS, Bench, Channel
from demo_app.panels import ChannelCard, field_for
from demo_app.plot import Screen
from demo_app.readings import ReadingsModel
from demo_app.spectrum import Spectrum
from demo_app.status import KernelStatus

LOG_LINES = 500


def _caption(text: str) -> QtWidgets.QLabel:
    label = QtWidgets.QLabel(text.upper())
    label.setObjectName("section")
    return label


def _column(*parts: QtWidgets.QWidget, spacing: int = 6) -> QtWidgets.QWidget:
    box = QtWidgets.QWidget()
    layout = QtWidgets.QVBoxLayout(box)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    for part in parts:
        layout.addWidget(part)
    return box


class BenchWindow(QtWidgets.QMainWindow):  # type: ignore[misc]
    """Shows a bench and lets a person operate it; whatever code changes, it follows."""

    closed = QtCore.Signal()

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.bench = bench
        self.screen_view = Screen(bench)
        self.spectrum_view = Spectrum(bench)
        self.dock: Any = None
        self.readings = ReadingsModel(bench, self)
        self.table = self._make_table()
        self.log_pane = QtWidgets.QPlainTextEdit()
        self.log_pane.setObjectName("log")
        self.log_pane.setReadOnly(True)
        self.log_pane.setMaximumBlockCount(LOG_LINES)
        self.log_pane.setFont(look.mono(11))
        self.cards: list[ChannelCard] = []
        self._make_actions()
        self._make_layout()
        self._make_status_bar()
        for channel in bench.channels:
            self._add_card(channel)
        bench.channel_added.connect(self._add_card)
        bench.channel_added.connect(lambda channel: self.log(f"{channel.name}: added"))
        bench.channel_changed.connect(self._log_channel)
        bench.changed.connect(self._follow)
        self.setWindowTitle("Signal Bench")
        self.resize(1240, 780)
        self._show_running(bench.running)

    def closeEvent(self, event: QtGui.QCloseEvent) -> None:  # noqa: N802 (Qt's name)
        super().closeEvent(event)
        self.closed.emit()

    def log(self, text: str) -> None:
        """Append a line to the log, with the time of day."""
        self.log_pane.appendPlainText(f"{datetime.now():%H:%M:%S.%f}"[:-3] + f"  {text}")

    def add_kernel(self, kernel: qtkernel.EmbeddedKernel) -> None:
        """Give the window the kernel's console, what the status bar says of it, and the menus."""
        self.dock = kernel.dock(self)
        self.view_menu.addAction(self.dock.toggleViewAction())
        self.dock.toggleViewAction().setShortcut(QtGui.QKeySequence("Ctrl+J"))
        for number, example in enumerate(EXAMPLES, 1):
            action = self.examples_menu.addAction(example.title)
            action.setShortcut(QtGui.QKeySequence(f"Ctrl+{number}"))
            action.triggered.connect(lambda *_, code=example.code: self._run_example(code))
        self.statusBar().addPermanentWidget(KernelStatus(kernel, self))
        if kernel.transport is not None:
            self.attach_label.setText(kernel.attach_command)
            self.attach_label.setToolTip(kernel.attach_command)
            self.attach_label.setCursorPosition(0)
            self.copy_action.setEnabled(True)
        kernel.on("attached", lambda client: self.log(f"attached: {client}"))
        kernel.on("detached", lambda client: self.log(f"detached: {client}"))
        self.dock.setFocus()

    def set_theme(self, theme: str) -> None:
        """Wear another theme, "light" or "dark", at once."""
        look.dress(QtWidgets.QApplication.instance(), theme)
        for card in self.cards:
            card.dress()
        self.screen_view.refresh()
        self.spectrum_view.refresh()
        self.theme_actions[theme].setChecked(True)

    def _run_example(self, code: str) -> None:
        self.dock.show()
        self.dock.run(code)
        self.dock.setFocus()

    def save_screenshot(self) -> None:
        """Ask for a file and save the window's picture there."""
        path, _kind = QtWidgets.QFileDialog.getSaveFileName(
            self, "Save screenshot", "signal-bench.png", "PNG images (*.png)"
        )
        if path:
            self.log(f"saved {path}" if self.grab().save(path) else f"could not write {path}")

    def _make_actions(self) -> None:
        bench, bar = self.bench, self.menuBar()

        def action(menu: Any, text: str, keys: str, slot: Any) -> Any:
            made = menu.addAction(text)
            made.setShortcut(QtGui.QKeySequence(keys))
            made.triggered.connect(slot)
            return made

        file = bar.addMenu("&File")
        action(file, "&Save screenshot…", "Ctrl+S", lambda: self.save_screenshot())
        file.addSeparator()
        action(file, "&Quit", "Ctrl+Q", lambda: self.close())
        acquire = bar.addMenu("&Acquire")
        self.run_action = acquire.addAction("&Run")
        self.run_action.setShortcut(QtGui.QKeySequence("Ctrl+R"))
        self.run_action.setCheckable(True)
        self.run_action.toggled.connect(lambda checked: setattr(bench, "running", checked))
        action(acquire, "S&ingle sweep", "Ctrl+T", lambda: bench.single())
        acquire.addSeparator()
        self.add_action = action(
            acquire, "&Add channel", "Ctrl+Shift+A", lambda: bench.add_channel()
        )
        view = self.view_menu = bar.addMenu("&View")
        grid = view.addAction("&Graticule")
        grid.setShortcut(QtGui.QKeySequence("Ctrl+G"))
        grid.setCheckable(True)
        grid.setChecked(True)
        grid.toggled.connect(self.screen_view.show_grid)
        action(view, "Clear &markers", "Ctrl+M", lambda: bench.clear_markers())
        action(view, "Clear &curves", "", lambda: self.screen_view.clear_curves())
        action(view, "Clear &log", "", lambda: self.log_pane.clear())
        view.addSeparator()
        themes = (
            QtWidgets.QActionGroup(self)
            if hasattr(QtWidgets, "QActionGroup")
            else QtGui.QActionGroup(self)
        )
        self.theme_actions = {}
        for name in look.THEMES:
            made = action(view, f"{name.title()} theme", "", lambda *_, to=name: self.set_theme(to))
            made.setCheckable(True)
            made.setChecked(look.colours is look.THEMES[name])
            themes.addAction(made)
            self.theme_actions[name] = made
        view.addSeparator()
        kernel = bar.addMenu("&Kernel")
        self.copy_action = action(
            kernel, "&Copy attach command", "", lambda: self._copy_attach_command()
        )
        self.copy_action.setEnabled(False)
        self.examples_menu = bar.addMenu("&Examples")

    def _make_layout(self) -> None:
        lower = QtWidgets.QSplitter(QtCore.Qt.Orientation.Horizontal)
        lower.addWidget(_column(_caption("Readings"), self.table))
        lower.addWidget(_column(_caption("Log"), self.log_pane))
        lower.setSizes([560, 340])
        plots = QtWidgets.QSplitter(QtCore.Qt.Orientation.Horizontal)
        plots.addWidget(self.screen_view)
        plots.addWidget(self.spectrum_view)
        plots.setSizes([560, 340])
        plots.setHandleWidth(10)
        upper = QtWidgets.QSplitter(QtCore.Qt.Orientation.Vertical)
        upper.addWidget(plots)
        upper.addWidget(lower)
        upper.setStretchFactor(0, 1)
        upper.setSizes([340, 120])
        upper.setHandleWidth(10)
        lower.setHandleWidth(10)
        central = QtWidgets.QWidget()
        layout = QtWidgets.QHBoxLayout(central)
        layout.setContentsMargins(12, 8, 12, 4)
        layout.setSpacing(12)
        layout.addWidget(upper, 1)
        layout.addWidget(self._make_side())
        self.setCentralWidget(central)

    def _make_side(self) -> QtWidgets.QWidget:
        plate = QtWidgets.QLabel()
        plate.setObjectName("plate")
        plate.setWordWrap(True)
        self.windowTitleChanged.connect(plate.setText)
        self.run_button = QtWidgets.QToolButton()
        self.run_button.setObjectName("run")
        self.run_button.setDefaultAction(self.run_action)
        self.run_button.setSizePolicy(
            QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed
        )
        self.timebase_field = field_for(self.bench, "timebase")
        add = QtWidgets.QPushButton("Add channel")
        add.clicked.connect(self.add_action.trigger)
        self.add_action.changed.connect(lambda: add.setEnabled(self.add_action.isEnabled()))
        cards = QtWidgets.QWidget()
        cards.setObjectName("cards")
        self._card_column = QtWidgets.QVBoxLayout(cards)
        self._card_column.setContentsMargins(0, 0, 0, 0)
        self._card_column.setSpacing(8)
        self._card_column.addStretch(1)
        scroll = QtWidgets.QScrollArea()
        scroll.setWidget(cards)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        timebase = _column(_caption("Timebase"), self.timebase_field, spacing=4)
        side = _column(plate, self.run_button, timebase, _caption("Channels"), scroll, add)
        side.setFixedWidth(296)
        return side

    def _make_table(self) -> QtWidgets.QTableView:
        table = QtWidgets.QTableView()
        table.setObjectName("readings")
        table.setModel(self.readings)
        table.setFont(look.mono(12))
        table.setShowGrid(False)
        table.setAlternatingRowColors(True)
        table.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectionBehavior.SelectRows)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(26)
        table.setMinimumWidth(490)
        header, modes = table.horizontalHeader(), QtWidgets.QHeaderView.ResizeMode
        header.setHighlightSections(False)
        for column in range(self.readings.columnCount()):
            header.setSectionResizeMode(column, modes.Stretch if column > 2 else modes.Interactive)
        for column, width in enumerate((70, 92, 100)):
            header.resizeSection(column, width)
        return table

    def _make_status_bar(self) -> None:
        bar = self.statusBar()
        bar.setSizeGripEnabled(False)
        self.attach_label = QtWidgets.QLineEdit("no kernel in this process")
        self.attach_label.setObjectName("attach")
        self.attach_label.setReadOnly(True)  # selectable, and scrolls where a label would clip
        self.attach_label.setFont(look.mono(11))
        self.state_label = QtWidgets.QLabel()
        self.state_label.setObjectName("state")
        bar.addWidget(QtWidgets.QLabel("Attach:"))
        bar.addWidget(self.attach_label, 1)
        bar.addPermanentWidget(self.state_label)

    def _add_card(self, channel: Channel) -> None:
        index = self.bench.channels.index(channel)
        card = ChannelCard(channel, index)
        self.cards.append(card)
        self._card_column.insertWidget(index, card)
        self.add_action.setEnabled(len(self.bench.channels) < MAX_CHANNELS)

    def _copy_attach_command(self) -> None:
        QtWidgets.QApplication.clipboard().setText(self.attach_label.text())

    def _log_channel(self, channel: Channel, name: str, value: object) -> None:
        self.log(f"{channel.name}: {name} = {getattr(Channel, name).text(value)}")

    def _follow(self, name: str, value: object) -> None:
        if name == "running":
            self._show_running(bool(value))
            self.log("acquisition started" if value else "acquisition stopped")
        else:
            self.log(f"{name} = {getattr(Bench, name).text(value)}")

    def _show_running(self, running: bool) -> None:
        self.run_action.setChecked(running)
        self.run_action.setText("Stop" if running else "Run")
        self.run_button.setProperty("running", running)
        self.run_button.style().polish(self.run_button)  # the stylesheet asks for the property
        self.state_label.setText("acquiring" if running else "stopped")

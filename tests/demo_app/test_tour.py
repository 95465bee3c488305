"""The tour as `make demo` runs it, and that it cannot succeed by accident."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from demo_app import stage, tour
from tests.frontends.support.programs import wait_until
from tests.support.binding import QtGui

CHECKOUT = Path(__file__).resolve().parents[2]


def run_tour(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the tour in a process of its own, as it is meant to be."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_the_tour_drives_the_application_and_ends_it(tmp_path: Path) -> None:
    ended = run_tour(
        "from demo_app import tour; raise SystemExit(tour.main())", f"--output={tmp_path}"
    )
    assert ended.returncode == 0, ended.stderr
    assert "Out[1]: (" in ended.stdout
    assert "acquisition held after True sweeps" in ended.stdout
    before, after = (QtGui.QImage(str(tmp_path / name)) for name in ("before.png", "after.png"))
    assert before.width() == after.width() == 1240
    assert before != after


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("tour.Cell('1/0')", "the cell failed: '1/0'"),
        ("tour.Cell('1 + 1', '3')", "expected 3 from '1 + 1', got 2"),
        ("tour.Cell('import os; os._exit(7)')", "the application ended with 7 during a cell"),
    ],
)
def test_a_cell_that_goes_wrong_fails_the_tour(tmp_path: Path, cell: str, reason: str) -> None:
    script = f"from demo_app import tour; tour.TIMEOUT = 8.0; tour.CELLS = ({cell},)"
    ended = run_tour(f"{script}; raise SystemExit(tour.main())", f"--output={tmp_path}")
    assert ended.returncode == 1
    assert f"demo failed: {reason}" in ended.stderr


def test_a_window_that_stays_as_it_is_fails_the_tour(tmp_path: Path) -> None:
    script = "from demo_app import tour; tour.CELLS = (); raise SystemExit(tour.main())"
    ended = run_tour(script, f"--output={tmp_path}")
    assert ended.returncode == 1
    assert "of the window changed" in ended.stderr


# pexpect forks; newer Pythons warn of that where there are threads
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_person_leaves_the_console_and_the_application_lives_on(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    escape = r"(?:\x1b\[[0-9;?]*[a-zA-Z])*"
    # no window is looked at here, so the display need not be there
    environment = dict(os.environ, DISPLAY=":none", QT_QPA_PLATFORM="offscreen")
    command = ["-m", "demo_app.tour", "--interactive"]
    terminal = pexpect.spawn(
        sys.executable, command, cwd=CHECKOUT, env=environment, timeout=20, dimensions=(40, 120)
    )
    try:
        # not by what it prints: jupyter console shows that too late where the status of an earlier
        # request overtakes the cell
        begin = f"open({str(begun)!r}, 'w').close(); import time; time.sleep(60)"
        cells = (begin, "from qtpy.QtCore import QTimer")
        for number, code in enumerate((*cells, "QTimer.singleShot(3000, win.close)"), start=1):
            terminal.expect(rf"In \[{escape}{number}{escape}\]")
            terminal.sendline(code)
            if number == 1:
                wait_until(begun.exists, 20, "the cell to begin")
                terminal.sendintr()
                terminal.expect("KeyboardInterrupt")
        terminal.expect(rf"In \[{escape}4{escape}\]")
        terminal.sendeof()
        terminal.expect(r"\[y\]")
        terminal.sendline("y")
        terminal.expect("the application lives on")
        terminal.expect(pexpect.EOF)
    finally:
        terminal.close()
    assert terminal.exitstatus == 0


def test_a_tour_that_is_terminated_takes_the_application_with_it(tmp_path: Path) -> None:
    script = """if True:
        import os, signal
        from demo_app import tour
        def terminated(app, connection_file, output):
            print(app.pid, connection_file.parent, flush=True)
            os.kill(os.getpid(), signal.SIGTERM)
        tour.scripted = terminated
        raise SystemExit(tour.main())"""
    ended = run_tour(script, f"--output={tmp_path}")
    assert ended.returncode == 128 + signal.SIGTERM
    pid, directory = ended.stdout.split()
    assert not Path(directory).exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


def test_the_changed_part_counts_pixels(tmp_path: Path) -> None:
    image = QtGui.QImage(20, 10, QtGui.QImage.Format.Format_RGB32)
    image.fill(0)
    image.save(str(tmp_path / "one.png"))
    for x in range(10):
        image.setPixel(x, 3, 0xFFFFFF)
    image.save(str(tmp_path / "two.png"))
    assert tour.changed_part(tmp_path / "one.png", tmp_path / "two.png") == 0.05
    with pytest.raises(stage.TourError, match="not two pictures"):
        tour.changed_part(tmp_path / "one.png", tmp_path / "missing.png")


def test_an_application_that_ends_too_early_is_reported(tmp_path: Path) -> None:
    environment = dict(os.environ)
    with (
        pytest.raises(stage.TourError, match="ended with 2 before it was ready"),
        stage.application(environment, tmp_path / "k.json", "pigeons"),
    ):
        pytest.fail("there is no such transport")

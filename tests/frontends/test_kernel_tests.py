"""The tests that Jupyter has for every kernel, for each of our loops."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, ClassVar

import jupyter_kernel_test
import pytest
from jupyter_client.manager import start_new_kernel

from tests.frontends.conftest import LOOPS, starting
from tests.frontends.support.programs import PATIENCE, Home


@pytest.fixture(scope="module", autouse=True)
def _installed(screen: str, kernel_homes: Path) -> Iterator[None]:
    """A kernelspec for each loop, where this process and its children find it."""
    with starting(screen, kernel_homes) as starter, pytest.MonkeyPatch.context() as patch:
        for gui in LOOPS:
            install(starter.home, gui)
        for name, value in starter.home.environment.items():
            patch.setenv(name, value)
        patch.delenv("PYTHONWARNINGS", raising=False)
        yield


def install(home: Home, gui: str) -> None:
    """``qtkernel install``."""
    subprocess.run(
        [
            *(sys.executable, "-m", "qtkernel", "install"),
            *("--prefix", str(home.prefix), "--name", f"test-{gui}", "--gui", gui),
        ],
        env=home.environment,
        check=True,
        capture_output=True,
        timeout=30,
    )


class Samples:
    """What is the same for all loops."""

    language_name = "python"
    file_extension = ".py"
    code_hello_world = "print('hello, world')"
    code_stderr = "import sys; print('test', file=sys.stderr)"
    completion_samples: ClassVar = [
        {"text": "zi", "matches": {"zip"}},
        {"text": "import itert", "matches": {"itertools"}},
        {"text": "'\N{SNAKE}'.isal", "matches": {"isalnum", "isalpha"}},
    ]
    complete_code_samples: ClassVar = ["1", "print('hello, world')", "def f(x):\n  return x*2\n\n"]
    incomplete_code_samples: ClassVar = ["print('''hello", "def f(x):\n  x*2", "for i in range(3):"]
    invalid_code_samples: ClassVar = ["import = 7q", "for = 3"]
    code_page_something = "print?"
    code_generate_error = "raise ValueError('on purpose')"
    code_execute_result: ClassVar = [
        {"code": "6*7", "result": "42"},
        {"code": "'a' + 'b'", "result": "'ab'"},
        {"code": "[1, 2]", "result": "[1, 2]"},
    ]
    code_display_data: ClassVar = [
        {
            "code": "from IPython.display import HTML, display; display(HTML('<b>test</b>'))",
            "mime": "text/html",
        },
        {"code": "display(display)", "mime": "text/plain"},
        {
            "code": "from IPython.display import Math, display; display(Math('\\\\frac{1}{2}'))",
            "mime": "text/latex",
        },
    ]
    supported_history_operations = ("tail", "range", "search")
    code_history_pattern = "6?7*"
    code_inspect_sample = "open"
    code_clear_output = "from IPython.display import clear_output; clear_output()"


class TestsOfJupyter(Samples, jupyter_kernel_test.KernelTests):
    """A kernel that a KernelManager starts, as frontends do."""

    __test__ = False
    stderr: ClassVar[IO[bytes]]

    @classmethod
    def setUpClass(cls) -> None:
        cls.stderr = tempfile.TemporaryFile()  # noqa: SIM115 (tearDownClass closes it)
        cls.km, cls.kc = start_new_kernel(kernel_name=cls.kernel_name, stderr=cls.stderr)

    def execute_helper(self, *args: Any, **kwargs: Any) -> Any:
        """Run a cell. On a busy machine 0.1 s, which Jupyter gives to each output, is too short."""
        channel = self.kc.iopub_channel
        get_msg = channel.get_msg
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(channel, "get_msg", lambda timeout: get_msg(max(timeout, PATIENCE)))
            return super().execute_helper(*args, **kwargs)

    @classmethod
    def tearDownClass(cls) -> None:
        super().tearDownClass()
        with cls.stderr as file:
            file.seek(0)
            assert file.read() == b""


class WelcomeTestsOfJupyter(jupyter_kernel_test.IopubWelcomeTests):
    """IOPub greets its subscribers (JEP 65)."""

    __test__ = False
    support_iopub_welcome = True


class TestQt(TestsOfJupyter):
    __test__ = True
    kernel_name = "test-qt"


class TestTk(TestsOfJupyter):
    __test__ = True
    kernel_name = "test-tk"


class TestHeadless(TestsOfJupyter):
    __test__ = True
    kernel_name = "test-headless"


class TestAsyncio(TestsOfJupyter):
    __test__ = True
    kernel_name = "test-asyncio"


class TestWelcomeQt(WelcomeTestsOfJupyter):
    __test__ = True
    kernel_name = "test-qt"


class TestWelcomeTk(WelcomeTestsOfJupyter):
    __test__ = True
    kernel_name = "test-tk"


class TestWelcomeHeadless(WelcomeTestsOfJupyter):
    __test__ = True
    kernel_name = "test-headless"


class TestWelcomeAsyncio(WelcomeTestsOfJupyter):
    __test__ = True
    kernel_name = "test-asyncio"

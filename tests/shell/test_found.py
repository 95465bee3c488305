"""Which shell IPython's own functions find, out of any step of a cell."""

from __future__ import annotations

from IPython.core.getipython import get_ipython
from IPython.core.interactiveshell import InteractiveShell

from tests.support.real_shell import RealShell


def test_code_of_a_cell_finds_its_shell_and_the_host_none(bench: RealShell) -> None:
    assert get_ipython() is None
    with bench.iopub.request("cell"):  # as in a slot, long after the cell
        assert get_ipython() is bench.shell
        assert InteractiveShell.instance() is bench.shell
    assert get_ipython() is None
    assert not InteractiveShell.initialized()


def test_another_shell_of_the_host_s_stays_the_host_s(bench: RealShell) -> None:
    theirs = object.__new__(InteractiveShell)
    InteractiveShell._instance = theirs
    try:
        assert get_ipython() is theirs
        with bench.iopub.request("cell"):
            assert get_ipython() is bench.shell
        assert get_ipython() is theirs
    finally:
        InteractiveShell._instance = None


def test_nothing_is_left_in_ipython_whichever_kernel_goes_first() -> None:
    for first, second in ((0, 1), (1, 0)):
        benches = [RealShell(), RealShell()]
        for index in (first, second):
            with benches[index].iopub.request("cell"):
                assert get_ipython() is benches[index].shell
            assert {"initialized", "instance"} <= set(vars(InteractiveShell))
            benches[index].close()
        assert not {"initialized", "instance"} & set(vars(InteractiveShell))

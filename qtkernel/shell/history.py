"""The history of cells, as IPython keeps it."""

from __future__ import annotations

from typing import Any

from IPython.core import history


class HistoryManager(history.HistoryManager):  # type: ignore[misc]
    """Writes whatever a frontend may send as a cell. ``%config`` knows it by IPython's name.

    SQLite takes no lone surrogates. IPython's thread that saves the history ends at the first one
    and says so in the output of some later cell: nothing is kept any more.
    """

    db_input_cache: list[tuple[int, str, str]]

    def _writeout_input_cache(self, conn: Any) -> None:
        self.db_input_cache = [
            (line, _storable(source), _storable(raw)) for line, source, raw in self.db_input_cache
        ]
        super()._writeout_input_cache(conn)


def _storable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")

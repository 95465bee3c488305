"""Completion, as frontends want it: one range for all matches, in code points of the whole cell.

Messaging document, "Completion".
"""

from __future__ import annotations

from IPython.core.completer import provisionalcompleter, rectify_completions

from qtkernel.interpreter import Completion
from qtkernel.shell.shell import ZMQInteractiveShell

# What JupyterLab reads to show the kind of each match
_TYPES_KEY = "_jupyter_types_experimental"


def complete(shell: ZMQInteractiveShell, code: str, cursor_pos: int) -> Completion:
    """Complete `code` at `cursor_pos`; without matches the range is empty, at the cursor."""
    with provisionalcompleter(), shell.without_files():
        raw = shell.Completer.completions(code, cursor_pos)
        completions = list(rectify_completions(code, raw))
    if not completions:
        return Completion([], cursor_pos, cursor_pos, {_TYPES_KEY: []})
    start, end = completions[0].start, completions[0].end
    types = [
        {
            "start": start,
            "end": end,
            "text": completion.text,
            "type": completion.type,
            "signature": completion.signature,
        }
        for completion in completions
    ]
    return Completion(
        [completion.text for completion in completions], start, end, {_TYPES_KEY: types}
    )

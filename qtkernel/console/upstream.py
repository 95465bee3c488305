"""The one door to qtconsole: its parts, on the binding that the host has loaded.

qtconsole talks to Qt through qtpy, which takes the binding that is imported already, exports its
choice to the environment, and warns if the environment says otherwise. What concerns us are the
host's own choice and an environment that stays as it is: so qtpy is told the binding while it is
imported, and the variable put back.

Nothing of ipykernel or jupyter_client comes with these (qtconsole's `inprocess` and `manager`
would bring them): measured, they add qtpy, pygments and traitlets.

Raises at import:
    ImportError: qtconsole is not installed, or qtpy is on another binding than the host.
"""

from __future__ import annotations

import os

from qtkernel import qt

_binding = qt.binding()
_found = os.environ.get("QT_API")
os.environ["QT_API"] = _binding.lower()
try:
    import qtpy
    from ipython_pygments_lexers import IPython3Lexer
    from qtconsole.rich_jupyter_widget import RichJupyterWidget
    from qtconsole.svg import svg_to_image
finally:
    if _found is None:
        os.environ.pop("QT_API", None)
    else:
        os.environ["QT_API"] = _found

if _binding.lower() != qtpy.API_NAME.lower():
    # two Qt libraries in one process crash it
    raise ImportError(
        f"the application uses {_binding}, but qtpy, which qtconsole draws with, was imported for "
        f"{qtpy.API_NAME} before: import {_binding} first, or set QT_API={_binding.lower()}"
    )

__all__ = ["IPython3Lexer", "RichJupyterWidget", "svg_to_image"]

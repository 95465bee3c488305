"""Render the kernelspec's PNG logos from its SVG: ``python resources/render_logos.py``.

Jupyter frontends look for ``logo-32x32.png`` and ``logo-64x64.png`` beside ``kernel.json``
(jupyter_client, "Kernel specs"). Run it after each change to ``logo-svg.svg`` and commit
the result.
"""

import sys
from pathlib import Path

from qtpy import QtCore, QtGui, QtSvg

KERNELSPEC = Path(__file__).resolve().parent / "kernelspec"
SIZES = (32, 64)


def render(svg: Path, png: Path, size: int) -> None:
    """Draw ``svg`` on a transparent square of ``size`` pixels; OSError if that cannot be done."""
    renderer = QtSvg.QSvgRenderer(str(svg))
    if not renderer.isValid():
        raise OSError(f"{svg} is not an SVG that Qt can read")
    image = QtGui.QImage(size, size, QtGui.QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(QtCore.Qt.GlobalColor.transparent)
    painter = QtGui.QPainter(image)
    painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
    renderer.render(painter)
    painter.end()
    if not image.save(str(png)):
        raise OSError(f"could not write {png}")


def main() -> int:
    """Render every size."""
    # the SVG renderer asks for the default font, which only an application has
    app = QtGui.QGuiApplication(["render_logos", "-platform", "offscreen"])
    for size in SIZES:
        render(KERNELSPEC / "logo-svg.svg", KERNELSPEC / f"logo-{size}x{size}.png", size)
    del app
    return 0


if __name__ == "__main__":
    sys.exit(main())

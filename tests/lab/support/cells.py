"""Cells that several tests run."""

from __future__ import annotations

SLIDER = """\
import threading
import ipywidgets
slider = ipywidgets.IntSlider(value=3, max=10, description="gain")
told = ipywidgets.Output()

def tell(change):
    with told:
        print("now", change["new"], threading.current_thread() is threading.main_thread())

slider.observe(tell, "value")
display(slider, told)"""
"""A slider, and an Output widget that is told of each of its values, and of the thread."""

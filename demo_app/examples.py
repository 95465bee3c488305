"""What the Examples menu types into the console."""

from typing import NamedTuple


class Example(NamedTuple):
    """A title for the menu, and the code."""

    title: str
    code: str


EXAMPLES = (
    Example(
        "&Change the signal",
        "model.channels[0].set(waveform='triangle', frequency=2500)",
    ),
    Example(
        "&Add a channel and a marker",
        "model.add_channel(waveform='square', frequency=5000, amplitude=0.8, position=-2)\n"
        "model.add_marker(200e-6, 'here')",
    ),
    Example(
        "Add a c&urve to the plot",
        "from numpy import convolve, ones\n"
        "smooth = convolve(model.channels[0].trace, ones(80) / 80, 'same')\n"
        "win.screen_view.add_curve('smooth', smooth)",
    ),
    Example(
        "C&onnect a slot",
        "def every_third_second():\n"
        "    if model.sweeps % 90 == 0:\n"
        "        print(model.sweeps, 'sweeps', model.channels[0].readings)\n"
        "\n"
        "model.swept.connect(every_third_second)",
    ),
    Example("A&wait a measurement", "await model.measure(sweeps=60)"),
    Example(
        "&Scan, blocking, with live output",
        "import time\n"
        "for frequency in (500, 1000, 2000, 5000, 10000):\n"
        "    model.channels[0].frequency = frequency\n"
        "    model.sweep()\n"
        "    print(f'{frequency:6} Hz  {model.channels[0].readings.rms:.3f} V rms')\n"
        "    time.sleep(0.6)",
    ),
    Example("As&k for a name", "model.add_marker(0, input('Label of the marker: '))"),
    Example(
        "Open a &matplotlib window",
        "try:\n"
        "    from matplotlib import pyplot as plt\n"
        "except ImportError:\n"
        "    print('This one needs: pip install matplotlib')\n"
        "else:\n"
        "    plt.switch_backend('QtAgg')\n"
        "    figure, axes = plt.subplots()\n"
        "    axes.plot(model.channels[0].trace)\n"
        "    figure.show()",
    ),
)

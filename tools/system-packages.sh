#!/bin/sh
# Install what PyPI cannot: Qt's system libraries, a virtual desktop, and the parts of Debian's own
# Python that Debian packs apart. Does so only as root on Debian; elsewhere it says what is missing.
#
# Usage: system-packages.sh PYTHON [PACKAGE ...]    more packages: what only some tests need
set -eu
python=${1:-python3}

if [ -z "$1" ]; then
    echo "qtkernel needs Python 3.11 or newer, and there is none on the PATH" >&2
    exit 1
fi

# Qt's wheels bring Qt, but not the libraries of the window system
packages="libgl1 libegl1 libdbus-1-3 libfontconfig1 libglib2.0-0 libxkbcommon-x11-0
    libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0
    libxcb-shape0 libxcb-xinerama0 libxcb-xkb1 libx11-xcb1 fonts-dejavu-core xvfb"
# a window manager, a keyboard and a mouse for the tests and the pictures of real windows; a terminal
packages="$packages openbox xdotool xterm x11-utils"
[ $# = 0 ] || shift
packages="$packages $*"
"$python" -c 'import ensurepip' 2>/dev/null || packages="$packages python3-venv"
"$python" -c 'import tkinter' 2>/dev/null || packages="$packages python3-tk"

missing=""
for package in $packages; do
    if ! dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed; then
        missing="$missing $package"
    fi
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing system packages:$missing"
    apt-get update -qq
    # shellcheck disable=SC2086  # a list of words is what is meant
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
elif command -v dpkg-query >/dev/null; then
    echo "not root, so these stay missing (sudo apt-get install them):$missing" >&2
fi

# Two commands for a newcomer: `make demo` and `make test`. Each does all the set-up it needs:
# it makes .venv, installs into it, and, as root on Debian, installs the system packages too.

VENV := .venv
BIN := $(VENV)/bin
LAB := build/lab/venv

# The first Python that is new enough; `make PYTHON=... test` takes another.
PYTHON ?= $(shell for each in python3.11 python3.12 python3.13 python3.14 python3; do \
	"$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$each" && break; done)

.PHONY: demo test test-all lab matrix check bench screenshots lab-screenshots clean
.DEFAULT_GOAL := test

demo: $(VENV)/demo.stamp
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] && [ -t 0 ]; then \
		$(BIN)/python -m demo_app.tour --interactive; \
	else \
		$(BIN)/python -m demo_app.tour --output build/demo; \
	fi

test: $(VENV)/dev.stamp check
	$(BIN)/python -m pytest -m "not slow"

test-all: $(VENV)/dev.stamp check lab
	$(BIN)/python -m pytest
	$(BIN)/python tools/matrix.py

# JupyterLab in a browser without a window; pictures of what it shows are in build/lab
lab: $(LAB)/lab.stamp
	$(LAB)/bin/python -m pytest tests/lab

# PyQt5, PyQt6, PySide6 x Python 3.11, 3.12, 3.13; `make matrix ONLY=3.12-pyqt6` runs one of the nine
matrix: $(VENV)/python.stamp
	$(BIN)/python tools/matrix.py $(if $(ONLY),--only $(ONLY))

check: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks.execute

# The pictures of the documentation, from the real program; `make screenshots ONLY=live` makes one
screenshots: $(VENV)/docs.stamp
	PYTHONPATH=. $(BIN)/python tools/screenshots.py $(ONLY)

lab-screenshots: $(LAB)/lab.stamp
	PYTHONPATH=. $(LAB)/bin/python tools/lab_screenshots.py

clean:
	rm -rf $(VENV) build dist

$(VENV)/python.stamp: tools/system-packages.sh
	sh tools/system-packages.sh "$(PYTHON)"
	"$(PYTHON)" -m venv $(VENV)
	touch $@

$(VENV)/demo.stamp: $(VENV)/python.stamp pyproject.toml
	$(BIN)/python -m pip install --quiet -e '.[demo]'
	touch $@

$(VENV)/docs.stamp: $(VENV)/demo.stamp
	$(BIN)/python -m pip install --quiet -e '.[docs]'
	touch $@

$(VENV)/dev.stamp: $(VENV)/python.stamp pyproject.toml
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	touch $@

$(LAB)/lab.stamp: $(VENV)/python.stamp pyproject.toml
	sh tools/system-packages.sh "$(PYTHON)" chromium
	@echo "making $(LAB), with JupyterLab and this checkout; it takes a minute"
	"$(PYTHON)" -m venv $(LAB)
	$(LAB)/bin/python -m pip install --quiet -e '.[lab]'
	touch $@

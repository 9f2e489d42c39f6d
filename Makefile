# make demo: set everything up and clean the shipped sample, showing what was changed.
# make test: set everything up and pass the tests.
# Both need Python 3.11 or newer and nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt
# The demo needs little of what the tests need.
CORE := $(VENV)/.core
INSTALLED := $(VENV)/.installed

.PHONY: demo test lint bench wheel clean

demo: $(CORE)
	@mkdir -p out
	$(BIN)/vnlp-prep data/sample.jsonl -o out/sample.cleaned.jsonl --edits out/sample.edits.jsonl
	@echo
	$(BIN)/vnlp-prep explain "Teh virtualmachine&#39;s settings were overriden by the vSphere cleint, see <b>KB 1234</b>!!!!!"
	@echo
	@echo "The cleaned records are in out/sample.cleaned.jsonl, every change in out/sample.edits.jsonl."

test: $(INSTALLED)
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

wheel: $(CORE)
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .

$(CORE): setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e .
	@touch $@

$(INSTALLED): $(CORE)
	# First and alone: what comes after must find it there, and not choose another build of it.
	$(PIP) torch
	$(PIP) -e ".[dev]"
	@touch $@

clean:
	rm -rf $(VENV) build dist out *.egg-info

# make demo: set everything up and clean the shipped sample, showing what was changed.
# make test: set everything up and pass the tests.
# make docs: set everything up and build the documentation into site/. make docs-serve: show it while you write.
# All need Python 3.11 or newer and nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt
# The demo needs little of what the tests need.
CORE := $(VENV)/.core
INSTALLED := $(VENV)/.installed
MODELS := $(VENV)/.models
DOCS := $(VENV)/.docs
# The generator advertises its successor with every build.
MKDOCS := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs

.PHONY: demo test lint bench docs docs-serve wheel clean

demo: $(MODELS)
	@mkdir -p out
	$(BIN)/vnlp-prep data/sample.jsonl -o out/sample.cleaned.jsonl --edits out/sample.edits.jsonl
	@echo
	$(BIN)/vnlp-prep explain "Teh virtualmachine&#39;s settings were overriden by the vSphere cleint, see <b>KB 1234</b>!!!!!"
	@echo
	@echo
	$(BIN)/vinilm encode data/sample.jsonl -m data/models/vinilm-small -o out/sample.npy
	$(BIN)/python data/nearest.py out/sample.npy data/sample.jsonl "Teh virtualmachine does not strat after an upgarde"
	@echo
	@echo "The cleaned records are in out/sample.cleaned.jsonl, every change in out/sample.edits.jsonl, the vectors in out/sample.npy."

test: $(INSTALLED)
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

wheel: $(CORE)
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .

docs: $(DOCS)
	$(MKDOCS) build --strict --quiet
	@echo "The documentation is in site/: open site/index.html."

docs-serve: $(DOCS)
	$(MKDOCS) serve

$(CORE): setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e .
	@touch $@

$(MODELS): $(CORE)
	# First and alone: what comes after must find it there, and not choose another build of it.
	$(PIP) torch
	$(PIP) -e ".[vinilm]"
	@touch $@

$(INSTALLED): $(MODELS)
	$(PIP) -e ".[dev]"
	@touch $@

$(DOCS): $(CORE)
	$(PIP) -e ".[docs]"
	@touch $@

clean:
	rm -rf $(VENV) build dist out site *.egg-info

# make demo: set everything up and clean the shipped sample, showing what was changed.
# make test: set everything up and pass the tests.
# Both need Python 3.11 or newer and nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test lint bench wheel clean

demo: $(INSTALLED)
	@mkdir -p out
	$(BIN)/vnlp-prep data/sample.jsonl -o out/sample.cleaned.jsonl --edits out/sample.edits.jsonl
	@echo
	$(BIN)/vnlp-prep explain "Teh virtualmachine&#39;s settings were overriden by the vSphere cleint, see <b>KB 1234</b>!!!!!"
	@echo
	@echo "The cleaned records are in out/sample.cleaned.jsonl, every change in out/sample.edits.jsonl."

test: $(INSTALLED)
	$(BIN)/python -m pytest

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

wheel: $(INSTALLED)
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .

$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

clean:
	rm -rf $(VENV) build dist out *.egg-info

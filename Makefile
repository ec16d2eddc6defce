# `make demo` and `make test` set up what they need on a fresh machine with Python 3.11 or newer.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test test-real check format bench schema embedded clean

demo: $(VENV)/.installed
	$(BIN)/tunewise demo

test: $(VENV)/.installed-dev
	$(BIN)/pytest

test-real: $(VENV)/.installed-dev
	$(BIN)/pytest -m real

check: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/lora_step.py

schema: $(VENV)/.installed
	$(BIN)/python -m tunewise.studies.schema

embedded: $(VENV)/.installed-dev
	$(BIN)/python scripts/pretrain_embedded.py

$(VENV)/.installed: pyproject.toml constraints.txt
	@echo "Making the environment in $(VENV); the first time this takes a few minutes."
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis

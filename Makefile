# Every target sets up what it needs in .venv; only Python >= 3.11 and make have to be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help
.PHONY: help demo test check lint types layers bench chaos lock schemas catalogue clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

$(VENV)/.run: .ci/requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Setpoint needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r .ci/requirements.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: .ci/requirements-dev.txt $(VENV)/.run
	$(BIN)/pip install --quiet --require-hashes -r .ci/requirements-dev.txt
	@touch $@

demo: $(VENV)/.run ## the whole pipeline on a sample fleet, embedded, no account
	$(BIN)/python -m setpoint.demo

test: $(VENV)/.dev ## every test; those on Google's emulators where they are installed
	$(BIN)/pytest -n auto

check: lint types layers test ## all that CI asks for

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.dev
	$(BIN)/mypy
	for main in functions/*/main.py; do $(BIN)/mypy $$main || exit 1; done

layers: $(VENV)/.dev
	$(BIN)/lint-imports

bench: $(VENV)/.dev ## speed, as ratios measured in one run
	$(BIN)/python benchmarks/bench.py

chaos: $(VENV)/.dev ## 100,000 messages on SQLite and 20,000 on Google's emulators while everything goes wrong
	PYTHONPATH=tests $(BIN)/python -m chaos

schemas: $(VENV)/.run ## write the JSON Schemas of events and declarations to docs/schemas
	$(BIN)/python -m setpoint.schemas

catalogue: $(VENV)/.dev ## distil Google's discovery documents into the catalogue
	$(BIN)/python -m setpoint.distil
	$(BIN)/python -m setpoint.distil.methods
	$(BIN)/python -m setpoint.distil.patterns

lock: $(VENV)/.dev ## write the lock files from pyproject.toml (needs uv)
	PATH=$(CURDIR)/$(BIN):$$PATH .ci/lock

clean: ## remove the environment and all that was built
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Every target installs what it needs into .venv; only Python >= 3.11 and make are required.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CHECKOV := $(VENV)/checkov
DOCS := $(VENV)/docs
.DEFAULT_GOAL := help
.PHONY: help cli dev demo test check lint types layers words docs policy audit sbom bench chaos storm fuzz lock test-long schemas typetable reports pictures catalogue clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

# The lock is complete, so pip resolves nothing; it would fail on an extra of a pinned package.
$(VENV)/.run: .ci/requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Setpoint needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-deps --require-hashes -r .ci/requirements.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

cli: $(VENV)/.run ## the command line in .venv/bin/setpoint

dev: $(VENV)/.dev ## the command line, with the packages for development and `setpoint dev`

$(VENV)/.dev: .ci/requirements-dev.txt $(VENV)/.run
	$(BIN)/pip install --quiet --no-deps --require-hashes -r .ci/requirements-dev.txt
	@touch $@

demo: $(VENV)/.run ## run the whole pipeline on a sample fleet, without an account
	$(BIN)/python -m setpoint_tools.demo

test: $(VENV)/.dev ## the tests for each change; emulators, browser and Terraform if installed
	$(BIN)/pytest -n auto

test-long: $(VENV)/.dev ## the long tests: storms, models, chaos, benchmarks, memory
	$(BIN)/pytest -n auto --long

check: lint types layers words docs policy audit test ## all checks of CI, except the long tests

lint: $(VENV)/.dev ## ruff: checks and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.dev ## mypy, strict
	$(BIN)/mypy
	for main in functions/*/main.py; do $(BIN)/mypy $$main || exit 1; done

layers: $(VENV)/.dev ## the import contracts
	$(BIN)/lint-imports

words: $(VENV)/.dev ## names, terms, lengths of files and copies
	$(BIN)/python .ci/words.py

# MkDocs has its own environment: building the site does not need the library.
$(DOCS)/.run: .ci/requirements-docs.txt
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/pip install --quiet --no-deps --require-hashes -r .ci/requirements-docs.txt
	@touch $@

docs: $(DOCS)/.run ## build the documentation as a site in build/site; broken links are errors
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --clean

# checkov pins many packages, so it has its own environment; without a package index it is skipped.
$(CHECKOV)/.run: .ci/requirements-checkov.txt
	$(PYTHON) -m venv $(CHECKOV)
	$(CHECKOV)/bin/pip install --quiet --no-deps --only-binary :all: --require-hashes -r .ci/requirements-checkov.txt
	@touch $@

policy: ## scan infra/ against good practice (checkov)
	@if [ -x $(CHECKOV)/bin/checkov ] || $(MAKE) --no-print-directory $(CHECKOV)/.run; then \
	  $(CHECKOV)/bin/checkov --directory infra --config-file .checkov.yaml --skip-download --compact --quiet; \
	else echo "SKIPPED: checkov cannot be installed; infra/ is not scanned"; fi

audit: $(VENV)/.dev ## known vulnerabilities of the functions' packages; RELEASE=1 fails if they cannot be looked up
	$(BIN)/python .ci/audit.py $(if $(RELEASE),--release)

sbom: $(VENV)/.dev ## the bill of materials of a release, as CycloneDX
	$(BIN)/python .ci/sbom.py

bench: $(VENV)/.dev ## measure speed, as ratios in one run
	$(BIN)/python benchmarks/bench.py

chaos: $(VENV)/.dev ## 100,000 messages on SQLite and 20,000 on Google's emulators, with faults
	PYTHONPATH=tests $(BIN)/python -m chaos

storm: $(VENV)/.dev ## 100,000 findings of one cause on a simulated clock, and ten minutes on Google's emulators
	PYTHONPATH=tests $(BIN)/python -m chaos.storm

fuzz: $(VENV)/.dev ## fuzz each reader of external bytes for a minute (needs atheris, see CONTRIBUTING.md)
	PYTHONPATH=tests $(BIN)/python -m fuzzing

schemas: $(VENV)/.run ## generate docs/schemas, the tables of infra/bigquery and the completions of shells
	$(BIN)/python -m setpoint_tools.schemas
	$(BIN)/python -m setpoint_tools.completions

typetable: $(VENV)/.run ## generate docs/asset-types.md
	$(BIN)/python -m setpoint_tools.types_page

reports: $(VENV)/.dev ## generate docs/reports.md: each view of the warehouse with its rows for the demo
	$(BIN)/python -m setpoint_tools.testing.demo_reports

pictures: $(VENV)/.dev ## take the screenshots in docs/images from the demo; needs .ci/browser
	$(BIN)/python -m setpoint_tools.pictures

catalogue: $(VENV)/.dev ## generate the catalogue from Google's discovery documents
	$(BIN)/python -m setpoint_tools.distil
	$(BIN)/python -m setpoint_tools.distil.methods
	$(BIN)/python -m setpoint_tools.distil.patterns

lock: $(VENV)/.dev ## update the lock files from pyproject.toml, and show the changes (needs uv)
	PATH=$(CURDIR)/$(BIN):$$PATH .ci/lock

clean: ## remove the environment and everything that was built
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Every target sets up what it needs in .venv; only Python >= 3.11 and make have to be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CHECKOV := $(VENV)/checkov
DOCS := $(VENV)/docs
.DEFAULT_GOAL := help
.PHONY: help cli dev demo test check lint types layers words docs policy audit sbom bench chaos storm fuzz lock test-long schemas typetable reports pictures catalogue clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

# The lock names everything: pip is not to look for more, and would stumble over an extra of what is pinned.
$(VENV)/.run: .ci/requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Setpoint needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-deps --require-hashes -r .ci/requirements.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

cli: $(VENV)/.run ## the command line in .venv/bin/setpoint

dev: $(VENV)/.dev ## the same with what development and `setpoint dev` need

$(VENV)/.dev: .ci/requirements-dev.txt $(VENV)/.run
	$(BIN)/pip install --quiet --no-deps --require-hashes -r .ci/requirements-dev.txt
	@touch $@

demo: $(VENV)/.run ## the whole pipeline on a sample fleet, embedded, no account
	$(BIN)/python -m setpoint_tools.demo

test: $(VENV)/.dev ## what a change needs, with the emulators, the browser and the Terraform that are installed
	$(BIN)/pytest -n auto

test-long: $(VENV)/.dev ## storms, long models, chaos, benchmarks and large memory runs
	$(BIN)/pytest -n auto --long

check: lint types layers words docs policy audit test ## all that CI asks for, but for the long tests

lint: $(VENV)/.dev ## ruff: checks and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.dev ## mypy, strict
	$(BIN)/mypy
	for main in functions/*/main.py; do $(BIN)/mypy $$main || exit 1; done

layers: $(VENV)/.dev ## the import contracts
	$(BIN)/lint-imports

words: $(VENV)/.dev ## bindings that name nothing, words without a meaning in the field, files that are too long, what stands twice
	$(BIN)/python .ci/words.py

# MkDocs has an environment of its own: nothing of the library is needed to build the site.
$(DOCS)/.run: .ci/requirements-docs.txt
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/pip install --quiet --no-deps --require-hashes -r .ci/requirements-docs.txt
	@touch $@

docs: $(DOCS)/.run ## the documentation as a site in build/site; a broken link is an error
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --clean

# checkov pins much, so that it has an environment of its own; without a package index it is not there.
$(CHECKOV)/.run: .ci/requirements-checkov.txt
	$(PYTHON) -m venv $(CHECKOV)
	$(CHECKOV)/bin/pip install --quiet --no-deps --only-binary :all: --require-hashes -r .ci/requirements-checkov.txt
	@touch $@

policy: ## scan infra/ for what is against good practice (checkov)
	@if [ -x $(CHECKOV)/bin/checkov ] || $(MAKE) --no-print-directory $(CHECKOV)/.run; then \
	  $(CHECKOV)/bin/checkov --directory infra --config-file .checkov.yaml --skip-download --compact --quiet; \
	else echo "SKIPPED: checkov cannot be installed here; infra/ is not scanned"; fi

audit: $(VENV)/.dev ## known vulnerabilities of what the functions run with; RELEASE=1 fails where nobody could be asked
	$(BIN)/python .ci/audit.py $(if $(RELEASE),--release)

sbom: $(VENV)/.dev ## what a release consists of, as CycloneDX
	$(BIN)/python .ci/sbom.py

bench: $(VENV)/.dev ## speed, as ratios measured in one run
	$(BIN)/python benchmarks/bench.py

chaos: $(VENV)/.dev ## 100,000 messages on SQLite and 20,000 on Google's emulators while everything goes wrong
	PYTHONPATH=tests $(BIN)/python -m chaos

storm: $(VENV)/.dev ## 100,000 findings of one cause on a simulated clock, and as many as Google's emulators do in ten minutes
	PYTHONPATH=tests $(BIN)/python -m chaos.storm

fuzz: $(VENV)/.dev ## fuzz each reader of bytes from outside for a minute (needs atheris, see CONTRIBUTING.md)
	PYTHONPATH=tests $(BIN)/python -m fuzzing

schemas: $(VENV)/.run ## write what is made from models and commands: docs/schemas, tables of infra/bigquery, completions of shells
	$(BIN)/python -m setpoint_tools.schemas
	$(BIN)/python -m setpoint_tools.completions

typetable: $(VENV)/.run ## write docs/asset-types.md: what is known of each asset type
	$(BIN)/python -m setpoint_tools.types_page

reports: $(VENV)/.dev ## write docs/reports.md: what each view of the warehouse answers of the demo
	$(BIN)/python -m setpoint_tools.testing.demo_reports

pictures: $(VENV)/.dev ## take the pictures of README and docs (docs/images) from the demo; needs .ci/browser
	$(BIN)/python -m setpoint_tools.pictures

catalogue: $(VENV)/.dev ## distil Google's discovery documents into the catalogue
	$(BIN)/python -m setpoint_tools.distil
	$(BIN)/python -m setpoint_tools.distil.methods
	$(BIN)/python -m setpoint_tools.distil.patterns

lock: $(VENV)/.dev ## write the lock files from pyproject.toml, and show what changed (needs uv)
	PATH=$(CURDIR)/$(BIN):$$PATH .ci/lock

clean: ## remove the environment and all that was built
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

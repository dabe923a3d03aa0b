# One verb each. Everything made here lies in .venv and sample-library; nothing else on the machine changes, but for
# the system packages that 'make test' installs where it may.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PHOTOS ?=
PORT ?= 8420
OPEN ?= 1
NOSERVE ?=
TESTS ?= tests
# Through the environment: no quote or backtick in a name reaches a shell.
export PHOTOS PORT OPEN NOSERVE

VENV := .venv
BIN := $(VENV)/bin
SETUP := pyproject.toml constraints.txt tools/environment
SOURCES := phototag tests tools examples benchmarks

.PHONY: help run test check generate screenshots bench clean

help: ## Show this list
	@echo "phototag: tag, search and sort your photos, offline"
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.run-ready ## Tag, index and show photos: PHOTOS=folder (else a sample), PORT=8420, OPEN=0, NOSERVE=1; 1-2 minutes the first time
	@tools/first-run

test: $(VENV)/.test-ready $(VENV)/.system-ready check ## Set up, check and test everything: TESTS=folder; about 10 minutes the first time
	@echo "Running the tests (a few minutes) ..."
	@PYTHONHASHSEED=0 $(BIN)/python -m pytest -n auto --dist loadgroup $(TESTS)

check: $(VENV)/.test-ready ## Lint, format, types, layers, generated files
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python tools/generate.py --check

generate: $(VENV)/.test-ready ## Write schemas/, docs/cli.md and the other generated files again
	@$(BIN)/python tools/generate.py

screenshots: $(VENV)/.test-ready ## Photograph the report and the viewer for the documents again
	@$(BIN)/python examples/screenshots.py

bench: $(VENV)/.test-ready ## Run the benchmarks and print the table
	@$(BIN)/python -m benchmarks

clean: ## Remove everything that make made here: .venv, caches, sample-library
	rm -rf $(VENV) sample-library build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.run-ready: $(SETUP)
	@tools/environment run

$(VENV)/.test-ready: $(SETUP)
	@tools/environment test

$(VENV)/.system-ready: tools/system-packages
	@tools/system-packages libimage-exiftool-perl:exiftool:exiftool chromium:chromium: git-annex:git-annex:git-annex syncthing:syncthing:syncthing git:git:git zsh:zsh:zsh fish:fish:fish
	@touch $@

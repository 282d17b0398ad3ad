# `make demo` and `make test` need Python 3.10 or later and nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test lint types layers check contracts contracts-check bench-costs bench-devnet clean

demo: $(VENV)/.demo
	$(BIN)/milestones demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto

lint: $(VENV)/.dev
	$(BIN)/ruff check offchain benchmarks
	$(BIN)/ruff format --check offchain benchmarks

types: $(VENV)/.dev
	$(BIN)/mypy

layers: $(VENV)/.dev
	$(BIN)/lint-imports

check: lint types layers test

# The blueprint is committed: only a change of the contract needs the Aiken compiler.
contracts:
	contracts/build.sh

contracts-check:
	contracts/check.sh

bench-costs: $(VENV)/.dev
	$(BIN)/python benchmarks/costs.py

bench-devnet: $(VENV)/.dev
	$(BIN)/python benchmarks/devnet.py

$(VENV)/.demo: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check '.[devnet]'
	touch $@

$(VENV)/.dev: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[devnet,dev]'
	touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) contracts/build

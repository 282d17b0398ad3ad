# `make demo` and `make test` need Python 3.10 or later and nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test lint types layers check coverage docs package \
	contracts contracts-check contracts-debug mutation fuzz compare-evaluators truth soak kill kill-series crowds faults relay \
	rush serve bench list-in-datum bench-costs bench-criteria bench-contention bench-relay bench-serve bench-series pictures clean

demo: $(VENV)/.demo
	$(BIN)/milestones demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: $(VENV)/.dev
	$(BIN)/ruff check offchain benchmarks docs
	$(BIN)/ruff format --check offchain benchmarks docs

types: $(VENV)/.dev
	$(BIN)/mypy

layers: $(VENV)/.dev
	$(BIN)/lint-imports

check: lint types layers test

# Branch coverage of the rooms that hold rules; fails under 95%.
coverage: $(VENV)/.dev
	rm -f .coverage .coverage.*
	$(BIN)/python -m coverage run -m pytest -q offchain/tests/unit offchain/tests/property offchain/tests/contract
	$(BIN)/python -m coverage combine -q
	$(BIN)/python -m coverage report --skip-covered --fail-under=95 \
		--include='*/milestones/cardano/*,*/milestones/domain/*,*/milestones/protocol/*,*/milestones/devnet/ledger/*'

docs: $(VENV)/.dev
	$(BIN)/python docs/generate.py
	$(BIN)/python -m sphinx -q -W -n -b html -c docs . build/docs

package: $(VENV)/.dev
	$(BIN)/python benchmarks/packaging.py --resolve

# The blueprint is committed: only a change of the contract needs the Aiken compiler.
contracts:
	contracts/build.sh

# With all traces, for `milestones devnet profile --debug-blueprint`.
contracts-debug:
	contracts/debug.sh build/debug/plutus.json

contracts-check:
	contracts/check.sh

# Long runs; `make test` has a short one of each.
mutation: $(VENV)/.dev
	$(BIN)/python benchmarks/mutation.py

fuzz: $(VENV)/.dev
	MILESTONES_LONG_TESTS=1 $(BIN)/python -m pytest -s offchain/tests/long/test_fuzz.py \
		offchain/tests/long/test_kupo_requests.py offchain/tests/long/test_control_requests.py
	PYTHONPATH=offchain $(BIN)/python -m tests.support.ledger_fuzz --count 1000000
	PYTHONPATH=offchain $(BIN)/python -m tests.support.script_fuzz --count 1000000
	PYTHONPATH=offchain:benchmarks $(BIN)/python -m tests.support.signing_fuzz --count 1000000
	MILESTONES_LEDGER_TRANSACTIONS=10000 $(BIN)/python -m pytest -n auto \
		offchain/tests/property/test_ledger_mutations.py

# Aiken's evaluator is installed for this alone, in an environment of its own.
COMPARISON := build/comparison

compare-evaluators: $(COMPARISON)/.done
	PYTHONPATH=offchain RUST_BACKTRACE=0 $(COMPARISON)/bin/python -m tests.support.evaluator_comparison

$(COMPARISON)/.done: pyproject.toml
	$(PYTHON) -m venv $(COMPARISON)
	$(COMPARISON)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[devnet,comparison]' \
		'cbor2<6' pytest
	touch $@

truth: $(VENV)/.dev
	MILESTONES_TRUTH_LIVES=1000 $(BIN)/python -m pytest -s offchain/tests/property/test_one_truth.py

soak: $(VENV)/.dev
	MILESTONES_LONG_TESTS=1 $(BIN)/python -m pytest -s offchain/tests/long/test_soak.py

kill: $(VENV)/.dev
	MILESTONES_LONG_TESTS=1 $(BIN)/python -m pytest -s offchain/tests/long/test_kill.py
	MILESTONES_LONG_TESTS=1 $(BIN)/python -m pytest -rP -n auto offchain/tests/long/test_kill_command.py

# 200,000 rows: an hour or more of processor.
kill-series: $(VENV)/.dev
	MILESTONES_LONG_TESTS=1 $(BIN)/python -m pytest -s offchain/tests/long/test_kill_series.py

crowds: $(VENV)/.dev
	MILESTONES_LONG_TESTS=1 $(BIN)/python -m pytest -s offchain/tests/long/test_crowds.py

serve: $(VENV)/.dev
	MILESTONES_LONG_TESTS=1 $(BIN)/python -m pytest -s offchain/tests/long/test_web_crowd.py \
		offchain/tests/long/test_web_requests.py offchain/tests/long/test_web_claims.py \
		offchain/tests/integration/web/test_pages_of_many.py

# Mostly waiting: for whoever doesn't answer, or answers a byte at a time.
faults: $(VENV)/.dev
	MILESTONES_LONG_TESTS=1 $(BIN)/python -m pytest -rP -n 10 offchain/tests/long/test_faults.py

relay: $(VENV)/.dev
	MILESTONES_LONG_TESTS=1 $(BIN)/python -m pytest -s offchain/tests/long/test_relay.py

# In simulated time: a quarter of an hour of processor.
rush: $(VENV)/.dev
	MILESTONES_LONG_TESTS=1 $(BIN)/python -m pytest -s offchain/tests/long/test_rush.py

# Everything of docs/performance.md, or what PARTS names; WRITE=--write renews the page, WRITE="--write --full" all.
bench: $(VENV)/.dev
	PYTHONPATH=offchain $(BIN)/python benchmarks/performance.py $(PARTS) $(WRITE)

# The contract that the benchmark compares with: its blueprint is committed, too.
list-in-datum:
	cd benchmarks/list_in_datum && aiken build --deny --trace-level silent --out plutus.json

bench-costs: $(VENV)/.dev
	$(BIN)/python benchmarks/costs.py

bench-serve: $(VENV)/.dev
	PYTHONPATH=offchain $(BIN)/python benchmarks/serve.py

bench-criteria: $(VENV)/.dev
	$(BIN)/python benchmarks/success_criteria.py

bench-contention: $(VENV)/.dev
	$(BIN)/python benchmarks/contention.py

bench-relay: $(VENV)/.dev
	$(BIN)/python benchmarks/relay.py

# A million allocations; half an hour on two cores. Renews the figures of docs/scale.md.
bench-series: $(VENV)/.dev
	mkdir -p build
	$(BIN)/python benchmarks/series.py --json build/series.json
	$(BIN)/python benchmarks/series_page.py build/series.json

# What documents show, in Debian's Chromium.
pictures: $(VENV)/.dev
	PYTHONPATH=offchain $(BIN)/python benchmarks/screenshots.py
	PYTHONPATH=offchain $(BIN)/python benchmarks/page_screenshots.py

$(VENV)/.demo: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[devnet,serve]'
	touch $@

$(VENV)/.dev: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[devnet,serve,dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bls]' \
		|| echo "Without pyblst: programs that use BLS12-381 are not run."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[comparison]' \
		|| echo "Without biglup-cometa: nothing is compared with another evaluator."
	touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) build contracts/build

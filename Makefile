# `make demo` and `make test` need python3, python3-venv and make; the rest is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: help demo desk quick test long nightly firmware-test lint docs schemas benchmark attack mutants audit clean


help:
	@echo "make demo       the whole way of the data, on a simulated board"
	@echo "make desk       the page of a simulated board, in your browser; Ctrl-C ends it"
	@echo "make quick      the fast tests, of every layer"
	@echo "make test       the test suite but for the long tests"
	@echo "make long       the long tests: whole bring-ups, sessions, browsers, packages; CI runs both"
	@echo "make nightly    the property tests with many random examples, the counting ones with many runs"
	@echo "make firmware-test  the firmware in C: bytes, faults, fuzz, the whole of bring-up, also on a Cortex-M"
	@echo "make lint       format, lint, types, import rules"
	@echo "make docs       the documentation site, in build/site"
	@echo "make schemas    the JSON schemas of our files, from their models"
	@echo "make benchmark  what we claim about speed, measured here and held against the last run"
	@echo "make attack     bad boards and bad lines, 25 of each kind; figures in build/attack.json"
	@echo "make mutants    whether the tests notice when the code is changed at random (DRAW=60 SEED=1)"
	@echo "make audit      dependencies, pinned and at their lower bounds, against public advisories"
	@echo "make clean      remove $(VENV) and caches"

desk: $(VENV)/.desk
	@$(BIN)/emgrig desk sim:face --open

demo: $(VENV)/.core
	@$(BIN)/emgrig demo --overwrite

# A thread for each process: they are as many as there are cores. Bytecode is kept also where the
# environment says otherwise: a hundred processes would each compile all sources.
PYTEST := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --dist worksteal --max-worker-restart 0

quick: $(VENV)/.dev
	@$(PYTEST) -m "not slow"

test: $(VENV)/.dev
	@$(PYTEST) -m "not long"

long: $(VENV)/.dev
	@$(PYTEST) -m long

nightly: $(VENV)/.dev
	@$(PYTEST) -m "hypothesis or nightly" --hypothesis-profile nightly

# Without a C compiler of the system's, that of the wheel `ziglang`.
firmware-test: $(VENV)/.cortex
	@if ! command -v $${CC:-cc} >/dev/null; then \
	  printf '#!/bin/sh\nexec "%s" -m ziglang cc "$$@"\n' "$(CURDIR)/$(BIN)/python" >$(BIN)/zig-cc; \
	  printf '#!/bin/sh\nexec "%s" -m ziglang c++ "$$@"\n' "$(CURDIR)/$(BIN)/python" >$(BIN)/zig-c++; \
	  chmod +x $(BIN)/zig-cc $(BIN)/zig-c++; export CC="$(CURDIR)/$(BIN)/zig-cc" CXX="$(CURDIR)/$(BIN)/zig-c++"; \
	fi; EMGRIG_FIRMWARE_TEST=full $(PYTEST) tests/firmware_c

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.dev
	$(BIN)/python -m sphinx -q -W --keep-going -b html -d build/doctrees docs build/site
	@echo "build/site/index.html"

schemas: $(VENV)/.core
	$(BIN)/python tests/file_schemas.py

benchmark: $(VENV)/.benchmark
	$(BIN)/python -m benchmarks

attack: $(VENV)/.dev
	$(BIN)/python -m benchmarks attack

# DRAW=0 makes every change there is, 1900 or so: a second each.
DRAW := 60
SEED := 1
mutants: $(VENV)/.mutants
	@OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 nice $(BIN)/python tests/mutants.py --draw $(DRAW) --seed $(SEED)

audit: $(VENV)/.audit
	@PYTHONPATH=tests $(BIN)/python tests/audit.py

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("emgrig needs Python 3.11 or newer; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV) || { echo "could not make $(VENV): on Debian and Ubuntu install python3-venv" >&2; rm -rf $(VENV); exit 1; }

$(VENV)/.core: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing emgrig into $(VENV) (once) ..."
	@$(PIP) -e .
	@touch $@

$(VENV)/.desk: $(VENV)/.core
	@$(PIP) -e '.[desk]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing emgrig and its development tools into $(VENV) (once) ..."
	@$(PIP) -e '.[dev]'
	@touch $@ $(VENV)/.core

$(VENV)/.cortex: $(VENV)/.dev
	@echo "installing Unicorn, Capstone and a compiler for ARM into $(VENV) (once, 120 MB) ..."
	@$(PIP) -e '.[cortex]' || echo "they cannot be had here: the tests on the Cortex-M will skip" >&2
	@touch $@

$(VENV)/.benchmark: $(VENV)/.dev
	@$(PIP) -e '.[benchmark]'
	@touch $@

$(VENV)/.audit: $(VENV)/.dev
	@$(PIP) -e '.[audit]'
	@touch $@

$(VENV)/.mutants: $(VENV)/.dev
	@$(PIP) -e '.[mutants]'
	@touch $@

clean:
	find src tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
	rm -rf $(VENV) build dist mutants .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# `make` alone explains the commands. Everything runs in .venv, which `make setup` makes; nothing is installed elsewhere.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo test check format bench lock clean clean-all

ROOT := $(if $(wildcard tools/setup_env.py),$(CURDIR),$(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST))))))
IN_ROOT := cd "$(ROOT)" && test -f tools/setup_env.py &&
VENV_PYTHON := .venv/bin/python

# The first Python that is new enough; `make PYTHON=...` chooses another one.
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)

DEMO_QUESTION ?= How do I reset the device to its factory settings?
DEMO_INDEX := build/demo-index

# Those that take a path of the user's data, or many minutes, are run by hand.
BY_HAND := scifact_ndcg.py peers.py peers_answering.py gigabyte.py random_kills.py retrieval_table.py known_items.py
BENCH ?= $(filter-out conftest.py $(BY_HAND),$(notdir $(wildcard $(ROOT)/tests/benchmarks/*.py)))

help: ## explain the commands
	@echo "docindex: index folders of documents and answer questions from them, locally."
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' "$(ROOT)/Makefile" | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'
	@echo
	@echo "  PYTHON=python3.12 chooses the Python; CMAKE_ARGS=\"-DGGML_CUDA=on\" builds llama.cpp for NVIDIA cards."

setup: ## make .venv: pinned packages, llama.cpp compiled once, the two default models (a second run: about a second)
	@test -n "$(PYTHON)" || { echo "docindex needs Python 3.11 or newer: install it (on Debian: python3 python3-venv)." >&2; exit 1; }
	@$(IN_ROOT) "$(PYTHON)" tools/setup_env.py

demo: setup ## ingest the example documents and answer DEMO_QUESTION from them, with citations
	$(IN_ROOT) .venv/bin/docindex ingest examples/documents --sync --index $(DEMO_INDEX)
	$(IN_ROOT) .venv/bin/docindex query "$(DEMO_QUESTION)" --index $(DEMO_INDEX)

# Bytecode is written whatever the environment says: processes that tests start, hundreds, would compile it anew.
test: setup ## run the tests on up to four cores (ARGS="tests/loaders -x" chooses among them, ARGS="-n 0" takes one)
	@$(IN_ROOT) env -u PYTHONDONTWRITEBYTECODE $(VENV_PYTHON) -m pytest -n auto --maxprocesses 4 --dist worksteal $(ARGS)

check: setup ## lint, formatting, types, import layers and the guards
	$(IN_ROOT) $(VENV_PYTHON) -m ruff check .
	$(IN_ROOT) $(VENV_PYTHON) -m ruff format --check .
	$(IN_ROOT) $(VENV_PYTHON) -m mypy
	$(IN_ROOT) MYPYPATH=tools $(VENV_PYTHON) -m mypy tools/setup_env.py tools/lock.py
	$(IN_ROOT) .venv/bin/lint-imports
	$(IN_ROOT) $(VENV_PYTHON) -m pytest -q tests/test_guards.py

format: setup ## format the code and mend what ruff can mend
	$(IN_ROOT) $(VENV_PYTHON) -m ruff format .
	$(IN_ROOT) $(VENV_PYTHON) -m ruff check --fix .

bench: setup ## run the measurements in tests/benchmarks (BENCH=startup.py runs one)
	@$(IN_ROOT) for script in $(BENCH); do echo "== $$script"; $(VENV_PYTHON) "tests/benchmarks/$$script"; done

lock: setup ## pin the newest allowed packages anew in constraints/
	@$(IN_ROOT) "$(VENV_PYTHON)" tools/lock.py $(ARGS)

clean: ## delete what was built and measured, but not .venv
	@$(IN_ROOT) rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@$(IN_ROOT) find . \( -path ./.venv -o -path ./.git \) -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

clean-all: clean ## also delete .venv and the compiled llama.cpp of this user
	@$(IN_ROOT) rm -rf .venv "$${XDG_CACHE_HOME:-$$HOME/.cache}/docindex/wheels"

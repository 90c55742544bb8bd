# Set-up, the demo, the checks and the tests. `make` alone lists what there is.
# PYTHON=python3.12 names the Python that set-up uses; DEMO_EXIT=1 ends the demo when it is done.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:

# The first Python that runs and is new enough (a name may be there and not run); if none is,
# plain python3, so that set-up can say what to do.
NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
PYTHON := $(shell for python in python3 python3.12 python3.11 python3.13; do \
	if $$python $(NEW_ENOUGH) >/dev/null 2>&1; then echo $$python; exit; fi; done; echo python3)

BIN := .venv/bin
LAB := labextension
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix $(LAB)

export DEMO_EXIT

.PHONY: help setup setup-for-tests demo test lint lint-python lint-lab test-lab test-python chaos environments hub clean

help: ## list the targets
	@sed -n 's/^\([a-z%-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup: ## make .venv with everything the project runs on; what is done is skipped
	@$(PYTHON) .ci/setup.py

setup-for-tests:
	@$(PYTHON) .ci/setup.py --test

demo: setup ## the main job on real data, then JupyterLab at a printed URL until Ctrl-C
	@$(BIN)/python notebooks/demo.py

test: setup-for-tests lint-python lint-lab test-lab test-python ## set-up, checks, all the tests

lint: setup lint-python lint-lab ## style, types, import arrows, generated files

lint-python:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lint-lab:
	$(NPM) run lint
	$(NPM) run schema -- --check

test-lab:
	$(NPM) test

# Tests wait more than they compute. A file goes to one worker, so what its tests share is made once.
WORKERS := 2

# Last, so that pytest's closing line is the last line. PYTEST_ARGS='-k store' narrows it.
test-python:
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile $(PYTEST_ARGS)

KILLS := 300

chaos: setup-for-tests ## kill the control plane 300 times (KILLS=…) and judge what is left
	@$(BIN)/python -m tests.chaos --kills $(KILLS)

environments: setup-for-tests ## the magics in old and new kernels, a terminal, without torch
	@$(BIN)/python .ci/environments.py

hub: setup-for-tests ## a browser, a kernel and a job behind a real JupyterHub
	@$(BIN)/python -m tests.hub

pictures: setup-for-tests ## renew the manual's pictures from those that the browser tests made
	@$(BIN)/python docs/pictures.py

bench-%: setup ## run one benchmark: make bench-events-read runs benchmarks/events_read.py
	@$(BIN)/python benchmarks/$(subst -,_,$*).py

clean: ## remove what set-up, builds and tests made here (cached wheels stay)
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	rm -f server_ext/aimass_server/tracking/scan.so
	rm -rf $(LAB)/node_modules $(LAB)/lib $(LAB)/coverage $(LAB)/tsconfig.tsbuildinfo aimass_jupyter/labextension
	find aimass_jupyter server_ext tests .ci -name __pycache__ -type d -prune -exec rm -rf {} +

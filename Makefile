# `make help` lists what there is. Everything is created inside this folder, in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# Most tests wait more than they compute: four at a time keep two cores busy.
TEST_PROCESSES ?= 4

.DEFAULT_GOAL := help
.PHONY: help run test lint format screenshots bench soak clean

help: ## list what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: $(VENV)/run.stamp ## open the console on workers that watch this machine
	@$(BIN)/workerconsole demo

test: $(VENV)/dev.stamp ## run the tests, several at a time; one file: .venv/bin/python -m pytest tests/...
	@$(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist worksteal

lint: $(VENV)/dev.stamp ## ruff, mypy strict, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/dev.stamp ## let ruff format and mend what it can
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

screenshots: $(VENV)/dev.stamp ## draw the pictures in assets/ from the running program
	@$(BIN)/python -m tests.screenshots

bench: $(VENV)/bench.stamp ## measure what things cost, beside what people would use otherwise
	@$(BIN)/python -m benchmarks --keep benchmarks/results; code=$$?; \
	$(BIN)/python -m benchmarks.plot benchmarks/results && exit $$code

soak: $(VENV)/dev.stamp ## trials that take minutes: kills, slots, leaks over 100,000 runs, workers of every nasty kind
	@$(BIN)/python -m tests.soak

clean: ## remove what the commands above made
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp
	$(INSTALL) --editable '.[dev]'
	@touch $@

$(VENV)/bench.stamp: $(VENV)/dev.stamp
	$(INSTALL) --editable '.[bench]'
	@touch $@

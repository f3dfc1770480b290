# `make check` is exactly what CI runs.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: help check lint types imports test demo bench
help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(BIN)/costtui: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet -e '.[dev]'
	@touch $(BIN)/costtui

check: lint types imports test  ## everything CI runs

lint: $(BIN)/costtui  ## ruff and ruff format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(BIN)/costtui  ## mypy --strict
	$(BIN)/mypy

imports: $(BIN)/costtui  ## the floors
	$(BIN)/lint-imports

test: $(BIN)/costtui  ## the whole test suite
	$(BIN)/pytest -n 2 --dist loadgroup

demo: $(BIN)/costtui  ## a simulated fleet and the screen on it
	$(BIN)/costtui demo

# `make check` is exactly what CI runs.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: help check lint types imports test litellm demo
help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

# A stamp of its own: whoever tried the demo first has costtui in there, and none of the tools.
DEV = $(VENV)/dev-installed
$(DEV): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet -e '.[dev]'
	@touch $(DEV)

check: lint types imports test  ## everything CI runs

lint: $(DEV)  ## ruff and ruff format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV)  ## mypy --strict
	$(BIN)/mypy

imports: $(DEV)  ## the floors
	$(BIN)/lint-imports

# Three on two cores: the end-to-end tests mostly wait for real servers.
test: $(DEV)  ## the whole test suite
	$(BIN)/pytest -n 3 --dist loadgroup

# A real LiteLLM for tests/e2e/test_litellm_proxy.py, which skips without it and says why. That it
# cannot be installed somewhere is no failure: the reason is kept for the test to print.
LITELLM = .venv-litellm
litellm: $(LITELLM)/done  ## install a real LiteLLM (700 MB) for its end-to-end test
$(LITELLM)/done: tests/e2e/litellm/requirements.txt
	@rm -rf $(LITELLM)
	@$(PYTHON) -m venv $(LITELLM)
	@if $(LITELLM)/bin/pip install --quiet --disable-pip-version-check --only-binary :all: \
	  -r $< 2>$(LITELLM)/said; then touch $@; \
	else rm -f $(LITELLM)/bin/litellm; \
	  (grep '^ERROR' $(LITELLM)/said || echo 'pip failed') | tail -1 | cut -c1-200 >$(LITELLM)/why-not; \
	  echo "LiteLLM is not installed, its test will be skipped: $$(cat $(LITELLM)/why-not)"; fi

demo: $(DEV)  ## a simulated fleet and the screen on it
	$(BIN)/costtui demo

# Everything is done in a virtual environment of its own, made on first use. Python 3.11 or newer, git and make suffice.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# The course data (MNIST, circles) lie beside the checkout where we and CI work; elsewhere, tests that need them skip.
export CLEARPROP_DATA ?= $(if $(wildcard ../shared/data),$(abspath ../shared/data))
OUT ?= runs/circles

.PHONY: help run test test-slow lint format bench experiments docs wheel clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

run: $(VENV)/user  ## install, train a network on circles, and say where its pictures are
	$(BIN)/clearprop train circles --out $(OUT) --force
	@echo "Pictures: $(OUT)/curves.png and $(OUT)/boundary.png"

test: $(VENV)/dev  ## all tests, and the examples in the docstrings
	$(BIN)/python -m pytest -q -n auto

test-slow: $(VENV)/dev  ## the tests marked slow: every bad value for every argument and option
	$(BIN)/python -m pytest -q -m slow

lint: $(VENV)/dev  ## style, formatting and types, those of the lab's page where Node is installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	tools/lab_types/run.sh

bench: $(VENV)/bench  ## clearprop beside its peers: docs/benchmarks.md and README's tables; leave the machine alone for a quarter of an hour
	$(BIN)/python -m benchmarks $(BENCH)

experiments: $(VENV)/docs  ## run the long published experiments again, for the handbook's pages; ten minutes, and the course data
	$(BIN)/python tools/experiments.py

docs: $(VENV)/docs  ## the handbook, into docs/_build/html: every page executed, every link followed
	$(BIN)/python -m sphinx -W --keep-going -q -j auto docs docs/_build/html
	$(BIN)/python docs/check_links.py docs/_build/html
	@echo "The handbook: docs/_build/html/index.html"

wheel: $(VENV)/user  ## a wheel in dist/, for pip install, with the kernel's machine code for this platform
	$(BIN)/python -m clearprop.engines.compiled.shipping build/machine_code
	CLEARPROP_MACHINE_CODE=$(abspath build/machine_code) $(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

format: $(VENV)/dev  ## mend style and formatting
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove the environment and what tools leave behind
	rm -rf $(VENV) runs build dist docs/_build docs/reference/generated docs/look/experiments/*-*.md docs/look/experiments/pictures .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "clearprop needs Python 3.11 or newer; set PYTHON=python3.12, say."; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Each stamp stands for an installed set of dependencies, and is renewed when what it was made from changes.
$(VENV)/user: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/dev: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	$(BIN)/python -m compileall -q src
	@touch $(VENV)/user $@

$(VENV)/bench: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	@touch $(VENV)/user $@

$(VENV)/docs: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	@touch $(VENV)/user $@

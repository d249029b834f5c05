# One virtual environment, installed from the lock; `make` alone lists the targets.
.DEFAULT_GOAL := help
.PHONY: help train test test-all check format lock clean floor

VENV ?= .venv
CUDA ?=
LOCK := requirements/lock$(if $(CUDA),-cuda$(CUDA)).txt
BIN := $(VENV)/bin
INPUTS := $(LOCK) pyproject.toml setup.py
# Keyed to contents: a checkout of the same lock installs nothing, another lock does.
STAMP := $(VENV)/.installed-$(shell cat $(INPUTS) | cksum | tr -c '0-9\n' '-')

WORKS = import sys; sys.version_info >= (3, 11) and print(sys.executable)
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,\
	$(shell $(name) -c '$(WORKS)' 2>/dev/null)))

# One worker for each core: compiling is most of the work, and uses one.
SPREAD := -n auto --maxprocesses=8 --dist loadfile

# Rooms and files that the tests must cover to FLOOR percent, each on its own.
FLOOR := 90
FLOORED := $(wildcard ttjax/nn ttjax/losses ttjax/fields ttjax/geometry \
	ttjax/*/targets.py ttjax/*/decode.py)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' Makefile
	@echo 'ARGS="..." is passed on, PYTHON=... picks the interpreter, CUDA=12 the GPU lock.'

# The lock names everything, so nothing is resolved: older pips stumble over an extra of
# a locked package as soon as a newer release of it is out.
$(STAMP):
	@test -n "$$($(or $(PYTHON),false) -c '$(WORKS)' 2>/dev/null)" || { \
	  echo "ttjax needs Python 3.11 or later, got '$(PYTHON)':" \
	  "install one and name it, as in \`make PYTHON=python3.11 ...\`." >&2; exit 1; }
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	rm -f $(VENV)/.installed-*
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r $(LOCK)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

# Huge pages for fresh buffers: a tenth off a step on CPUs (glibc only, else ignored).
train: export GLIBC_TUNABLES ?= glibc.malloc.hugetlb=1
train: $(STAMP) ## set up, then train the default: ARGS="[recipe.py] [--field value ...]"
	$(BIN)/python -m ttjax.train $(ARGS)

# Quick tests run most of their code once: XLA is told not to optimise it.
test: export XLA_FLAGS ?= --xla_backend_optimization_level=0
test: check ## set up, then format, lint, types, quick tests, coverage floors
	$(BIN)/python -m pytest $(SPREAD) -m "not slow" --durations=10 --cov --cov-report= $(ARGS)
	@$(MAKE) --no-print-directory floor

test-all: check ## the same with the slow tests
	$(BIN)/python -m pytest $(SPREAD) --durations=10 --cov --cov-report= $(ARGS)
	@$(MAKE) --no-print-directory floor

check: $(STAMP) ## format, lint and types only
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright --pythonpath $(BIN)/python

floor:
	@for room in $(FLOORED); do \
	  case $$room in *.py) files=$$room;; *) files="$$room/*";; esac; \
	  percent=$$($(BIN)/coverage report --include="$$files" --format=total) || exit 1; \
	  echo "$$room: $$percent % covered"; \
	  test "$$percent" -ge $(FLOOR) || { \
	    echo "Each of these is covered to $(FLOOR) % at least: test $$room." >&2; exit 1; }; \
	done

format: $(STAMP) ## format and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

COMPILE = uv pip compile pyproject.toml -q --universal --no-header --no-annotate $(ARGS)
lock: ## renew requirements/ with uv: ARGS=--upgrade moves the versions
	$(COMPILE) --all-extras -o requirements/constraints.txt
	$(COMPILE) --generate-hashes --extra dev -o requirements/lock.txt
	$(COMPILE) --generate-hashes --extra dev --extra cuda12 -o requirements/lock-cuda12.txt

clean: ## remove the environment and what tools leave behind
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .coverage*

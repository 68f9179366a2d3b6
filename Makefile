# What a contributor and CI run. It needs git, make, bash and Python 3.11 or newer; `make` alone lists the targets.
#
# Two environments: .venv has an editable install and all tools, .venv-wheel has the built wheel and the test tools.
# The editable install is strict, a tree of links to the files there were: a file added or removed means a re-install,
# so the list of files is a prerequisite. Stamps live in build/, next to that tree, and go when it goes.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

# Set PYTHON to choose another interpreter, JOBS for more test processes, ARGS to add to the command line of pytest or a benchmark.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
JOBS ?= 2
ARGS ?=
# How often the crash tests of `make soak` kill and recover.
ROUNDS ?= 200
# STRICT=1 makes `make test` fail, and not only say so, when coverage is below its marks.
STRICT ?=

PY := .venv/bin/python
WHEEL_PY := .venv-wheel/bin/python
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
EDITABLE := --config-settings editable_mode=strict --editable

STAMPS := build/stamps
PRODUCT := api actors events projections
SOURCES := $(shell find $(PRODUCT) -type f -not -path '*/__pycache__/*' 2>/dev/null)
CODE := $(foreach d,tests benchmarks examples,$(if $(shell find $(d) -name '*.py' -print -quit 2>/dev/null),$(d)))
# The type checkers see the links of the editable install: say the file's own path.
OWN_PATHS := sed -E 's,[^ ]*build/[^ /]+/understudy/(actors|events|projections)/,\1/,; s,[^ ]*build/[^ /]+/understudy/,api/,'

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ------------------------------------------------------------------------------------------ what people run

.PHONY: demo
demo: $(STAMPS)/run ## Run the example of an order with a crash in the middle
	@$(PY) examples/orders/main.py

.PHONY: test
test: lint $(STAMPS)/wheel-installed ## Everything CI does: lint, build the wheel, test the installed wheel
	@rm -f .coverage .coverage.*
	UNDERSTUDY_TEST_WHEEL=1 $(WHEEL_PY) -P -m pytest -n $(JOBS) --dist worksteal --cov --cov-report= $(ARGS)
	@$(WHEEL_PY) tests/house/coverage_marks.py $(if $(STRICT),--strict)

.PHONY: test-fast
test-fast: $(STAMPS)/dev ## The tests on the source, without lint and without the slow ones
	$(PY) -P -m pytest -n $(JOBS) --dist worksteal -m 'not slow' $(ARGS)

.PHONY: check
check: lint test-fast ## Before a commit: lint and the fast tests

.PHONY: lint rules layout mypy pyright floors
lint: rules layout mypy pyright floors ## All judges of the code; make -k lint hears every one of them

rules: $(STAMPS)/dev
	$(PY) -m ruff check --quiet .

layout: $(STAMPS)/dev
	$(PY) -m ruff format --check --quiet .

mypy: $(STAMPS)/dev
	$(PY) -m mypy --no-error-summary -p understudy | $(OWN_PATHS)
	$(if $(CODE),$(PY) -m mypy --no-error-summary $(CODE))

pyright: $(STAMPS)/dev
	$(PY) -m pyright --warnings | $(OWN_PATHS)

floors: $(STAMPS)/dev
	.venv/bin/lint-imports --no-logo

.PHONY: format
format: $(STAMPS)/dev ## Format the code and apply the safe fixes
	$(PY) -m ruff check --fix --quiet . || true
	$(PY) -m ruff format .

.PHONY: bench
bench: $(STAMPS)/dev ## Run the benchmarks
	$(PY) benchmarks/run.py $(ARGS)

.PHONY: soak
soak: $(STAMPS)/dev ## The crash tests, many times over: make soak ROUNDS=1000
	UNDERSTUDY_CRASH_ROUNDS=$(ROUNDS) $(PY) -P -m pytest -m crash --timeout 7200 $(ARGS)

.PHONY: clean
clean: ## Remove the environments, builds and caches
	rm -rf .venv .venv-wheel build dist *.egg-info .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache \
		.import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ------------------------------------------------------------------------------------------ how it gets there

.PHONY: FORCE
FORCE:

.venv/pyvenv.cfg .venv-wheel/pyvenv.cfg:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name one with PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv --clear $(@D)

# Rewritten only when a file came or went, so that it is newer than the install exactly then.
$(STAMPS)/sources: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' $(sort $(SOURCES)) > $@.new
	@cmp --silent $@.new $@ && rm $@.new || mv $@.new $@

# What the demo needs: the product, linked, what it depends on, and rich, with which the demo prints.
$(STAMPS)/run: .venv/pyvenv.cfg pyproject.toml $(STAMPS)/sources
	@echo "Installing Understudy in .venv."
	@rm -rf build/__editable__*
	@$(PY) $(PIP_INSTALL) 'setuptools>=77'
	@$(PY) $(PIP_INSTALL) --no-build-isolation $(EDITABLE) '.[cli]'
	@cd build && ln -sfn __editable__* tree
	@touch $@

$(STAMPS)/tools: .venv/pyvenv.cfg pyproject.toml | $(STAMPS)/run
	@echo "Installing the tools in .venv; the first time takes a minute or two."
	@$(PY) $(PIP_INSTALL) --no-build-isolation $(EDITABLE) '.[dev]'
	@touch $@

$(STAMPS)/dev: $(STAMPS)/run $(STAMPS)/tools
	@touch $@

# The wheel comes from the source archive, so both are tested, and nothing left in build/ can slip in.
$(STAMPS)/wheel: $(STAMPS)/dev $(SOURCES) pyproject.toml $(wildcard README.md LICENSE)
	@rm -rf dist
	@$(PY) -m build --no-isolation --outdir dist . > build/wheel.log 2>&1 || { cat build/wheel.log >&2; exit 1; }
	@touch $@

$(STAMPS)/wheel-tools: .venv-wheel/pyvenv.cfg pyproject.toml | $(STAMPS)/wheel
	@echo "Installing the wheel and the test tools in .venv-wheel."
	@$(WHEEL_PY) $(PIP_INSTALL) "$$(echo dist/*.whl)[test,bench]"
	@touch $@

$(STAMPS)/wheel-installed: $(STAMPS)/wheel $(STAMPS)/wheel-tools
	@$(WHEEL_PY) $(PIP_INSTALL) --no-deps --force-reinstall dist/*.whl
	@touch $@

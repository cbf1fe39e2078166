# Two commands do everything: make demo, make test.
# Python 3.11 where there is one, which scikit-learn-extra needs; else one that has wheels of everything.
IS_FIT := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
PYTHON ?= $(shell for name in python3.11 python3.13 python3.12 python3.14 python3; do \
	$$name -c '$(IS_FIT)' 2>/dev/null && command -v $$name && break; done)
NEEDED := Python 3.11, 3.12, 3.13 or 3.14 is needed. Install one, or name it: make demo PYTHON=/path/to/python3.12
BIN := .venv/bin
PROGRAM := .venv/.program
STAMP := .venv/.installed
JS_STAMP := node_modules/.installed
READERS := .venv/.readers
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# Node.js is for developers only: it checks and tests the dashboard's JavaScript. Where it is
# missing these checks and tests are left out, unless CI=true says that nothing may be.
IS_NEW_NODE := const [major, minor] = process.versions.node.split("."); \
	process.exit(major > 18 || (major == 18 && minor >= 18) ? 0 : 1)
HAS_NODE = $(shell command -v npm >/dev/null 2>&1 && node -e '$(IS_NEW_NODE)' && echo yes)
LEFT_OUT = @echo "JavaScript tests and checks are left out: they need npm and Node.js 18.18 or newer." \
	>&2; test "$(CI)" != true

.PHONY: install install-js demo test test-js check check-js bench gpu

install: $(STAMP)

# What a user needs: the program as it is installed anywhere, without what tests and checks need.
$(PROGRAM): pyproject.toml constraints.txt
	$(if $(PYTHON),,$(error $(NEEDED)))
	@$(PYTHON) -c '$(IS_FIT)' || { echo 'make: $(NEEDED)' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(PIP_INSTALL) --only-binary :all: -e .
	touch $(PROGRAM)

$(STAMP): $(PROGRAM)
	$(PIP_INSTALL) --only-binary :all: -e '.[dev]'
	touch $(STAMP)

# Reads a coreset's Croissant form back in a test. One of its own dependencies is published as plain
# Python source, without a wheel, so that it stays out of the environment that users install.
$(READERS): $(STAMP)
	$(PIP_INSTALL) mlcroissant
	touch $(READERS)

install-js:
	$(if $(HAS_NODE),@$(MAKE) --no-print-directory $(JS_STAMP),$(LEFT_OUT))

$(JS_STAMP): package.json package-lock.json .npmrc
	npm ci --silent
	touch $(JS_STAMP)

demo: $(PROGRAM)
	$(BIN)/coreset-lens demo $(ARGS)

# One process for each processor, four at most; the tests of a file stay together.
test: install $(READERS) test-js
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

# The test runner comes with Node.js: nothing is installed.
test-js:
	$(if $(HAS_NODE),npm run --silent test,$(LEFT_OUT))

check: install check-js
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

check-js: install-js
	$(if $(HAS_NODE),npm run --silent check)

bench: install
	$(BIN)/python benchmarks/run_all.py

# All that a GPU is asked for, at most twelve minutes; ARGS=--smoke tries every part on a CPU.
gpu: install
	$(BIN)/python benchmarks/gpu.py $(ARGS)

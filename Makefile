# Two commands do everything: make demo, make test.
# Python 3.11 where there is one, which scikit-learn-extra needs; else one that has wheels of everything.
IS_FIT := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
PYTHON ?= $(shell for name in python3.11 python3.13 python3.12 python3.14 python3; do \
	$$name -c '$(IS_FIT)' 2>/dev/null && command -v $$name && break; done)
NEEDED := Python 3.11, 3.12, 3.13 or 3.14 is needed. Install one, or name it: make demo PYTHON=/path/to/python3.12
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: install demo test check bench

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(if $(PYTHON),,$(error $(NEEDED)))
	@$(PYTHON) -c '$(IS_FIT)' || { echo 'make: $(NEEDED)' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: \
		-c constraints.txt -e '.[dev]'
	touch $(STAMP)

demo: install
	$(BIN)/coreset-lens demo $(ARGS)

# One process for each processor, four at most; the tests of a file stay together.
test: install
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

bench: install
	$(BIN)/python benchmarks/run_all.py

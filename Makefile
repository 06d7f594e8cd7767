# `make demo` and `make test` need only Python 3.11+ with venv: all else they set up.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
  $$p -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
STAMP := .venv/.installed
# Nothing here reports to anybody.
QUIET := DO_NOT_TRACK=1 PREFECT_SERVER_ANALYTICS_ENABLED=false

# Where `make test-pythons` looks for a Python: in PATH, then among pyenv's.
find = $(firstword $(shell for p in python$(1) $$PYENV_ROOT/versions/$(1).*/bin/python$(1); do \
  $$p -c 'import ensurepip, venv' 2>/dev/null && echo $$p; done))
FAST := tests/architecture tests/data tests/providers tests/sandbox tests/flows

.PHONY: help demo test test-long test-pythons check lint types typings bench wheel constraints clean

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "batchwright needs Python 3.11 or newer with venv (Debian: apt install python3-venv); say which with make PYTHON=..."; exit 1; }
	@echo "Setting up .venv (once, about a minute) ..."
	$(call install,.venv,$(PYTHON))
	@# The tests start hundreds of processes. On all cores, which pip does not use.
	@$(BIN)/python -m compileall -q -j 0 $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') || true

.venv-%/.installed: pyproject.toml constraints.txt
	@echo "Setting up .venv-$* (once, about a minute) ..."
	$(call install,.venv-$*,$(call find,$*))

.PRECIOUS: .venv-%/.installed

define install
	@test -x $(1)/bin/python || $(2) -m venv $(1)
	@$(1)/bin/python -m pip install -qq --disable-pip-version-check --upgrade "pip>=25.1"
	@$(1)/bin/python -m pip install -qq --disable-pip-version-check --no-compile -c constraints.txt -e . --group dev
	@# Looks at Together's dialect of the sandbox; its command line wants an older rich.
	@$(1)/bin/python -m pip install -qq --disable-pip-version-check --no-compile -c constraints.txt --no-deps together detect-agent
	@touch $(1)/.installed
endef

## make demo         a table of emails becomes a typed table, offline and for nothing
demo: $(STAMP)
	@rm -rf demo && mkdir -p .cache
	@env -u PREFECT_API_URL $(QUIET) PREFECT_HOME=$(CURDIR)/.cache/prefect \
	PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS=180 \
	$(BIN)/batchwright run examples/emails.csv --sandbox \
	  --model gpt-5-mini --prompt "Classify this email: {{ email }}" \
	  --response-model examples/email_model.py:Classification \
	  --output demo/labels.csv --run-dir demo/run
	@echo
	@echo "demo/labels.csv (the answers are synthetic: no model was asked):"
	@$(BIN)/python examples/show_table.py demo/labels.csv

## make test         the test suite
test: $(STAMP)
	@$(QUIET) $(BIN)/python -m pytest -n auto --dist worksteal

## make test-long    what takes minutes: many kills, many rows
test-long: $(STAMP)
	@$(QUIET) $(BIN)/python -m pytest -m long --timeout 7200

## make test-pythons  the fast part of it, on each Python from 3.11 to 3.13 found here
test-pythons:
	@found="$(foreach v,$(filter-out $(EXCEPT),3.11 3.12 3.13),$(if $(call find,$v),test-python-$v))"; \
	test -z "$$found" && echo "No other Python is here." || $(MAKE) --no-print-directory $$found

test-python-%: .venv-%/.installed
	@echo "Python $*:"
	@$(QUIET) .venv-$*/bin/python -m pytest -q -n auto --dist worksteal $(FAST)

## make check        format, lint, types, tests
check: lint types test

lint: $(STAMP)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(STAMP) typings
	@$(BIN)/mypy -p batchwright

# The package under its name, for mypy.
typings:
	@rm -rf .typings && mkdir -p .typings/batchwright
	@for name in *.py py.typed console data flows models providers runs sandbox tasks; do \
	  ln -s ../../$$name .typings/batchwright/; done

## make bench        measure against peers and limits, into benchmarks/RESULTS.md
bench: $(STAMP)
	@$(QUIET) $(BIN)/python benchmarks/run_all.py

## make wheel        build sdist and wheel into dist/
wheel: $(STAMP)
	@rm -rf build dist
	@$(BIN)/python -m build --quiet

## make constraints  pin what is installed now (in the oldest Python, which needs most)
constraints: $(STAMP)
	@$(BIN)/python -m pip freeze --exclude-editable | grep '==' > constraints.txt

clean:
	@rm -rf .venv .venv-3.* .cache build dist demo .typings *.egg-info

# `make demo` and `make test` need only Python 3.11+ with venv: all else they set up.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
  $$p -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
STAMP := .venv/.installed
# Nothing here reports to anybody.
QUIET := DO_NOT_TRACK=1 PREFECT_SERVER_ANALYTICS_ENABLED=false

.PHONY: help demo test test-long check lint types bench wheel constraints clean

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "batchwright needs Python 3.11 or newer with venv (Debian: apt install python3-venv); say which with make PYTHON=..."; exit 1; }
	@echo "Setting up .venv (once, about a minute) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e . --group dev
	@$(BIN)/python -m compileall -q $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') || true
	@touch $@

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
	@$(QUIET) $(BIN)/python -m pytest -n auto --dist loadgroup

## make test-long    what takes minutes: many kills, many rows
test-long: $(STAMP)
	@$(QUIET) $(BIN)/python -m pytest -m long --timeout 7200

## make check        format, lint, types, tests
check: lint types test

lint: $(STAMP)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(STAMP)
	@rm -rf .typings && mkdir -p .typings/batchwright
	@for name in *.py py.typed console data flows models providers runs sandbox tasks; do \
	  ln -s ../../$$name .typings/batchwright/; done
	@$(BIN)/mypy -p batchwright

## make bench        measure against peers and limits, into benchmarks/RESULTS.md
bench: $(STAMP)
	@$(QUIET) $(BIN)/python benchmarks/run_all.py

## make wheel        build sdist and wheel into dist/
wheel: $(STAMP)
	@rm -rf build dist
	@$(BIN)/python -m build --quiet

## make constraints  pin what is installed now
constraints: $(STAMP)
	@$(BIN)/python -m pip freeze --exclude-editable | grep '==' > constraints.txt

clean:
	@rm -rf .venv .cache build dist demo .typings *.egg-info

# Everything a developer runs, from a bare checkout with git, make and Python 3.11 to 3.13. `make` alone lists it.
#
# PYTHON=…  the interpreter that `.venv` is made from (default: the first of CANDIDATES that works)
# UV=…      the uv that `make lock` calls
# ARGS=…    more arguments for the command behind demo, test, test-clients, test-browser, bench and lock

PYTHON ?=
UV     ?= uv
ARGS   ?=
# Where the browser's tests put a picture of every page, for people to look at.
BROWSER_SCREENSHOTS ?= build/screenshots

CANDIDATES := $(if $(PYTHON),$(PYTHON),python3.11 python3.12 python3.13 python3)
VENV       := .venv
RUN        := $(VENV)/bin/python
PIP        := $(RUN) -m pip --disable-pip-version-check --no-input --quiet
LOCKED     := $(VENV)/.locked
READY      := $(VENV)/.ready
CODE       := src tests benchmarks migrations

export PYTHONUTF8 = 1
# Snapshots are compared, not written; to write them: make test ARGS="-n 0 --inline-snapshot=fix tests/scenarios"
export INLINE_SNAPSHOT_DEFAULT_FLAGS ?= disable

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo test test-clients test-browser check check-format lint types imports format docs bench lock

help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Create .venv and install the locked packages and Daycount itself into it
	@echo "$(VENV) is ready: $$($(RUN) -V), $$($(VENV)/bin/daycount --version 2>/dev/null || echo daycount)"

demo: $(READY) ## Start a private server and play the per-seat pricing story on it
	@$(VENV)/bin/daycount demo $(ARGS)

test: $(READY) ## Run the tests (all but those that need Node or a browser)
	@$(RUN) -m pytest -n 2 --dist loadfile --no-loadscope-reorder --ignore=tests/clients --ignore=tests/browser $(ARGS)

test-clients: $(READY) ## Run the published API clients against a server (needs Node)
	@$(RUN) -m pytest tests/clients $(ARGS)

test-browser: $(READY) ## Go through the pages in Chromium and keep pictures of them (needs Chromium)
	@BROWSER_SCREENSHOTS=$(BROWSER_SCREENSHOTS) $(RUN) -m pytest -n 2 --dist worksteal tests/browser $(ARGS)

check: check-format lint types imports test ## The one gate: format, lint, types, imports, tests

check-format: $(READY)
	@echo "== format"
	@$(RUN) -m ruff format --check --quiet $(wildcard $(CODE)) || { echo "not formatted; run: make format"; exit 1; }

lint: $(READY)
	@echo "== lint"
	@$(RUN) -m ruff check --quiet $(wildcard $(CODE))

types: $(READY)
	@echo "== types"
	@$(RUN) -m mypy

imports: $(READY)
	@echo "== imports"
	@$(VENV)/bin/lint-imports --no-logo

format: $(READY) ## Format the code and apply the fixes that are safe
	@$(RUN) -m ruff check --quiet --fix-only $(wildcard $(CODE))
	@$(RUN) -m ruff format $(wildcard $(CODE))

docs: $(READY) ## Write the documents as a site of files to build/docs
	@mkdir -p build && $(VENV)/bin/daycount openapi dump > build/openapi.json
	@$(RUN) -m daycount.docsite build/docs build/openapi.json
	@echo "build/docs/index.html"

bench: $(READY) ## Measure ingest, usage, billing and pages as ratios to limits of this machine
	@$(RUN) -m benchmarks $(ARGS)

lock: ## Resolve requirements/*.in into hashed locks (needs uv; ARGS=--upgrade for newer versions)
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: install it, or name it with UV=path/to/uv"; exit 1; }
	@for name in runtime dev; do \
	  echo "resolving requirements/$$name.in"; \
	  $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	    $(ARGS) --output-file requirements/$$name.txt requirements/$$name.in || exit 1; \
	done

# The locked packages. Runs again when the lock changes. Version managers put shims on the path that exist and fail,
# so a candidate counts only if it runs and can make environments.
$(LOCKED): requirements/dev.txt
	@if ! $(RUN) -c 'import pip' 2>/dev/null; then \
	  for candidate in $(CANDIDATES); do \
	    if $$candidate -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; then \
	      found=$$candidate; break; \
	    fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "No Python 3.11, 3.12 or 3.13 with the venv module works among: $(CANDIDATES)"; \
	    echo "Install one (on Debian also its -venv package), or name it: make setup PYTHON=/path/to/python3.12"; \
	    exit 1; \
	  fi; \
	  echo "creating $(VENV) with $$($$found -V)"; \
	  $$found -m venv --clear $(VENV); \
	fi
	@echo "installing $$(grep -c '^[a-z].*==' requirements/dev.txt) locked packages"
	@$(PIP) install --require-hashes --requirement requirements/dev.txt
	@touch $@

# Daycount itself, editable. Runs again when its metadata changes; needs no index.
$(READY): $(LOCKED) pyproject.toml
	@echo "installing daycount, editable"
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@

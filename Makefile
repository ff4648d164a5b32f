# Needs Python 3.11 or later and make, nothing else: Node, the AWS CDK and a local AWS come along.
# `make help` lists the targets.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMPS := $(VENV)/.stamps
DATA   := .pipeline/data
# Older versions of the contract standard, of which `pipeline check` has the JSON Schemas.
ODCS   := v3.0 v3.1
# Tests of a deployed stack mostly wait, so the others run beside them, in processes of their own
# that have none of their open connections.
DEPLOYED := tests/end_to_end tests/faults
BESIDE   := unit handlers browser
# Two halves, one for each of two processors.
QUICK    := quick-one quick-other
quick-one:   EXPERIMENTS := table jsonl validators
quick-other: EXPERIMENTS := special large scale start small_files
# The browser that looks at the console's pages: a command line's or an environment's, else PATH's.
CHROMIUM ?= $(shell for name in chromium chromium-browser google-chrome; do command -v $$name && break; done)
TIERS    := test-deployed $(BESIDE:%=test-%) test-rest

# Tools of the virtual environment first, so that `node`, `npm` and `cdk` are the pinned ones.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup run test $(TIERS) browser coverage lint format check docs dashboard screenshots audit bench bench-quick $(QUICK) figures reliability stop clean
.SILENT:
.DELETE_ON_ERROR:

help: ## List the targets
	awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: setup ## Start the local cloud, deploy, and send a real file through the pipeline
	$(BIN)/pipeline samples >/dev/null
	$(BIN)/pipeline run $(DATA)/flights.csv --dataset flights; ended=$$?; \
	[ $$ended -gt 1 ] || { \
		report=$$($(BIN)/pipeline report last) && echo "Read its report: $$report"; \
	}; exit $$ended

test: browser setup lint $(STAMPS)/datacontract $(STAMPS)/checkov ## Lint, type-check and run every test, end to end ones included
	$(MAKE) --no-print-directory --jobs=3 --output-sync=target $(TIERS)

test-deployed:
	$(BIN)/python -m pytest $(DEPLOYED)

$(BESIDE:%=test-%): test-%:
	$(BIN)/python -m pytest tests/$*

test-rest:
	$(BIN)/python -m pytest tests $(DEPLOYED:%=--ignore=%) $(BESIDE:%=--ignore=tests/%)

# By itself, for it doubles the time of what it watches.
coverage: setup ## Hold the unit and handlers tiers' coverage of functions/ and pipeline/ to its limit
	rm -f .coverage*
	$(BIN)/python -m pytest --cov --cov-report=term tests/unit tests/handlers

browser:
	[ -n "$(CHROMIUM)" ] || { \
		echo "The tests of the console need Chromium. On Debian and Ubuntu:" \
			"apt-get install chromium fonts-dejavu-core. Elsewhere, name it:" \
			"make test CHROMIUM=/path/to/chromium" >&2; exit 1; }

lint: setup ## Lint and type-check
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check . || { echo "Formatting differs: make format" >&2; exit 1; }
	$(BIN)/mypy --no-error-summary

format: setup ## Format the code
	$(BIN)/ruff check --quiet --fix-only .
	$(BIN)/ruff format --quiet .

check: setup ## Check the datasets' contracts and steps
	$(BIN)/pipeline check

docs: setup ## Make the reference of docs/datasets.md anew
	$(BIN)/python -m tests.words

audit: setup $(STAMPS)/audit ## Look what is shipped and what it is developed with up among known vulnerabilities
	$(BIN)/python -m infra.packaging.audit $(VENV)/share/audit/bin/pip-audit \
		$(wildcard requirements/layer-*.txt) requirements/dev.txt requirements/audit.txt

dashboard: setup ## Draw docs/dashboard.png from the dashboard's definition and a simulated day
	$(BIN)/python -m tests.dashboard

screenshots: browser setup ## Take the pictures of docs/console.md and README.md from a real console
	$(BIN)/python -m tests.browser

bench: setup $(STAMPS)/bench ## Measure beside what it could be replaced with, and write docs/performance.md
	$(BIN)/python -m benchmarks

bench-quick: setup $(STAMPS)/bench ## The same on small files, once: only whether all systems make the same rows
	$(MAKE) --no-print-directory --jobs=2 $(QUICK)

$(QUICK):
	$(BIN)/python -m benchmarks --quick --experiment $(EXPERIMENTS) >/dev/null

figures: setup ## Record what the stages take in figures that a test holds them to
	$(BIN)/python -m benchmarks.stable_figures --record tests/benchmarks/stable_figures.json

reliability: setup ## Inject faults into the deployed pipeline, and write docs/reliability.md
	$(BIN)/python -m tests.faults

stop: ## Stop the local cloud
	if [ -x $(BIN)/pipeline ]; then $(BIN)/pipeline down; fi

clean: stop ## Stop the local cloud and remove everything that was made here
	rm -rf $(VENV) node_modules .build .pipeline cdk.out .coverage* \
		.pytest_cache .mypy_cache .ruff_cache .hypothesis

setup: $(STAMPS)/python $(STAMPS)/node ## Install everything (implied by the others; does nothing twice)

# A virtual environment does not survive a move of the project or of its interpreter: its stamp
# says where it was made, and one that does not fit makes it, and all that depends on it, anew.
VENV_FITS := $(shell [ "$$(cat $(STAMPS)/venv 2>/dev/null)" = "$(CURDIR)" ] \
	&& $(BIN)/python -c '' 2>/dev/null && echo yes)
ifneq ($(VENV_FITS),yes)
.PHONY: $(STAMPS)/venv
endif

$(STAMPS)/venv:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or later is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
			"Name another one: make PYTHON=/path/to/python3.13" >&2; exit 1; }
	echo "Creating $(VENV)"
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV) || { \
		echo "Could not create $(VENV). On Debian and Ubuntu: apt-get install python3-venv" >&2; \
		rm -rf $(VENV); exit 1; }
	mkdir -p $(STAMPS)
	printf '%s' "$(CURDIR)" > $@

# pip only brings uv, in the version and with the hashes of the lock file; uv does the rest.
$(STAMPS)/python: requirements/dev.txt $(ODCS:%=requirements/odcs-%.txt) pyproject.toml $(STAMPS)/venv
	echo "Installing the Python packages"
	awk '/^uv==/ { on = 1 } on; on && !/\\$$/ { exit }' requirements/dev.txt > $(STAMPS)/uv.txt
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r $(STAMPS)/uv.txt
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	for version in $(ODCS); do \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes \
			--target $(VENV)/share/odcs/$$version -r requirements/odcs-$$version.txt || exit 1; \
	done
	touch $@

# Tools whose pins are not ours have environments of their own: the contract standard's command line,
# the template's checks, the look-up of vulnerabilities, what the benchmarks compare with.
TOOLS := datacontract checkov audit bench
$(TOOLS:%=$(STAMPS)/%): $(STAMPS)/%: requirements/%.txt $(STAMPS)/python
	echo "Installing $*"
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)/share/$*
	$(BIN)/uv pip sync --quiet --python $(VENV)/share/$*/bin/python --require-hashes $<
	touch $@

$(STAMPS)/node: package.json package-lock.json $(STAMPS)/python
	echo "Installing the AWS CDK command line and the console's libraries"
	$(BIN)/npm ci --loglevel=error --no-audit --no-fund >/dev/null
	touch $@

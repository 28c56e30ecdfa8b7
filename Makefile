# Everything a developer runs. `make demo` and `make test` set up what they need by themselves.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test check lint types contracts unit e2e crash peers pictures bench docs lock clean

help: ## what can be made here
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

$(READY): locks/runtime.txt locks/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Shipmate needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Say which: make setup PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "This Python cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Setting up $(VENV) (once, about a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r locks/runtime.txt -r locks/dev.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(READY) ## a virtual environment with the locked dependencies

demo: $(READY) ## start everything with a sandbox company and open a chat
	@$(BIN)/shipmate demo

# By file, since a file's tests share what they start; groups by mark are not honoured by pytest 9.2 with xdist 3.8.
# More at a time than there are cores, since many wait for the processes that they started.
test: $(READY) ## all tests that need nothing beyond wheels
	$(BIN)/python -m pytest -m "not e2e and not crash and not peers" -n 3 --dist loadfile

check: lint types contracts unit ## static checks and in-memory tests, under a minute

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

contracts: $(READY)
	$(BIN)/lint-imports

unit: $(READY)
	$(BIN)/python -m pytest -q -n 2 -m "not wheels and not e2e and not crash and not peers"

e2e: $(READY) ## the slow and the root-needing tests
	$(BIN)/python -m pytest -m e2e -n 2 --dist loadfile

# The programs are fetched first; what they serve is then met in a network of its own, since some bind every interface.
peers: $(READY) build/peers/.fetched ## meet independent programs from npm: two Slacks, Slack's own types, and a Claude
	@if unshare -Urn true 2>/dev/null; \
	then unshare -Urn sh -c 'ip link set lo up && exec $(BIN)/python -m pytest -q -n 2 --dist loadfile -m peers'; \
	else echo "No network of its own can be made here, so the peers listen where they like."; $(BIN)/python -m pytest -q -n 2 --dist loadfile -m peers; fi

pictures: $(READY) build/peers/.fetched ## every Slack card as it looks, in build/pictures
	$(BIN)/python -m tests.peers.slack.pictures

build/peers/.fetched: tests/peers/package.json
	@mkdir -p build/peers && cp tests/peers/package.json build/peers/
	@npm install --prefix build/peers --no-package-lock --no-audit --no-fund --silent && touch $@ \
	  || echo "npm did not fetch the peers; their tests are skipped"

bench: $(READY) ## the benchmarks, as ratios within one run
	$(BIN)/python -m tests.bench

crash: $(READY) ## end processes in the midst of their work, at many moments
	$(BIN)/python -m pytest -m crash -n 2 --dist loadfile

docs: $(READY) ## write the generated reference anew
	$(BIN)/shipmate docs > docs/actions.md.new && mv docs/actions.md.new docs/actions.md
	$(BIN)/shipmate config schema > docs/shipmate.schema.json.new && mv docs/shipmate.schema.json.new docs/shipmate.schema.json
	$(BIN)/shipmate playbook schema > docs/playbook.schema.json.new && mv docs/playbook.schema.json.new docs/playbook.schema.json

lock: ## pin every dependency anew (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet -o locks/runtime.txt
	uv pip compile --group dev -c locks/runtime.txt --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet -o locks/dev.txt

clean: ## remove what was set up
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build

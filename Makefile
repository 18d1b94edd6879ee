# Pocketlake's tasks. Everything they install lives in .venv here or under $XDG_CACHE_HOME/pocketlake.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
WORKERS ?= $(shell expr 2 \* $$(getconf _NPROCESSORS_ONLN))  # many tests wait for servers that start, or are killed

.PHONY: help setup lint test demo bench conformance faults models clients clean

help:
	@echo "make setup        make .venv and install everything into it"
	@echo "make test         lint and all tests (some minutes)"
	@echo "make lint         ruff (format and rules) and mypy"
	@echo "make demo         a year of flights through the lake (about a minute)"
	@echo "make bench        against moto and ministack (QUICK=1: some minutes)"
	@echo "make conformance  moto's public test suite (all, or SERVICES=kinesis,s3,...)"
	@echo "make faults       twenty rounds of kill -9 under load (POCKETLAKE_FAULT_ROUNDS=n)"
	@echo "make models       queues and tables against their models, 100,000 steps each (up to an hour)"
	@echo "make clients      third-party clients, each in its own environment"

setup: .venv/stamp

.venv/stamp: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Pocketlake needs Python 3.11 or later; none is on PATH (or set PYTHON=...)."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[client,demo,test,lint]'
	@touch $@

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

test: lint
	$(BIN)/pytest -n $(WORKERS) --dist loadfile

demo: setup
	$(BIN)/pocketlake demo

bench: setup
	$(BIN)/python -m benchmarks.run $(if $(QUICK),--quick)

conformance: setup
	$(BIN)/python -m scripts.conformance $(if $(SERVICES),--services $(SERVICES))

faults: setup
	POCKETLAKE_FAULT_ROUNDS=$${POCKETLAKE_FAULT_ROUNDS:-20} $(BIN)/pytest tests/faults --timeout=1200

models: setup
	POCKETLAKE_SLOW=1 $(BIN)/pytest -s tests/services/sqs/test_model.py tests/services/dynamodb/test_model.py

clients: setup
	$(BIN)/python -m scripts.clients
	POCKETLAKE_CLIENTS=1 $(BIN)/pytest tests/clients -rs

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build

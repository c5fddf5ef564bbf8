# Every target makes what it needs first: a fresh clone needs only Python 3.11 or later and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CORPUS ?= build/samples
# Programs of the system that tests and benchmarks hold ours against; those that need them are
# skipped where there is no way to install them.
PEERS := $(if $(shell command -v tesseract),,tesseract-ocr) $(if $(shell command -v pdftotext),,poppler-utils)
PEERS += $(if $(wildcard /usr/lib/postgresql/*/bin/initdb)$(shell command -v initdb),,postgresql)
PEERS += $(if $(shell command -v chromium || command -v chromium-browser || command -v google-chrome),,chromium)
# Language data that the tests read with; `ocrloom languages add` gets it on other systems.
PEERS += $(foreach code,eng vie rus ell heb ara,$(if $(wildcard /usr/share/tesseract-ocr/*/tessdata/$(code).traineddata),,tesseract-ocr-$(code)))

.PHONY: help demo test check format bench samples peers clean

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

$(VENV)/.pip:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	touch $@

$(VENV)/.demo: $(VENV)/.pip pyproject.toml
	$(BIN)/python -m pip install --quiet --editable . --group samples
	touch $@

$(VENV)/.dev: $(VENV)/.pip pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[server,ray]" --group dev
	touch $@

$(VENV)/.bench: $(VENV)/.pip pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[server,ray]" --group bench
	touch $@

build/samples/.made: $(wildcard samples/*.py) | $(VENV)/.demo
	$(BIN)/python samples/make_samples.py build/samples
	touch $@

samples: $(VENV)/.demo build/samples/.made ## Draw the sample pages into build/samples

demo: $(VENV)/.demo build/samples/.made ## Install, draw a scan and print the text of it
	$(BIN)/ocrloom read build/samples/letter.tif

peers:
ifneq ($(strip $(PEERS)),)
	(apt-get update && apt-get install --yes $(PEERS)) >/dev/null 2>&1 || echo "not installed: $(PEERS)" >&2
endif

test: $(VENV)/.dev peers ## Run all tests
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(VENV)/.dev ## Lint, check formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev ## Mend what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.bench build/samples/.made peers ## Run beside the peers; CORPUS=folder, default the samples
	$(BIN)/python -m benchmarks accuracy $(CORPUS)
	$(BIN)/python -m benchmarks speed $(CORPUS)
	$(BIN)/python -m benchmarks lag $(CORPUS)
	$(BIN)/python -m benchmarks stopping $(CORPUS)
	$(BIN)/python -m benchmarks profile $(CORPUS)
	$(BIN)/python -m benchmarks exports $(CORPUS)
	$(BIN)/python -m benchmarks searchable $(CORPUS)
	$(BIN)/python -m benchmarks scaling $(CORPUS)
	$(BIN)/python -m benchmarks memory $(CORPUS) --calls 100,1000 --pages 400
	$(BIN)/python -m benchmarks cluster $(CORPUS) --pages 12

clean: ## Remove what the other targets made
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

# Everything a person runs. A machine needs Python 3.11 and make, nothing else.
#   make run      the product with its demo on http://127.0.0.1:8000 (PORT=, DATA_DIR=, DEMO=0 for an empty one)
#   make test     the suite on SQLite; with DATABASE_URL and REDIS_URL set, on PostgreSQL and Redis
#   make chaos    1,000 runs while processes are killed and the platform misbehaves; nothing lost, nothing doubled
#   make lint     style, types, layers, templates, migrations, translations

PYTHON ?= python3
PORT ?= 8000
DATA_DIR ?= .local
DEMO ?= 1
CHROMIUM ?= /usr/bin/chromium
export CHROMIUM

BIN := .venv/bin
RUNTIME := .venv/.runtime-installed
DEVELOPMENT := .venv/.development-installed
MESSAGES := $(patsubst %.po,%.mo,$(wildcard config/locale/*/LC_MESSAGES/django.po))
SOURCES := workspaces assistants messaging automations config

.PHONY: run test e2e lint messages screenshots bench chaos outages lock vendor icons

# Only here: the suite must not touch the running demo's data.
run: export PORT := $(PORT)
run: export DATA_DIR := $(DATA_DIR)
run: export DEMO := $(DEMO)
run: $(RUNTIME) $(MESSAGES)
	@$(BIN)/python manage.py collectstatic --noinput --verbosity 0
	@$(BIN)/python manage.py migrate --verbosity 0
	@$(BIN)/python manage.py createcachetable
	@if [ "$(DEMO)" != 0 ]; then $(BIN)/python manage.py demo_data; fi
	@exec $(BIN)/python -m config.supervisor web fast bulk clock emulator model

test: $(DEVELOPMENT) $(MESSAGES)
	$(BIN)/python -m pytest -q -n auto --dist loadgroup -m "not e2e" --ignore tests/e2e $(PYTEST_ARGS)

e2e: $(DEVELOPMENT) $(MESSAGES)
	BROWSER_TESTS=1 $(BIN)/python -m pytest -q tests/e2e $(PYTEST_ARGS)

lint: $(DEVELOPMENT) $(MESSAGES)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(SOURCES)
	$(BIN)/lint-imports
	git ls-files -z 'templates/*.html' '*/templates/*.html' | xargs -0 -r $(BIN)/djade --target-version 5.2 --check
	DJANGO_SETTINGS_MODULE=config.settings.test $(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m config.messages check

# Extracts with gettext (Debian: apt install gettext), then fails on what is fuzzy or not translated.
messages: $(DEVELOPMENT)
	$(BIN)/python -m config.messages extract
	$(BIN)/python -m config.messages check
	$(BIN)/pybabel -q compile -D django -d config/locale

screenshots: $(DEVELOPMENT) $(MESSAGES)
	$(BIN)/python -m tests.e2e.screenshots

bench: $(DEVELOPMENT) $(MESSAGES)
	$(BIN)/python -m tests.benchmarks

# RUNS=1000 SEED=7 (a seed repeats the order of kills and faults); with DATABASE_URL and REDIS_URL, there.
chaos: export RUNS := $(RUNS)
chaos: export SEED := $(SEED)
chaos: export CHAOS_RESULT := $(CHAOS_RESULT)
chaos: $(DEVELOPMENT) $(MESSAGES)
	@$(BIN)/python -m tests.chaos

# Database, broker, platform or cluster away for half a minute, a full disk; OUTAGES="database broker" for some.
outages: $(DEVELOPMENT) $(MESSAGES)
	@$(BIN)/python -m tests.chaos.outage $(OUTAGES)

# Needs uv. The lock files name no index, so any mirror will do.
COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url
lock:
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) --group pyproject.toml:dev -c requirements.lock -o requirements-dev.lock

vendor: $(RUNTIME)
	$(BIN)/python -m config.vendoring files

icons: $(RUNTIME)
	$(BIN)/python -m config.vendoring icons

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv

$(RUNTIME): requirements.lock | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(DEVELOPMENT): requirements-dev.lock $(RUNTIME)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

# Babel needs no system package, unlike msgfmt; it leaves fuzzy entries out.
%.mo: %.po $(RUNTIME)
	$(BIN)/pybabel -q compile -i $< -o $@ -l $(notdir $(patsubst %/LC_MESSAGES/,%,$(dir $<)))

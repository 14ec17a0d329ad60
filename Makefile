# make run and make test need nothing but python3 (3.11 or newer, with venv) and make.

PYTHON ?= python3
PORT ?= 8000
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py
# What is installed is what the lock files say: a stamp carries their checksum.
RUN := $(VENV)/run-$(shell cksum < requirements.txt | tr ' ' '-')
DEV := $(VENV)/dev-$(shell cksum < requirements-dev.txt | tr ' ' '-')

.PHONY: help setup run demo screenshots test test-sqlite test-postgresql check fuzz faults faults-redis fmt bench bench-api \
	bench-pages bench-staff lock worker beat clean

help:
	@echo "make run      run the portal here: http://localhost:$(PORT)/"
	@echo "make test     the whole suite, on SQLite and then on PostgreSQL"
	@echo "make check    format, lint, types, import order, migrations, settings"
	@echo "make fuzz     call the served API with what nobody should send: FUZZ_CASES=200 an operation"
	@echo "make faults   kill, race, restart and cut off everything while it pays, live made-up lives; FULL=1 at length"
	@echo "make faults-redis  kill and flush the broker while events are told; needs redis-server"
	@echo "make fmt      put the code into its format"
	@echo "make screenshots  pictures of every page, in var/screenshots/"
	@echo "make bench    measure how fast the policy is"
	@echo "make bench-api    measure the REST API beside the simplest views that would do"
	@echo "make bench-pages  measure the pages beside the REST API"
	@echo "make bench-staff  measure the staff pages over 100,000 contracts; CONTRACTS=1000 for fewer"
	@echo "make lock     write requirements*.txt anew from requirements*.in"
	@echo "make worker   production: pay, mail and look after things; make beat: the clock (run one)"

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed.")'
	$(PYTHON) -m venv $(VENV)

$(RUN): | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@rm -f $(VENV)/run-*; touch $@

$(DEV): | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@rm -f $(VENV)/run-* $(VENV)/dev-*; touch $(RUN) $@

setup: $(DEV)

demo: $(RUN)
	$(MANAGE) migrate --verbosity 0
	$(MANAGE) demo

run: $(RUN)
	$(MANAGE) migrate --verbosity 0
	$(MANAGE) collectstatic --noinput
	$(MANAGE) demo
	@exec $(MANAGE) serve --port $(PORT)

test: $(DEV)
	@sqlite=0; postgresql=0; \
	$(MAKE) --no-print-directory test-sqlite || sqlite=1; \
	$(MAKE) --no-print-directory test-postgresql || postgresql=1; \
	[ $$sqlite$$postgresql = 00 ]

screenshots: $(DEV)
	$(BIN)/pytest -q --db postgresql refundportal/portal/tests/screenshots.py refundportal/staff/tests/screenshots.py $(ARGS)

test-sqlite: $(DEV)
	@echo "== the suite on SQLite"
	$(BIN)/pytest -q -n $(JOBS) --db sqlite $(ARGS)

test-postgresql: $(DEV)
	@echo "== the suite on PostgreSQL"
	$(BIN)/pytest -q -n $(JOBS) --db postgresql $(ARGS)

check: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MANAGE) makemigrations --check --dry-run
	$(BIN)/python -m tests.production manage.py check --deploy --fail-level WARNING
	$(BIN)/pytest -q tests/test_architecture.py

fuzz: $(DEV)
	$(BIN)/python -m tests.fuzz $(ARGS)

faults: $(DEV)
	$(BIN)/python -m tests.faults $(ARGS)

faults-redis: $(DEV)
	$(BIN)/python -m tests.redis_away $(ARGS)

fmt: $(DEV)
	$(BIN)/ruff check --fix --exit-zero --quiet .
	$(BIN)/ruff format .

bench: $(DEV)
	$(BIN)/python -m benchmarks.bench_policy $(ARGS)

bench-api: $(DEV)
	$(BIN)/python -m benchmarks.bench_api $(ARGS)

bench-pages: $(DEV)
	$(BIN)/pytest -q --db postgresql -p no:randomly benchmarks/pages.py $(ARGS)

bench-staff: $(DEV)
	$(BIN)/pytest -q --db postgresql -p no:randomly benchmarks/staff.py $(ARGS)

LOCK := $(VENV)/lock/bin/uv pip compile --quiet --universal --no-strip-extras --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links

lock: | $(VENV)/bin/python
	$(BIN)/python -m venv $(VENV)/lock
	$(VENV)/lock/bin/pip install --quiet uv
	$(LOCK) $(ARGS) requirements.in -o requirements.txt
	$(LOCK) $(ARGS) requirements-dev.in -o requirements-dev.txt

worker: $(RUN)
	@exec $(BIN)/celery -A refundportal worker --loglevel INFO

beat: $(RUN)
	@exec $(BIN)/celery -A refundportal beat --loglevel INFO --schedule $${VAR_DIR:-var}/celerybeat-schedule

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

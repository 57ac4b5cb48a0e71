# `make help` lists the targets. Two commands do everything: `make run` and `make test`.
SHELL := /bin/bash
HOME_DIR ?= .vigilar
PORT ?= 49735
CHAOS_REPORT ?= .cache/chaos-storage.md
PAYLOADS ?= 100000
EVENTS ?= 10000000
RECORDINGS ?= 1000000
VENV := .venv/bin
PYTEST := $(VENV)/python -m pytest -q
NODE_PATH_DIR = $(shell deploy/scripts/setup.sh node-path)
# Frames that must come in time have a core for themselves, beside the browser's tests, which mostly wait. The browser's
# driver keeps an event loop running to the end, so its tests have a process of their own (tests/conftest.py).
FRAMES := $(foreach part,alarm_speed camera demo flapping playback record sub_stream mqtt_fuzz,$(wildcard tests/integration/test_$(part)*.py))
SERVICES := $(filter-out $(FRAMES),$(wildcard tests/integration/test_*.py))
PURE := tests/architecture tests/contract tests/unit
AT_ONCE := -n 2 --dist loadfile
IN_ORDER := -n 2 --dist loadgroup $(FRAMES) tests/chaos tests/e2e
# A library that waits for ever holds the interpreter, and pytest's own time limit with it; this one needs no interpreter.
NEVER_HANGS := -o faulthandler_timeout=400 -o faulthandler_exit_on_timeout=true
PACKAGES := $(wildcard libs/*/vigilar_*) $(wildcard services/*/vigilar_*)

.PHONY: help setup setup-test web run test test-full test-unit test-integration test-e2e test-compose chaos-storage chaos-house model-check check check-web format lint typecheck docs docs-write bench bench-storage bench-video bench-detector bench-identify bench-page screenshots up down

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: ## install what running needs and is missing
	@deploy/scripts/setup.sh run

setup-test: ## install what the tests need and is missing
	@deploy/scripts/setup.sh test

web: ## build the web page
	@deploy/scripts/setup.sh web

run: setup ## start everything here with a demo camera (HOME_DIR=, PORT=)
	@VIGILAR_DEMO_CACHE=.cache/demo-camera $(VENV)/vigilar demo --detect --home "$(HOME_DIR)" --port "$(PORT)"

test: setup-test check ## everything that must pass before a change is done, under 15 minutes on 2 cores
	$(PYTEST) $(NEVER_HANGS) -m "not slow and not compose" $(AT_ONCE) $(PURE) $(SERVICES)
	$(PYTEST) $(NEVER_HANGS) -m "not slow and not compose" $(IN_ORDER)

test-full: setup-test check ## the same with the slow tests and the containers
	@deploy/scripts/setup.sh full
	$(PYTEST) -m "not compose" $(AT_ONCE) $(PURE) $(SERVICES)
	$(PYTEST) -m "not compose" $(IN_ORDER)
	$(PYTEST) -m slow tests/formal
	$(MAKE) test-compose

test-unit: setup-test ## unit, contract and architecture tests
	$(PYTEST) -m "not slow" $(AT_ONCE) $(PURE)

test-integration: setup-test ## tests with a real broker, RTSP stream, push service
	$(PYTEST) -m "not slow" tests/integration

test-e2e: setup-test ## the whole stack and a real browser
	$(PYTEST) -m "not slow and not compose" tests/e2e

test-compose: setup-test ## the containers, healthy and walked through by the same browser
	$(PYTEST) -m compose tests/e2e

chaos-storage: setup-test ## faults in full, some hours: kills, outages, full and failing disks, power cuts (CHAOS_REPORT=)
	@mkdir -p "$(dir $(CHAOS_REPORT))"; echo "# Faults of $$(date -u +%F), $$(nproc) cores" >"$(CHAOS_REPORT)"
	VIGILAR_CHAOS_REPORT="$(abspath $(CHAOS_REPORT))" VIGILAR_CHAOS_KILLS=600 VIGILAR_CHAOS_OUTAGE_S=600 \
		VIGILAR_CHAOS_CUTS=1000 VIGILAR_CHAOS_FILLS=20 $(PYTEST) -m slow tests/chaos

chaos-house: setup-test ## attacks on the house in full, an hour or more: rights, hostile messages, PINs, sensor load (PAYLOADS=)
	VIGILAR_FUZZ_PAYLOADS="$(PAYLOADS)" $(PYTEST) -s -m slow tests/integration/test_acl.py tests/integration/test_mqtt_fuzz.py \
		tests/integration/test_pin_attack.py tests/integration/test_sensors_load.py tests/unit/events/test_pin_campaign.py

model-check: setup-test ## the two protocols in every order of their steps (docs/design/formal); some minutes
	@command -v spin gcc >/dev/null || { echo "the models are searched with: apt-get install spin gcc libc6-dev" >&2; exit 1; }
	$(PYTEST) -s -m slow tests/formal

check: ## linters, types, import rules, docs drift
	@$(MAKE) --no-print-directory -j2 typecheck check-web lint docs

check-web:
	@cd services/web/frontend && PATH="$(NODE_PATH_DIR)" npm run -s check

lint:
	@$(VENV)/ruff format --check -q .
	@$(VENV)/ruff check -q .
	@$(VENV)/lint-imports --no-cache >.cache/lint-imports.log || { cat .cache/lint-imports.log; exit 1; }

typecheck:
	@$(VENV)/mypy $(PACKAGES) tests

docs: ## fail when a generated page differs from the code
	@for module in $$(cat docs/reference/generators.txt); do $(VENV)/python -m $$module --check || exit 1; done

docs-write: ## write the generated pages anew
	@for module in $$(cat docs/reference/generators.txt); do $(VENV)/python -m $$module || exit 1; done

format: ## format the code
	@$(VENV)/ruff format -q .
	@$(VENV)/ruff check -q --fix .

bench: setup-test ## CPU, memory and latency, as a table
	$(VENV)/python -m tests.bench

bench-storage: setup-test ## storage alone: inserts, pages, seeks, encryption, verify, memory (EVENTS=, RECORDINGS=)
	@$(VENV)/python -m tests.bench storage "$(EVENTS)" "$(RECORDINGS)"

bench-video: setup-test ## one camera beside peers, many cameras, motion on ground truth, recording, live; half an hour
	@for name in video recorder live; do $(VENV)/python -m tests.bench $$name || missed=1; done; exit $${missed:-0}

bench-detector: setup-test ## the default model: ms per crop, crops a second, sixteen cameras, memory, idle
	@$(VENV)/python -m tests.bench detector

bench-identify: setup-test ## who is told from whom, faces and pets: true and false matches, ms, memory
	@$(VENV)/python -m tests.bench identify

bench-page: setup-test ## the first view on a throttled phone, by Lighthouse
	@cd tests/lighthouse && PATH="$(NODE_PATH_DIR)" npm ci --silent --ignore-scripts
	@PATH="$(NODE_PATH_DIR)" $(VENV)/python -m tests.bench page

screenshots: setup-test web ## a picture of every page, phone and desktop, light and dark, in docs/images/pages (kept out of git)
	VIGILAR_SCREENSHOTS=docs/images/pages $(PYTEST) -m slow tests/e2e/test_every_page.py

bench-web: setup-test ## seeks, cameras on one clock, scrubbing in a browser; 50 pages on the stream, a million events, memory
	@$(VENV)/python -m tests.bench web

up: ## containers: build and start (compose.yaml)
	docker compose up -d --build --wait

down: ## containers: stop
	docker compose down

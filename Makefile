# Everything a person or a machine runs here. `make` alone lists it.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
NATIVE := $(wildcard src/sterna/dataplane/_native/*.p[yx][xdi])
CONSOLE := src/sterna/server/console/index.html
CONSOLE_SOURCES := $(shell find console -type f -not -path 'console/node_modules/*' -not -name schema.d.ts)
API_SOURCES := $(wildcard src/sterna/server/api/*.py src/sterna/store/*records.py)

.DEFAULT_GOAL := help
.PHONY: help install servers console lint test demo bench-switch bench-endpoints bench-copy bench-verify bench-apply soak-apply soak-blobs soak-log soak-regroup soak-schemas soak-switch docs lock clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED)  ## Make .venv with everything pinned in requirements.txt

$(INSTALLED): requirements.txt pyproject.toml setup.py tools/system-packages $(NATIVE)
	tools/system-packages $(PYTHON)
	test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

servers: install  ## Fetch the MySQL, MariaDB and HAProxy versions the tests and the demo run
	tools/servers
	tools/sshd

console: $(CONSOLE)  ## Build the web console into the package; needs Node, which the console itself does not

$(CONSOLE): $(INSTALLED) tools/console tools/write_openapi.py $(CONSOLE_SOURCES) $(API_SOURCES)
	tools/console $(BIN)/python
	touch $@

lint: install  ## Check formatting, style, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: servers console lint  ## Run all tests on real servers; print sizes and the slowest tests
	tools/system-packages $(PYTHON) chromium pt-online-schema-change=percona-toolkit
	$(BIN)/pytest -n 3 --dist loadfile --durations=15

demo: servers console  ## Upgrade a small bank under load, switch over, roll back; KEEP=1 leaves it running
	$(BIN)/python -m demo

bench-copy: servers  ## Measure the copy beside mysqldump, mydumper and LOAD DATA; ROWS=3000000, or ALONE=1, or TABLES=10000
	tools/system-packages $(PYTHON) mydumper
ifdef TABLES
	$(BIN)/python -m bench.tables --tables $(TABLES)
else
	$(BIN)/python -m bench.copy --rows $(or $(ROWS),3000000) --wide-rows $(or $(WIDE_ROWS),1000000) $(if $(ALONE),--alone)
endif

bench-verify: servers  ## Measure the verification beside a plain checksum scan; ROWS=3000000
	$(BIN)/python -m bench.verify --rows $(or $(ROWS),3000000) --wide-rows $(or $(WIDE_ROWS),1000000)

bench-apply: servers  ## Measure applying beside MySQL's own replica
	$(BIN)/python -m bench.apply

soak-apply: servers  ## Kill a sync task's process at random moments, ROUNDS (500) times; compare each time
	$(BIN)/python -m tools.soak_apply --rounds $(or $(ROUNDS),500)

soak-blobs: servers  ## Copy and follow a BLOB of 500 MB and a transaction of 1 GB; needs 8 GB of memory
	LARGE_VALUE_MEGABYTES=$(or $(VALUE),500) LARGE_TRANSACTION_MEGABYTES=$(or $(TRANSACTION),1024) \
		$(BIN)/pytest tests/integration/test_large_values.py

soak-regroup: servers  ## Compare regrouped with one-by-one application, EXAMPLES (500) random histories
	REGROUP_EXAMPLES=$(or $(EXAMPLES),500) $(BIN)/pytest tests/integration/test_regroup.py

soak-log: servers  ## Follow one binary log file of more than 4 GB; needs 15 GB of disk
	$(BIN)/python -m tools.soak_large_log

soak-schemas: servers  ## Carry the schemas of nine Debian packages, with their rows, from every version
	SCHEMAS_ALL=1 $(BIN)/pytest -s tests/integration/test_package_schemas.py

soak-switch: servers  ## Break everything at every step of a switch; CLIENTS (200) ledgers; RESUME=1
	$(BIN)/python -m tools.soak_switch $(if $(RESUME),,--anew)
	EVERY_STEP=1 $(BIN)/pytest tests/acceptance/test_crash.py -k move
	CLIENTS=$(or $(CLIENTS),200) $(BIN)/pytest tests/acceptance/test_many_clients.py

bench-switch: servers  ## Measure the write outage of switchovers and rollbacks with 50 clients
	$(BIN)/python -m bench.switch

bench-endpoints: install  ## Measure the endpoints beside a plain HAProxy; SESSIONS=2000
	$(BIN)/python -m bench.endpoints --sessions $(or $(SESSIONS),2000)

docs: install  ## Write the generated pages of docs/reference anew
	$(BIN)/python -m tools.write_cli_reference docs/reference/cli.md
	$(BIN)/python -m tools.write_error_reference docs/reference/errors.md
	$(BIN)/python -m tools.write_outline_reference docs/reference/outline.md
	$(BIN)/python -m tools.write_precheck_reference docs/reference

lock:  ## Write requirements.txt anew from pyproject.toml
	$(PYTHON) -m venv build/lock
	build/lock/bin/pip install --quiet uv
	build/lock/bin/uv pip compile --quiet --upgrade --all-extras --generate-hashes --python-version 3.11 \
		--no-header --no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.txt

clean:  ## Remove what was built; the fetched servers stay
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src -name '*.so' -delete -o -name '*.egg-info' -prune -exec rm -rf {} +
	rm -f src/sterna/dataplane/_native/*.c
	rm -rf src/sterna/server/console console/node_modules console/src/api/schema.d.ts

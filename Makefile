# All tasks of the project. `make` lists them.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

root := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
python := $(root)/.venv/bin/python
uv := $(root)/.venv/bin/uv
sam := $(root)/.venvs/sam/bin/sam
node_tools := node_modules/.bin
scripts := eslint.config.js functions/serve_pages/vendored/*.js 'functions/serve_pages/static/**/*.js' 'tests/pages/*.js'
vendored := functions/serve_pages/static/vendor/oauth4webapi.js
bundle = $(node_tools)/esbuild functions/serve_pages/vendored/oauth4webapi.js --bundle --minify --format=esm \
	--target=es2022 --charset=utf8 --legal-comments=none --log-level=warning \
	--banner:js="// oauth4webapi $$(node -p 'require("oauth4webapi/package.json").version'), MIT license"
sources := $(shell find functions layers/common template.yaml -type f -not -path '*/__pycache__/*' 2>/dev/null)

# sam logs every step; the log is shown only when one fails
quietly = > .aws-sam/sam-build.log 2>&1 || { cat .aws-sam/sam-build.log >&2; exit 1; }

export SAM_CLI_TELEMETRY := 0
export UV_NO_PROGRESS := 1
export UV_PYTHON_DOWNLOADS := never

# You can set ARCHITECTURE and PARAMETERS: make deploy ARCHITECTURE=x86_64 PARAMETERS='BaseUrl=… EmailFrom=…'
ARCHITECTURE ?= arm64
PARAMETERS ?=
platform_arm64 := aarch64-manylinux2014
platform_x86_64 := x86_64-manylinux2014

.PHONY: help
help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: environments host ## run the whole product on this machine (PORT=…, STEPS=…, OPEN=…)
	@PORT="$(PORT)" STEPS="$(STEPS)" OPEN="$(OPEN)" $(python) -m tools.demo

.PHONY: test
test: environments host browser .venvs/clients/.made ## run every test, with full branch coverage of the product
	$(python) -m pytest -n 2 --dist loadgroup --cov --cov-report=term-missing:skip-covered --cov-fail-under=100

.PHONY: unit
unit: .venv/.made ## run the tests of the rules and of the API's parts, without a table or a stack (TESTS=… for others)
	@$(python) -m pytest -q -n 2 --hypothesis-profile=unit $(or $(TESTS),tests/domain tests/api)

.PHONY: screenshots
screenshots: environments host browser ## take the screenshots in docs/ again
	PICTURES=.local/screenshots $(python) -m pytest tests/stack/browser
	@for each in docs/screenshots/*.png; do cp .local/screenshots/"$${each##*/}" "$$each"; done

.PHONY: proof
proof: environments host browser .venvs/scan/.made ## run every proof in full and write PROOFS.md (ONLY=…, SEED=…)
	@$(python) -m tools.proof $(if $(ONLY),--only $(ONLY)) $(if $(SEED),--seed $(SEED))

.PHONY: soak
soak: .venv/.made ## compare random operations, jobs, clock jumps and faults with the model for half an hour (MINUTES=…, SEED=…)
	@seed=$(or $(SEED),$$RANDOM); echo "seed $$seed"; \
	MINUTES=$(or $(MINUTES),30) SEED=$$seed $(python) -m pytest -q -n 0 tests/proofs/model/test_long_life.py

.PHONY: mutate
mutate: .venv/.made ## change one expression of the rules and the store at a time and expect a test to fail (ONLY=…, SHARE=…, SEED=…)
	@$(python) -m tools.mutation functions $(if $(ONLY),--only $(ONLY)) $(if $(SHARE),--share $(SHARE)) $(if $(SEED),--seed $(SEED))

.PHONY: bench
bench: environments host .venvs/bench/.made ## measure the costs, compare them with targets and other stacks, write BENCHMARKS.md (ONLY=…)
	@$(python) -m tools.bench $(if $(ONLY),--only $(ONLY))

.PHONY: format
format: .venv/.made node_modules/.made ## format the code and fix what the linters can fix
	$(python) -m ruff format .
	$(python) -m ruff check --fix .
	$(node_tools)/eslint --fix $(scripts)
	$(node_tools)/prettier --write --log-level warn $(scripts)

.PHONY: check
check: .venv/.made .venvs/sam/.made node_modules/.made .local/api.d.ts ## check style, types, imports, template and API contract
	$(python) -m ruff format --check .
	$(python) -m ruff check .
	$(python) -m mypy
	$(node_tools)/prettier --check --log-level warn $(scripts)
	$(node_tools)/eslint --max-warnings 0 $(scripts)
	$(node_tools)/tsc
	$(bundle) | cmp - $(vendored)
	cmp node_modules/oauth4webapi/LICENSE.md $(vendored:.js=.LICENSE.md)
	PYTHONPATH=.:layers/common .venv/bin/lint-imports --no-logo
	$(sam) validate --lint --region us-east-1
	$(python) -m tools.language
	$(python) -m tools.routes --check
	$(python) -m tools.email_templates --check
	$(python) -m tools.openapi --check
	$(python) -m tools.wire --check
	$(python) -m tools.readme --check
	$(python) -m tools.documents --check

.PHONY: vendor
vendor: node_modules/.made ## write the library of the sign-in again, after a change of its version in package.json
	$(bundle) > $(vendored)
	cp node_modules/oauth4webapi/LICENSE.md $(vendored:.js=.LICENSE.md)

.PHONY: build
build: .venv/.made .venvs/sam/.made ## build the layer and the functions into .aws-sam/build (ARCHITECTURE=arm64 or x86_64)
	@echo 'building the layer and the functions for AWS on $(ARCHITECTURE)'
	@mkdir -p .aws-sam
	@export UV="$(uv)" LAYER_PLATFORM="$(platform_$(ARCHITECTURE))" LAYER_PYTHON; \
		LAYER_PYTHON="$$($(uv) python find --no-project 3.13)"; \
		$(sam) build --parallel --parameter-overrides Architecture=$(ARCHITECTURE) $(quietly)

.PHONY: deploy
deploy: build ## build, then deploy with samconfig.toml (PARAMETERS='BaseUrl=… EmailFrom=…')
	$(sam) deploy --parameter-overrides Architecture=$(ARCHITECTURE) $(PARAMETERS)

.PHONY: openapi
openapi: .venv/.made ## write the routes, openapi.json, docs/wire.json and the generated parts of the documents
	$(python) -m tools.routes
	$(python) -m tools.email_templates
	$(python) -m tools.openapi
	$(python) -m tools.wire
	$(python) -m tools.readme
	$(python) -m tools.documents

.PHONY: operation
operation: .venv/.made ## write the skeleton of a new operation (NAME=pause_link ROUTE='PUT /…')
	@$(python) -m tools.scaffold "$(NAME)" "$(ROUTE)"

.PHONY: clean
clean: ## remove everything that make and the tools created
	rm -rf .venv .venvs node_modules .aws-sam .local .hypothesis .schemathesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .coverage .coverage.* htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- prerequisites of the tasks ---

.PHONY: host
host: .aws-sam/host/.made

# The same recipe as `build`, for this machine and the interpreter of .venv. Tests and demo run the result.
.aws-sam/host/.made: $(sources) .venv/.made .venvs/sam/.made
	@mkdir -p .aws-sam
	@echo 'building the layer and the functions for this machine'
	@UV="$(uv)" LAYER_PLATFORM=host LAYER_PYTHON="$(python)" \
		$(sam) build --parallel --build-dir .aws-sam/host $(quietly)
	@touch $@

# Installs Chromium and a Japanese font for the tests of the pages, where they are missing and can be installed.
.PHONY: browser
browser:
	@[ -n "$$(type -P chromium chromium-browser google-chrome)" ] && [ -n "$$(fc-list :lang=ja 2> /dev/null)" ] && exit; \
		become=; [ "$$(id -u)" = 0 ] || become='sudo -n'; \
		echo 'installing Chromium and a Japanese font for the tests of the pages'; \
		{ type -P apt-get && $$become apt-get update -qq && \
			$$become apt-get install -qq --no-install-recommends chromium fonts-noto-cjk fontconfig; } > /dev/null 2>&1 || \
		echo 'NO BROWSER, or no Japanese font, is here or can be installed: without a browser the pages are NOT tested' >&2

.PHONY: environments
environments: .venv/.made .venvs/sam/.made .venvs/local/.made

# The newest interpreter that works. The first one on the PATH may be a shim without an interpreter.
find_python = $(shell for name in python3.13 python3.12 python3.11 python3; do \
	for each in $$(type -ap $$name); do \
		$$each -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && exit; \
	done; done)

# Rebuilt when its requirements change, so that it contains only what they name.
.venv/.made: requirements/uv.txt requirements/dev.txt
	@[ -n "$(find_python)" ] || { echo 'make: no Python of 3.11 or later, with venv, was found' >&2; exit 1; }
	@echo "making .venv with $(find_python)"
	rm -rf .venv && $(find_python) -m venv .venv
	$(python) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	VIRTUAL_ENV="$(root)/.venv" $(uv) pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

.venvs/%/.made: requirements/%.txt .venv/.made
	rm -rf .venvs/$* && $(python) -m venv --without-pip .venvs/$*
	VIRTUAL_ENV="$(root)/.venvs/$*" $(uv) pip install --quiet --require-hashes -r requirements/$*.txt
	@touch $@

# The tools for the scripts of the pages. Their versions are exact; a lock file would name a registry.
node_modules/.made: package.json
	@{ type -P node && type -P npm; } > /dev/null || { echo 'make: `make check` needs Node.js 20.19 or later and npm for the scripts of the pages' >&2; exit 1; }
	@echo 'installing the tools for the scripts of the pages'
	rm -rf node_modules
	npm install --engine-strict --ignore-scripts --no-package-lock --no-audit --no-fund --silent
	@touch $@

# The types of the API, for the scripts of the pages.
.local/api.d.ts: openapi.json node_modules/.made
	@mkdir -p .local
	@$(node_tools)/openapi-typescript openapi.json --output $@ > /dev/null 2>&1
	@touch $@

# Pins the requirements of the .in files again. `make lock UPGRADE=--upgrade` also takes newer versions.
.PHONY: lock
lock: .venv/.made
	for each in layers/common/requirements requirements/uv requirements/dev requirements/sam requirements/local \
		requirements/bench requirements/scan requirements/clients; do \
		$(uv) pip compile --quiet --universal --python-version 3.11 --generate-hashes $(UPGRADE) \
			--no-emit-index-url --no-annotate --no-header $$each.in --output-file $$each.txt; done

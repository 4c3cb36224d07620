# The one door. `make` alone prints the targets. `make run` and `make test` do their whole set-up themselves.
#
# Where the time of `make test` goes on two cores: see the lines `--- part: ok, N s` that it prints.
# Measured from a clean clone on 2026-11-22 (limit 10 minutes): 5 min 14 s = npm ci 15 s, SQLite addon 55 s, build 10 s,
# lint 24 s, tests 209 s (of which test/engine 150 s, test/sim and test/commands 35 s; files run two at a time).

.DEFAULT_GOAL := help
SHELL := /bin/sh
NODE ?= node
ARGS ?=
BIN := node_modules/.bin

.PHONY: help setup build lint format tidy test tap stress model verify bench bench-peers performance sim sim-planted fuzz run schemas schemas-check docs clean ci

help: ## Prints this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile

setup: ## Checks Node, installs missing system packages (as root) and the npm packages; quick when nothing changed.
	@.ci/setup test

build: ## Compiles src, test and bench to dist/, only what changed; fails on any type error.
	@.ci/setup run
	@$(NODE) .ci/prune.mjs
	@$(BIN)/tsc -b
	@chmod +x dist/main.js 2>/dev/null || true

lint: ## eslint at its strictest, prettier at 100 columns.
	@.ci/setup run
	@$(BIN)/eslint . --max-warnings 0
	@$(BIN)/prettier --check --log-level warn .

format: ## Lets prettier lay out every file.
	@.ci/setup run
	@$(BIN)/prettier --write --log-level warn .

tidy: build ## What tools do not know: the import table, words outside their rooms, headers, orphans.
	@$(BIN)/tap dist/test/architecture.test.js dist/test/tidy.test.js

test: ## Everything a change must pass: build, schemas-check, lint, all tests. Ends with the counts.
	@.ci/setup test
	@MAKE="$(MAKE)" .ci/test

tap: # The compiled tests (make test builds before); the report for .ci/count.mjs goes to dist/report.tap. CI=1: no redrawn screen.
	@CI=1 $(BIN)/tap --reporter=base --no-color --output-file=dist/report.tap $(ARGS)

bench: build ## Benches, e.g. make bench ARGS="ring --quick"; every case beside its rivals and its floor.
	@$(NODE) dist/bench/bench.js $(ARGS)

bench-peers: build ## The ring bench beside the LMAX Disruptor (Java) and Concurrency Kit (C) as well; installs them when root.
	@.ci/setup peers
	@$(NODE) dist/bench/bench.js ring $(ARGS)

performance: build ## Measures for some minutes and writes docs/performance.md and its plot; wants an idle machine.
	@.ci/setup peers
	@$(NODE) dist/bench/performance.js $(ARGS)

run: ## Trades on the embedded venue: dashboard on http://127.0.0.1:3000, ARGS="--for 20s --summary json" and the like.
	@.ci/setup run
	@$(NODE) .ci/prune.mjs
	@$(BIN)/tsc -b src
	@exec $(NODE) dist/main.js run $(ARGS)

schemas: ## Generates src/generated from schemas/*.fbs.
	@.ci/setup run
	@$(NODE) schemas/generate.mjs

schemas-check: ## Fails when src/generated is not what schemas/*.fbs say.
	@.ci/setup run
	@$(NODE) schemas/generate.mjs --check

docs: build ## Rewrites the pages that are made from the source: errors, configuration, metrics.
	@UPDATE_DOCS=1 $(NODE) dist/test/docs.test.js >/dev/null && echo 'docs/ is up to date'

clean: ## Removes what was built; data directories and node_modules stay.
	@rm -rf dist .tap

ci: ## Exactly what CI runs.
	@.ci/run

stress: build ## Races inside one ring operation, with real threads: minutes, not seconds (test/**/*.stress.ts).
	@set -e; for file in $$(find dist/test -name '*.stress.js'); do echo "$$file $(ARGS)"; $(NODE) $$file $(ARGS); done

model: ## Every interleaving of the ring and wake protocols, by Spin (installed when root); broken variants must be caught.
	@test/model/check.sh

sim: build ## Seeded worlds full of faults, e.g. make sim SEEDS=1000 SEED_FROM=1; a broken one prints the line that reproduces it.
	@SEEDS=$(or $(SEEDS),100) SEED_FROM=$(or $(SEED_FROM),1) SECONDS=$(or $(SECONDS),90) $(NODE) dist/test/sim/world.sim.js

sim-planted: build ## Plants bugs into a copy of the program and lives worlds until each is caught.
	@SEEDS=$(or $(SEEDS),1000) $(NODE) dist/test/sim/planted.sim.js

fuzz: build ## Mutated frames through each venue's feed, e.g. make fuzz FRAMES=1000000 SEED=1; prints what was wrong with which.
	@FRAMES=$(or $(FRAMES),1000000) SEED=$(or $(SEED),1) $(NODE) --expose-gc dist/test/venues/fuzz-run.js

verify: test stress model sim sim-planted fuzz ## The long proofs: every test, stress, models, worlds, planted bugs, fuzz.

# Everything this repository does, as targets; `make help` lists them.
#
# Beforehand a machine needs only make, rustup with Rust, Node and npm. Each target depends on the
# `setup-*` targets it needs, which install what is missing and cost a moment when nothing is.

# bash, not sh, for `pipefail`; and a recipe that goes through a shell sees the PATH set below,
# which make 4.3 does not promise for commands it starts by itself.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Variables, to be set on the command line or in the environment:
#   TOOLS_DIR  where the Rust tools of scripts/setup live (a cache per user, outside the repository)
#   PORT       the port of `make demo`; by default 8787, or any free one when that is taken
#   DB         the database of `make demo`, an SQLite file
#   S2         when set, `make demo` and `make load` keep all in S2 in place of a database, in `data/s2` or in a
#              folder that is gone afterwards
#   MODEL_URL  for `make demo`: where a model answers as OpenAI's do, e.g. http://127.0.0.1:11434/v1;
#              its key, if it needs one, comes from the environment variable MODEL_API_KEY
#   MODEL      the name of the model there
#   FUZZ_SECONDS  for `make fuzz`: how long to run each target
#   REPLAY     for `make fuzz`: one input that broke a target, to be run again instead
#   SEEDS      how many worlds `make simulate` lives through, 1,000,000 by default; SEED=k, one of them
#   VERSION    for `make release`: the version that is meant, to be held against Cargo.toml's
#   STREAMS, TURNS, SECONDS  for `make load`: open streams, turns a second, and for how long; BASE_URL, the
#              server to load, instead of one of its own
#   CI         when set, cargo refuses to change Cargo.lock
TOOLS_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/trigger-chat-transport/tools
PORT ?=
DB ?= data/demo.sqlite
S2 ?=
MODEL_URL ?=
MODEL ?=
FUZZ_SECONDS ?= 20
REPLAY ?=
VERSION ?=
LOCKED := $(if $(CI),--locked)

export TOOLS_DIR
export PATH := $(TOOLS_DIR)/bin:$(CURDIR)/node_modules/.bin:$(PATH)

WORKSPACES := js examples/chat examples/angular examples/svelte examples/vue tests/e2e tests/types benches
# Workspaces that hold packages in another version, and no TypeScript.
OTHER_WORKSPACES := tests/react-18 docs/api
MANIFESTS := package.json package-lock.json .npmrc \
	$(wildcard $(WORKSPACES:%=%/package.json) $(OTHER_WORKSPACES:%=%/package.json))
WASM := wasm32-unknown-unknown
# What the package is made of.
CRATES := trigger-chat-transport trigger-chat-tabs trigger-chat-base trigger-chat-stream

# The tests of the session server that S2 cannot be asked, each with its reason.
NOT_OVER_S2 := session-server/tests/not-over-s2.txt

.PHONY: help demo test test-s2 pictures package bench bench-check chaos matrix fixtures tabs load size api release deny \
	lint lint-rust lint-licences lint-js lint-types format test-rust test-rust-s2 simulate test-wasm test-js test-js-s2 \
	fuzz skips wasm setup setup-rust setup-tools setup-node setup-browser setup-fuzz setup-deny setup-s2 clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: package $(if $(S2),setup-s2) ## Build the demo page and the local session server, and serve both (PORT=… to choose, MODEL_URL=… MODEL=… for a model, S2=1 for two servers over S2)
	npm run --silent build -w examples/chat
	cargo build $(LOCKED) --quiet --release -p session-server
	@mkdir -p $(dir $(DB))
	@# In a terminal Ctrl-C goes to the server alone: make itself would end with an error.
	@if [[ -t 0 ]]; then set -m; fi; trap 'exit 0' INT; \
		$(if $(S2),node scripts/demo-s2.mjs --folder data/s2 $(if $(PORT),--port $(PORT)) --) \
		cargo run $(LOCKED) --quiet --release -p session-server -- --page examples/chat/dist \
		$(if $(S2),,$(if $(PORT),--port $(PORT),--any-port) --db $(DB)) \
		$(if $(MODEL_URL),--model-url '$(MODEL_URL)' $(if $(MODEL),--model '$(MODEL)'))

test: ## Run every check in order, as CI does; the last line counts the tests
	@MAKE="$(MAKE)" node scripts/test.mjs setup lint test-rust test-wasm package size test-js

# No part of `make test`: what it tests over takes minutes to compile, once.
test-s2: ## Run what rests on the session server's store once more, over S2, as CI does
	@S2=1 MAKE="$(MAKE)" node scripts/test.mjs setup-s2 test-rust-s2 test-js-s2

pictures: package setup-browser ## Take the pictures of the demo page in docs/pictures/
	npm run --silent build -w examples/chat
	node scripts/pictures.mjs

package: wasm ## Assemble the npm package in pkg/
	@node scripts/package.mjs

# No part of `make test`: times are noisy. Its limits are wide.
bench-check: package setup-browser ## Measure less, and fail where ours is far from where it was beside the published client
	@CHECK=1 npm run --silent bench -w benches

bench: package setup-browser ## Measure beside the published client, in Chromium (ROUNDS=… SEED=… ONLY=replay, longest-task, first-chunk, live, memory, startup or size; BROWSER=firefox for what can be measured there; PROFILE=1 for where our time goes)
	@npm run --silent bench -w benches

chaos: package setup-browser ## Run turns with faults by chance in a browser, each answer held byte for byte against the agent's (TURNS=200, SEED=… to choose, ENGINE=firefox or webkit for another than chromium, SOURCE=eventsource for answers by EventSource)
	@cd tests/e2e && TURNS=$${TURNS:-200} vitest run chaos/chaos.test.ts --disable-console-intercept

matrix: package setup-browser ## Hold conversations in Chromium with `useChat` of every AI SDK that matters, 5 to 7, in React 18 and 19 (minutes)
	@cd tests/e2e && MATRIX=all vitest run matrix/matrix.test.ts

fixtures: package setup-browser ## Build small apps with the packed package by each bundler, framework and test runner of docs/tools.md, and have conversations (minutes)
	@cd tests/e2e && FIXTURES=all vitest run fixtures.test.ts

tabs: package setup-browser ## Send from three tabs at the same moment in Chromium and Firefox, and all else that tabs do, beside the published client (ROUNDS=200)
	@cd tests/e2e && ROUNDS=$${ROUNDS:-200} vitest run tabs/tabs.test.ts --disable-console-intercept

# No part of `make test`, which has it in small. `ulimit`: each stream is an open file.
load: setup-rust $(if $(S2),setup-s2) ## Open many streams of the session server and have many turns a second (STREAMS=1000 TURNS=200 SECONDS=60, BASE_URL=… for a server that runs, S2=1 over S2)
	cargo build $(LOCKED) --quiet --release -p session-server --bins --example load
	@ulimit -n $$(ulimit -H -n); folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
		$(if $(S2),node scripts/with-s2.mjs --folder "$$folder" -- bash -c '"$$@" --s2 "$$S2_ENDPOINT"' load) \
		target/release/examples/load $(if $(STREAMS),--streams $(STREAMS)) $(if $(TURNS),--turns $(TURNS)) \
		$(if $(SECONDS),--seconds $(SECONDS)) $(if $(BASE_URL),--base-url '$(BASE_URL)',\
		--program target/release/session-server $(if $(S2),,--db "$$folder/load.sqlite"))

size: package ## Measure what a browser downloads against size-budget.json
	@node scripts/size.mjs

# It fails for what is exported without a word about it.
api: package ## Make the API reference of the package in target/api/
	@cd docs/api && node_modules/.bin/typedoc --logLevel Warn
	@echo "target/api/index.html has the API reference"

lint: lint-rust lint-licences lint-js lint-types api ## Check format, lints, licences, types and documentation

lint-rust: setup-rust ## Check the Rust code: rustfmt, clippy and the documentation, natively and for wasm32
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo fmt --manifest-path session-server/s2-lite/Cargo.toml --check
	cargo clippy $(LOCKED) --workspace --exclude wasm-tests --all-targets -- -D warnings
	@# Named, for it is run over S2 alone.
	cargo clippy $(LOCKED) -p session-server --test s2 -- -D warnings
	cargo clippy $(LOCKED) -p trigger-chat-transport --all-targets --features broken-rules -- -D warnings
	cargo clippy $(LOCKED) $(CRATES:%=-p %) --lib --target $(WASM) -- -D warnings
	cargo clippy $(LOCKED) -p wasm-tests --all-targets --target $(WASM) -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc $(LOCKED) --quiet --no-deps --workspace --exclude wasm-tests
	RUSTDOCFLAGS="-D warnings" cargo doc $(LOCKED) --quiet --no-deps -p trigger-chat-transport -p trigger-chat-tabs --target $(WASM)
	@# Nothing is linked here: naming a libFuzzer, be there one or not, saves compiling it.
	CUSTOM_LIBFUZZER_PATH=/dev/null \
		cargo clippy $(LOCKED) --manifest-path fuzz/Cargo.toml --target-dir target -- -D warnings

# `make deny` in small: what it says of licences, without its tool.
lint-licences: setup-rust setup-node ## Check the licences of the crates against deny.toml
	@node scripts/licences.mjs

lint-js: setup-node ## Check the TypeScript code: format and lints
	biome check --error-on-warnings

# The glue's types come from the wasm build, the package's own from pkg/: hence `package`.
lint-types: package ## Check the TypeScript code: types
	@for project in src/browser $(WORKSPACES); do echo "tsc -p $$project"; tsc --noEmit -p $$project; done

format: setup-rust setup-node ## Format everything, and apply the safe fixes of the linter
	cargo fmt --all
	cargo fmt --manifest-path fuzz/Cargo.toml
	cargo fmt --manifest-path session-server/s2-lite/Cargo.toml
	biome check --write

test-rust: setup-rust ## Run the native Rust tests
	cargo test $(LOCKED) --workspace --exclude wasm-tests
	cargo test $(LOCKED) -p trigger-chat-transport --features broken-rules --test mutations

test-rust-s2: setup-rust setup-s2 ## Run the session server's tests over S2, and those of many instances
	node scripts/with-s2.mjs -- cargo test $(LOCKED) -p session-server --test server -- \
		$$(awk '{ print "--skip", $$1 }' $(NOT_OVER_S2))
	S2_LITE_PROGRAM=$(TOOLS_DIR)/bin/s2-lite-on-loopback cargo test $(LOCKED) -p session-server --test s2

simulate: setup-rust ## Run the simulation for long, on every core (SEEDS=… to choose, SEED=… to replay one)
	SEEDS=$(or $(SEEDS),1000000) $(if $(SEED),SEED=$(SEED)) \
		cargo test $(LOCKED) --release --test simulation every_seed

# The wire and chat tests run once more as wasm, in Node: what a browser runs is a 32-bit build.
# `no-install`: wasm-pack takes what setup put on the PATH, and downloads nothing. WebKitWebDriver is asked
# in Safari's way, and its browser wants a screen. A slow machine gets time.
test-wasm: export WASM_BINDGEN_TEST_TIMEOUT := 300
test-wasm: export WASM_BINDGEN_TEST_DRIVER_TIMEOUT := 120
test-wasm: setup-rust setup-tools setup-browser ## Run the Rust tests as wasm, in Node, Chromium, Firefox and WebKit
	CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=wasm-bindgen-test-runner \
		cargo test $(LOCKED) -p trigger-chat-transport -p trigger-chat-stream --target $(WASM) --lib --test wire
	xvfb-run --auto-servernum node scripts/with-server.mjs wasm-pack test --mode no-install --headless \
		--chrome --firefox --safari --safaridriver "$$(command -v WebKitWebDriver)" wasm-tests $(LOCKED)

test-js: package setup-browser ## Run the TypeScript tests, and those that drive a browser
	npm test -w js
	npm test -w tests/types
	npm test -w benches
	npm test -w tests/e2e

test-js-s2: package setup-browser setup-s2 ## Run the demo over S2 in a browser, and kill what serves it
	npm run test-s2 -w tests/e2e

# No part of `make test`: it goes by chance, and a check has to say the same twice.
fuzz: setup-rust setup-fuzz ## Look for inputs that break the core (FUZZ_SECONDS=… for each target, REPLAY=… for one that did)
	@node fuzz/run.mjs $(if $(REPLAY),replay '$(REPLAY)',$(FUZZ_SECONDS))

# No part of `make test`, which has `lint-licences`: its tool takes minutes to compile. The advisories are
# fetched by git from a host that not every machine reaches.
DENY := cargo deny --locked --workspace
deny: setup-rust setup-deny ## Check the crates: licences, versions, sources, and advisories where they can be fetched
	$(DENY) check licenses bans sources
	@if $(DENY) fetch db; then \
		$(DENY) check advisories; \
	else \
		echo "The advisories were NOT checked: their database cannot be fetched from here."; \
	fi

# The crates are packed and compiled as cargo would publish them, the npm package as npm would.
release: setup-rust setup-node setup-deny ## Check, test and pack a release, and say how to publish it (VERSION=…)
	@node scripts/release.mjs check $(VERSION)
	@$(MAKE) test deny
	cargo publish --locked --workspace --dry-run
	@node scripts/release.mjs pack

skips: ## List the tests that are skipped or known to fail
	@node scripts/skips.mjs $(if $(S2),$(NOT_OVER_S2))

wasm: setup-rust setup-tools setup-node ## Build the wasm, the core and the tabs' machine, optimised, in target/wasm-pack/
	@node scripts/wasm.mjs

setup: setup-rust setup-tools setup-node setup-browser ## Install what is missing
setup-rust setup-tools setup-browser setup-fuzz setup-deny setup-s2:
	@scripts/setup $(@:setup-%=%)
setup-node: node_modules/.package-lock.json
	@:

# npm writes this file last, so it is older than a manifest only when an install is due.
node_modules/.package-lock.json: $(MANIFESTS)
	@scripts/setup node

clean: ## Remove everything that was built, and the demo's data
	rm -rf target pkg data fuzz/corpus node_modules $(WORKSPACES:%=%/node_modules) \
		$(OTHER_WORKSPACES:%=%/node_modules) $(WORKSPACES:%=%/dist)

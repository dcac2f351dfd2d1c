# The one front door. `make help` lists what there is. Parts whose folder does not exist are skipped.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# nextest prints better and isolates better; without it cargo's own runner serves.
NEXTEST := $(shell $(CARGO) nextest --version >/dev/null 2>&1 && echo yes)
TARGET := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)
HAS_FFI := $(wildcard ffi/Cargo.toml)
HAS_PYTHON := $(wildcard bindings/python/pyproject.toml)
HAS_NODE := $(wildcard bindings/node/package.json)
C_FILES = $(shell git ls-files '*.c' '*.h' ':!include/persistkv.h')

##@ Everyday

.PHONY: help
help: ## This list
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the engine, the C library and the program (release)
	$(CARGO) build --release

.PHONY: demo
demo: ## The main job from end to end: C, Python, Node and real servers on one directory
	tests/servers/install.sh || echo "demo: some servers could not be fetched; what needs them is skipped"
	$(MAKE) --no-print-directory examples-c
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r demo/requirements.txt
	cd bindings/python && CARGO_TARGET_DIR=$(CURDIR)/target/python VIRTUAL_ENV=$(CURDIR)/$(VENV) \
	  $(CURDIR)/$(BIN)/maturin develop --quiet
	cd bindings/node && CARGO_TARGET_DIR=$(CURDIR)/target/node npm run --silent build
	$(BIN)/python demo/demo.py

.PHONY: test
test: test-rust test-c test-python test-node test-clients ## Every test, with real servers as the judge

.PHONY: lint
lint: lint-rust lint-text lint-c lint-python lint-node ## Formatting, warnings, documentation

.PHONY: bench
bench: ## The benchmarks, alone and next to peers (takes minutes; results belong into docs/benchmarks.md)
	$(CARGO) run --release -p persistkv-bench
	$(MAKE) --no-print-directory bench-peers

.PHONY: bench-peers
bench-peers: ## Next to LMDB, SQLite and a real Redis in Rust, Python and Node; what can not be installed is left out
	tests/servers/install.sh || echo "LEFT OUT: some servers could not be fetched"
	$(CARGO) run --release -p persistkv-bench-peers
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r demo/requirements.txt
	grep -v '^#' bench/peers/requirements.txt | while read -r peer; do \
	  $(BIN)/pip install --quiet --disable-pip-version-check "$$peer" || echo "LEFT OUT: $$peer can not be installed"; done
	cd bindings/python && CARGO_TARGET_DIR=$(CURDIR)/target/python VIRTUAL_ENV=$(CURDIR)/$(VENV) \
	  $(CURDIR)/$(BIN)/maturin develop --release --quiet
	$(BIN)/python bench/peers/python.py
	mkdir -p target/bench-node && cp bench/peers/package.json target/bench-node
	cd target/bench-node && npm install --no-audit --no-fund --loglevel=error || echo "LEFT OUT: Node's peers can not be installed"
	cd bindings/node && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	cd bindings/node && CARGO_TARGET_DIR=$(CURDIR)/target/node npm run --silent build
	PERSISTKV_BENCH_MODULES=$(CURDIR)/target/bench-node node bench/peers/node.mjs

.PHONY: clean
clean: ## Remove whatever was built or fetched
	$(CARGO) clean
	rm -rf $(VENV) bindings/node/node_modules

##@ The C library

PREFIX ?= /usr/local
INCLUDEDIR ?= $(PREFIX)/include
LIBDIR ?= $(PREFIX)/lib
# Where the built library is; `make install` builds a release unless told otherwise.
BUILT ?= $(TARGET)/release
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
# What a program needs besides libpersistkv.a; a test asserts it.
STATIC_LIBS := -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc

.PHONY: install
install: $(if $(filter $(TARGET)/release,$(BUILT)),install-build) ## C library, header and pkg-config file below DESTDIR and PREFIX
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR)
	install -m 755 $(BUILT)/libpersistkv.so $(DESTDIR)$(LIBDIR)/libpersistkv.so.$(VERSION)
	ln -sf libpersistkv.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libpersistkv.so.0
	ln -sf libpersistkv.so.0 $(DESTDIR)$(LIBDIR)/libpersistkv.so
	install -m 644 $(BUILT)/libpersistkv.a $(DESTDIR)$(LIBDIR)
	install -m 644 include/persistkv.h $(DESTDIR)$(INCLUDEDIR)
	sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@INCLUDEDIR@|$(INCLUDEDIR)|' \
	  -e 's|@VERSION@|$(VERSION)|; s|@STATIC_LIBS@|$(STATIC_LIBS)|' ffi/persistkv.pc.in \
	  >$(DESTDIR)$(LIBDIR)/pkgconfig/persistkv.pc

.PHONY: install-build
install-build:
	$(CARGO) build --release -p persistkv-ffi

.PHONY: examples-c
examples-c: ## Build examples/c against a release of this tree, into TARGET/release/examples-c
	$(CARGO) build --release -p persistkv-ffi
	ln -sf libpersistkv.so $(TARGET)/release/libpersistkv.so.0
	$(MAKE) --no-print-directory -C examples/c OUT=$(TARGET)/release/examples-c PKV_CFLAGS=-I$(CURDIR)/include \
	  PKV_LIBS="-L$(TARGET)/release -lpersistkv -Wl,-rpath,$(TARGET)/release"

##@ Tests by part

.PHONY: servers
servers: ## Fetch the real servers that tests compare with (once)
	tests/servers/install.sh

.PHONY: test-rust
test-rust: servers ## Rust: unit, differential, interchange and crash tests, model checks
ifeq ($(NEXTEST),yes)
	$(CARGO) test --quiet --doc
	$(CARGO) nextest run --no-fail-fast
	$(CARGO) nextest run --no-fail-fast -p persistkv-model
else
	$(CARGO) test --no-fail-fast
	$(CARGO) test --no-fail-fast -p persistkv-model
endif

.PHONY: test-c
test-c: ## C: the library's symbols, header, examples and tests; plain, under ASan and valgrind
ifneq ($(HAS_FFI),)
	$(CARGO) build --quiet -p persistkv-ffi
	CARGO="$(CARGO)" tests/c/run.sh $(TARGET)/debug
endif

.PHONY: test-python
test-python: ## Python: builds the module into .venv and runs pytest
ifneq ($(HAS_PYTHON),)
	$(MAKE) --no-print-directory $(VENV)/.python
	cd bindings/python && CARGO_TARGET_DIR=$(CURDIR)/target/python VIRTUAL_ENV=$(CURDIR)/$(VENV) \
	  $(CURDIR)/$(BIN)/maturin develop --quiet
	cd bindings/python && $(CURDIR)/$(BIN)/python -m pytest -q
endif

.PHONY: test-node
test-node: ## Node: builds the addon and runs node:test
ifneq ($(HAS_NODE),)
	cd bindings/node && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	cd bindings/node && CARGO_TARGET_DIR=$(CURDIR)/target/node npm run --silent build:debug
	cd bindings/node && npm test --silent
endif

.PHONY: test-clients
test-clients: ## Client libraries (redis-py, ioredis, BullMQ, RQ …) against the program as a server
	$(CARGO) build --quiet -p persistkv-cli
	tests/clients/run.sh $(TARGET)/debug

.PHONY: fuzz
fuzz: ## Fuzz the readers of files and requests and the scripts, a minute each (cargo-fuzz and a nightly compiler; see fuzz/README.md)
	for target in rdb_load restore stream request eval unpack; do \
	  mkdir -p fuzz/corpus/$$target; \
	  $(CARGO) +nightly fuzz run $$target fuzz/corpus/$$target fuzz/seeds/$$target \
	    -- -max_total_time=60 -rss_limit_mb=1024 -timeout=10 \
	    -detect_leaks=$$(case $$target in eval | unpack) echo 0 ;; *) echo 1 ;; esac); \
	done

##@ Lint by part

.PHONY: lint-rust
lint-rust: ## rustfmt, clippy and rustdoc without warnings
	$(CARGO) fmt --all --check
	$(CARGO) clippy --quiet --all-targets -- --deny warnings
	$(CARGO) clippy --quiet --all-targets -p persistkv-model -- --deny warnings
	RUSTDOCFLAGS="--deny warnings --allow rustdoc::private-intra-doc-links" $(CARGO) doc --quiet --no-deps

.PHONY: lint-text
lint-text: ## Shell scripts parse, no stray white space
	for script in .ci/run tests/servers/install.sh tests/c/run.sh tests/clients/run.sh; do bash -n $$script; done
	! git grep -nIE '[[:blank:]]+$$' -- ':!tests/fixtures' ':!*.patch'

.PHONY: lint-c
lint-c: ## clang-format over C files; the header is what ffi/ says
ifneq ($(HAS_FFI),)
	$(CARGO) run --quiet -p persistkv-header -- --check include/persistkv.h
endif
	@if [ -n "$(C_FILES)" ]; then \
	  $(MAKE) --no-print-directory $(VENV)/.lint && $(BIN)/clang-format --dry-run --Werror $(C_FILES); \
	fi

.PHONY: lint-python
lint-python: $(VENV)/.lint ## ruff over Python files
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .

.PHONY: lint-node
lint-node: ## The linter that bindings/node pins
ifneq ($(HAS_NODE),)
	cd bindings/node && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && npm run --silent lint
endif

##@ Files that are made and committed

.PHONY: docs
docs: ## Make docs/directives.md and docs/commands.md anew from the tables
	PERSISTKV_WRITE_DOCS=1 $(CARGO) test --quiet -p persistkv --test docs

.PHONY: header
header: ## Make include/persistkv.h anew from ffi/
ifneq ($(HAS_FFI),)
	$(CARGO) run --quiet -p persistkv-header -- include/persistkv.h
else
	@echo "header: there is no ffi/ yet"
endif

# What lint and tests of Python need, pinned, in a virtual environment of this tree.
$(VENV)/.lint: tests/requirements-lint.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r $<
	touch $@

$(VENV)/.python: $(wildcard bindings/python/requirements-dev.txt)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r bindings/python/requirements-dev.txt
	touch $@

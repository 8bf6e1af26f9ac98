# Everleaf's commands. `make` alone lists them.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

GO       ?= go
BIN      := $(CURDIR)/.cache/bin
STEP     := scripts/step
PLATFORMS := linux/amd64 linux/arm64 darwin/arm64 windows/amd64

# Narrow a run: make test PKG=./internal/probe/... RUN=TestCAA
PKG      ?= ./...
RUN      ?=
FUZZTIME ?= 20s

# Steps print the time since this moment.
export STEP_START := $(shell date +%s)

.PHONY: help
help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/' | expand -t 22

.PHONY: run
run: ## watch a certificate live and renew on this machine (the demo)
	@$(GO) build -o $(BIN)/everleaf ./cmd/everleaf
	@$(BIN)/everleaf demo

.PHONY: build
build: ## build the complete static binary ./everleaf
	CGO_ENABLED=0 $(GO) build -trimpath -o everleaf ./cmd/everleaf

# With PKG or RUN only these tests run; a whole run checks and cross-builds first.
WHOLE := $(if $(filter ./...,$(PKG)$(RUN)),check cross)

.PHONY: test
test: tools $(WHOLE) ## run everything that must pass, tools installed first (PKG=, RUN= narrow it)
	@$(STEP) 'test summary' $(GO) build -o $(BIN)/testsummary ./scripts/testsummary
	@echo 'tests with the race detector: $(PKG) $(RUN)'
	@CGO_ENABLED=1 $(GO) test -json -race -timeout 20m $(if $(RUN),-run '$(RUN)') $(PKG) | $(BIN)/testsummary

.PHONY: tools
tools: ## install and build the ACME clients and servers that the tests talk to
	@$(STEP) 'packages for the tests' scripts/install-test-tools
	@$(STEP) 'lego v5' scripts/build-tool lego-v5
	@$(STEP) 'caddy v2' scripts/build-tool caddy-v2

# CGO_ENABLED=0 lets vet, the linters and the cross builds share compiled packages.
.PHONY: check
check: export CGO_ENABLED := 0
check: ## check formatting, vet and lint
	@$(STEP) 'linters, built' scripts/build-tool golangci-lint
	@$(STEP) 'gofumpt' $(BIN)/golangci-lint fmt --diff
	@$(STEP) 'go vet' $(GO) vet ./...
	@$(STEP) 'golangci-lint with staticcheck' $(BIN)/golangci-lint run ./...

.PHONY: fmt
fmt: ## format all Go files
	@$(STEP) 'linters, built' scripts/build-tool golangci-lint
	$(BIN)/golangci-lint fmt

.PHONY: proof
proof: ## write docs/acme-conformance.md and docs/incidents.md from the tests
	@$(GO) run ./scripts/proof

.PHONY: cross
cross: ## build the binary without cgo for each platform
	@for p in $(PLATFORMS); do \
		$(STEP) "build for $$p" env CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) build -o /dev/null ./cmd/everleaf; \
	done

.PHONY: bench
bench: ## run the benchmarks but the one below, about six minutes (PKG=./bench: of the whole server)
	$(GO) test -run='^$$' -bench=. -skip='^BenchmarkRevocation$$' -benchmem -timeout 20m $(PKG)

.PHONY: bench-revocation
bench-revocation: ## revoke a million certificates; fails where lists are long or late (half an hour)
	$(GO) test -run='^$$' -bench='^BenchmarkRevocation$$' -timeout 60m ./bench

.PHONY: fuzz
fuzz: ## fuzz each parser for FUZZTIME (20s)
	@scripts/fuzz $(FUZZTIME) $(PKG)

.PHONY: mutants
mutants: ## switch off each refusal of the code, one at a time: a test has to notice (about half an hour)
	@$(GO) run ./scripts/mutants

.PHONY: vuln
vuln: ## look for known vulnerabilities that our code can reach
	@$(STEP) 'govulncheck, built' scripts/build-tool govulncheck
	@scripts/vuln

.PHONY: clean
clean: ## remove what these commands built
	rm -rf .cache everleaf everleaf.exe

# Mostrador. `make` alone lists the targets.

GO        ?= go
TOOLS     := $(CURDIR)/.tools/bin
LINT      := $(TOOLS)/golangci-lint
LINT_VER  := v2.15.0
FYNE      := $(TOOLS)/fyne
FYNE_VER  := v2.8.0
# Development builds carry no metadata: with it Fyne would believe the promise in FyneApp.toml and stop checking threads.
# Version control stamps are left out because they fail where git is missing or the folder is someone else's.
BUILD     := $(GO) build -buildvcs=false -tags no_metadata
PACKAGES   = $(shell $(GO) list ./...)
HEADLESS  := $(if $(DISPLAY)$(WAYLAND_DISPLAY),,headless)
GOLDEN     = $(sort $(dir $(shell grep -rlE --include='*_test.go' 'flag\.Bool."update"' .)))

TIME      ?= 30s
ROUNDS    ?= 300
CUTS      ?= 100
WORLDS    ?= 500
SEED      ?= 1
BENCHTIME ?= 2s
SALES     ?= 200000
COMPANIES ?= 200

export CGO_ENABLED := 1

.DEFAULT_GOAL := help
.PHONY: help run central build test lint fmt check bench bench-central demo golden fuzz torture chaos sim scan-load bench-window cold-start two-tills screens pages flows stage package-linux clean audit-security

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: ## open the till on the practice shop; without a screen, sell one boleta on one in memory
	@scripts/deps.sh build $(HEADLESS)
	@$(MAKE) --no-print-directory build
	$(if $(HEADLESS),scripts/headless-run.sh bin/till,bin/till -demo)

central: ## run the server on a PostgreSQL of its own under .run/central; FLAGS go to it (make central FLAGS="-addr :8000")
	@scripts/deps.sh build database
	@$(MAKE) --no-print-directory build
	bin/central -local .run/central -simulator $(FLAGS)

build: ## build bin/till and bin/tillctl (and the simulator, if it is there)
	@mkdir -p bin
	$(BUILD) -o bin/ ./cmd/...

test: ## vet and test everything, with the race detector; installs the packages that the tests need
	@scripts/deps.sh build judges database
	$(GO) vet ./...
	$(GO) test -race -shuffle=on -timeout 20m ./...
	@$(MAKE) --no-print-directory sim WORLDS=1000

audit-security: ## the server's security controls, one line each: catalogue, source, tokens, headers, limits, secrets in the log
	@scripts/deps.sh build database
	@mkdir -p out
	@$(GO) test -count=1 -v -run '^Test(Audit|NoStatementCrosses|TheLoginHasNoRights|WhoIsNobody|GuessingPasswords|LoginsOfOne|AForeignForwarded|TooMuchAtOnce|OneAddress|FaultSlowClient|TheServerIsNotPatient|BrowsersMayCall|Operation|NoAnswerCarries)' \
	  ./central ./central/torn ./cmd/central > out/audit-security.log 2>&1; status=$$?; \
	grep -E '^ *--- |^(ok|FAIL|panic)' out/audit-security.log; exit $$status
	@if command -v govulncheck >/dev/null; then govulncheck ./central/... ./cmd/central; else echo "not checked: known vulnerabilities (govulncheck is not installed)"; fi

lint: $(LINT)-$(LINT_VER) ## golangci-lint: the arrows of docs/architecture.md and the rest of .golangci.yml
	$(LINT)-$(LINT_VER) run ./...

fmt: $(LINT)-$(LINT_VER) ## format all Go files
	$(LINT)-$(LINT_VER) fmt ./...

check: fmt lint test ## before a push: fmt, lint, test, and nothing left uncommitted
	@test -z "$$(git status --porcelain)" || { git status --short; echo "there are uncommitted changes" >&2; exit 1; }

bench: ## figures of this machine: emission as a ratio of its signing rate, durable issue, search, import
	$(GO) test -run '^$$' -bench . -benchtime $(BENCHTIME) -benchmem -p 1 $(filter-out %/ui %/central/bench,$(PACKAGES))

# Everything in one run of a few minutes: PostgreSQL of its own, which flushes what it commits. The size of docs/scale.md is
# make bench-central SALES=1000000 COMPANIES=1000.
bench-central: ## figures of the server: sales at 32 clients, what tills push, lists and reports at SALES sales, COMPANIES companies
	@scripts/deps.sh build database
	MOSTRADOR_SALES=$(SALES) MOSTRADOR_COMPANIES=$(COMPANIES) $(GO) test -count=1 -timeout 60m -v -run '^$$' -bench . -benchtime 1x ./central/bench

demo: ## a scripted day of the practice shop, line cut and process killed on the way; everything under out/demo
	@scripts/deps.sh build
	@$(MAKE) --no-print-directory build
	bin/tillctl demo -out out/demo

golden: ## write the golden files anew; look at every difference before committing it
	$(GO) test -count=1 $(GOLDEN) -args -update
	@git status --short -- '*/testdata/*' '*/examples/*'

fuzz: ## fuzz every parser for TIME each (make fuzz TIME=10m)
	@grep -rnoE --include='*_test.go' 'func Fuzz[A-Za-z0-9_]+' . | sed -E 's|^(.*)/[^/]+:[0-9]+:func |\1 |' | \
	while read -r dir name; do \
	  echo "== $$dir $$name"; $(GO) test -run '^$$' -fuzz "^$$name$$" -fuzztime $(TIME) -fuzzminimizetime 20x "$$dir" || exit 1; \
	done

# Every write needs strace, power cuts need root and mkfs.ext4; without them those tests say so and are skipped.
torture: ## kill the till ROUNDS times while it issues, fail its every write, cut the power CUTS times (as root); audit what is left
	MOSTRADOR_TORTURE=$(ROUNDS) MOSTRADOR_POWERCUT=$(if $(filter 0,$(shell id -u)),$(CUTS)) \
	$(GO) test -count=1 -timeout 2h -v -run '^Test(KilledAtAnyMoment|EveryWriteFails|PowerCut|DiskFull|CommitUnknown)$$' ./store

sim: ## WORLDS worlds of tills, their server and the SII from SEED on, in memory, each played to its end
	MOSTRADOR_WORLDS=$(WORLDS) MOSTRADOR_SEED=$(SEED) \
	$(GO) test -count=1 -timeout 3h -v -run '^Test(Simulation|AWorldCanBePlayedAgain)$$' ./cmd/shop

chaos: ## WORLDS worlds of tills on bad roads from SEED on, the line cut at every byte, and 50,000 documents of 30 days offline
	MOSTRADOR_WORLDS=$(WORLDS) MOSTRADOR_SEED=$(SEED) \
	$(GO) test -count=1 -timeout 3h -v -run '^Test(Chaos|CutAtEveryByte|ThirtyDaysOffline|ABadLineToTheSII|KilledInTheFirstLoad)$$' ./cmd/shop

two-tills: ## two tills, the server and the SII, every link cut, a backup restored, a till copied: what each says in the end
	@scripts/deps.sh build database
	$(GO) test -count=1 -v -run '^TestTwoTillsOneTruth$$' ./cmd/shop

screens: ## draw all screens under out/screens, without a window
	@mkdir -p out/screens
	LANG=es_CL.UTF-8 $(GO) test -count=1 -run TestScreens ./ui -args -screens $(CURDIR)/out/screens

cold-start: ## how long the till of a shop of 100,000 products takes to open on Xvfb, and its memory
	@scripts/deps.sh build headless
	@$(MAKE) --no-print-directory build
	scripts/cold-start.sh bin

bench-window: ## from a scan's Enter to the line on the screen, on Xvfb, with 100,000 products and a cart of 200 lines (SCANS=18000 for an hour)
	@scripts/deps.sh build headless
	@$(MAKE) --no-print-directory build
	scripts/bench-window.sh bin

scan-load: ## type 300 codes in a minute, 1,000 characters a second, into a cart of 200 lines, with real key events on Xvfb
	@scripts/deps.sh build headless
	@$(MAKE) --no-print-directory build
	scripts/scan-load.sh bin/till

pages: ## the pages of the API's document in a real browser, with no line to anywhere; pictures under out/pages
	@scripts/deps.sh build database browser
	@mkdir -p out/pages
	$(GO) test -count=1 -v -run '^TestThePagesOfTheDocumentInABrowser$$' ./central/torn -args -pictures $(CURDIR)/out/pages

flows: ## every flow of a cashier by keyboard alone in a real window on Xvfb (ONLY=name for one); pictures in docs/screens
	@scripts/deps.sh build headless judges
	@$(MAKE) --no-print-directory build
	MOSTRADOR_FLOWS=$(CURDIR)/docs/screens $(GO) test -count=1 -timeout 40m -run '^TestFlows$$/$(if $(ONLY),^$(ONLY)$$)' ./scripts/flows

# fyne package reads FyneApp.toml only from the folder of the main package.
stage: ## copy FyneApp.toml to where the packager looks for it
	sed 's|^Icon = "|&../../|' FyneApp.toml > cmd/till/FyneApp.toml

package-linux: stage $(FYNE)-$(FYNE_VER) ## build the release and pack it with its icon and menu entry: out/Mostrador.tar.xz
	@scripts/deps.sh build
	@mkdir -p out
	cd cmd/till && $(FYNE)-$(FYNE_VER) package --os linux --release
	mv cmd/till/Mostrador.tar.xz out/

clean: ## remove what was built and what the runs left
	rm -rf bin out cmd/till/FyneApp.toml

$(LINT)-$(LINT_VER):
	GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VER)
	mv $(LINT) $@

$(FYNE)-$(FYNE_VER):
	GOBIN=$(TOOLS) $(GO) install fyne.io/fyne/v2/cmd/fyne@$(FYNE_VER)
	mv $(FYNE) $@

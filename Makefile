# Makefile -- builds, runs, tests and measures stockd. `make help` lists what it can do.
#
# Objects go to build/<flavour>/, one flavour a set of flags, so that the release build, the
# sanitizer build and the fuzzers never share an object. A new .c file under a known folder is
# found by itself; a new library goes into LIBS.

SHELL := /bin/sh
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

CC ?= cc
ifeq ($(origin CC),default)
CC := gcc
endif
CLANG ?= clang
CLANG_FORMAT ?= clang-format
CLANG_TIDY ?= clang-tidy
PKG_CONFIG ?= pkg-config
CHROMIUM ?= /usr/bin/chromium
PREFIX ?= /usr/local
DESTDIR ?=

# The release that this is, or becomes, and the commit. An archive that git made has its commit in the file VERSION
# (.gitattributes); what has neither gets COMMIT= on the command line, or goes without.
VERSION := $(word 1,$(file <VERSION))
COMMIT := $(if $(wildcard .git),$(shell git describe --always --dirty --exclude='*' 2>/dev/null),$(filter-out $$Format%,$(word 2,$(file <VERSION))))

# Of what is made from the sources, as seconds since the epoch.
MAN_DATE ?= $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null))

# Programs with threads in them, or that make a service use its own.
THREADED_UNIT := lookup confine
THREADED_IT := query_pool history events lookup
# Two take malloc() over, as valgrind does; the others need pidfd_open() or seccomp(), which that of Debian 12 does not know.
NOT_UNDER_VALGRIND := test_ledger_memory test_request_memory test_confine test_check_workers test_pool test_pool_host \
                      test_pool_init test_pool_orphans test_pool_talk test_pooltask test_pooltask_ends
VALGRIND := valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite --child-silent-after-fork=no

# What the programs link with, by pkg-config name.
LIBS := libmicrohttpd hiredis jansson libuv libssl libcrypto libpq sqlite3 libcurl libseccomp
TEST_LIBS := cmocka yaml-0.1
# Chart.js, which the HTML report carries; its releases name the file differently.
CHART_JS ?= $(shell cd /usr/share/javascript/chart.js 2>/dev/null && ls -d $$PWD/chart.min.js $$PWD/chart.umd.min.js $$PWD/chart.umd.js 2>/dev/null | head -n 1)
# With what tests/tools/deps.sh took of packages that would bring too much.
FIND_LIBS = PKG_CONFIG_PATH="$$PKG_CONFIG_PATH:$(CURDIR)/.deps" $(PKG_CONFIG)

# What each goal needs: why, the Debian packages that bring it, and how it is seen to be there. The first is all that
# the programs, `make run` and `make demo` need; no more than that is installed for them (README.md).
WHY_build := to build the programs and run the demo
DEBS_build := gcc make git pkgconf libc6-dev alone:libmicrohttpd-dev libhiredis-dev libjansson-dev libuv1-dev libssl-dev \
              libpq-dev libsqlite3-dev libseccomp-dev alone:libcurl4-openssl-dev libjs-chart.js redis-server
HAVE_build = $(FIND_LIBS) --exists $(LIBS) 2>/dev/null && which $(CC) redis-server >/dev/null && test -r "$(CHART_JS)"
WHY_test := for the tests
DEBS_test := $(DEBS_build) libcmocka-dev libyaml-dev openssl postgresql zsh mandoc haproxy
HAVE_test = $(HAVE_build) && $(FIND_LIBS) --exists $(TEST_LIBS) 2>/dev/null && which openssl zsh mandoc haproxy >/dev/null && ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1
WHY_lint := for make lint
DEBS_lint = $(DEBS_test) clang clang-format clang-tidy $(filter nodejs,$(NODE_DEBS))
HAVE_lint = $(HAVE_test) && which $(CLANG) $(CLANG_TIDY) $(CLANG_FORMAT) node >/dev/null
WHY_compat := for make compat
DEBS_compat := $(DEBS_test) patchelf debian-archive-keyring
HAVE_compat = $(HAVE_test) && which patchelf >/dev/null
WHY_model := for make model
DEBS_model := spin gcc libc6-dev python3
HAVE_model = which spin gcc python3 >/dev/null
WHY_valgrind := for make valgrind
DEBS_valgrind := $(DEBS_test) valgrind
HAVE_valgrind = $(HAVE_test) && which valgrind >/dev/null
WHY_fuzz := for make fuzz
DEBS_fuzz := $(DEBS_test) clang libclang-rt-dev
HAVE_fuzz = $(HAVE_test) && ls $$($(CLANG) -print-runtime-dir)/*fuzzer* >/dev/null 2>&1
# Node.js that did not come from Debian brings its own npm, which Debian's would conflict with.
NODE_DEBS = $(if $(shell command -v node),,nodejs) $(if $(shell command -v npm),,npm)
WHY_page := for make page
DEBS_page = $(DEBS_test) chromium $(NODE_DEBS)
HAVE_page = $(HAVE_test) && which $(CHROMIUM) node npm >/dev/null
WHY_browser := for make browser
DEBS_browser = $(DEBS_page) haproxy
HAVE_browser = $(HAVE_page) && which haproxy >/dev/null
WHY_docs-test := for make docs-test
DEBS_docs-test = $(DEBS_test) curl jq sqlite3 redis-tools python3 $(filter nodejs,$(NODE_DEBS))
HAVE_docs-test = $(HAVE_test) && which curl jq sqlite3 redis-cli python3 node >/dev/null
WHY_monitoring := for make monitoring
DEBS_monitoring := $(DEBS_test) prometheus python3
HAVE_monitoring = $(HAVE_test) && which prometheus promtool python3 >/dev/null
HAVE_NGINX = which curl wrk pgrep nginx >/dev/null && ls /usr/lib/nginx/modules/ngx_http_lua_module.so >/dev/null 2>&1
WHY_deb := for make deb
DEBS_deb := $(DEBS_build) debhelper dpkg-dev fakeroot lintian
HAVE_deb = $(HAVE_build) && which dh lintian fakeroot >/dev/null
WHY_deb-test := for make deb-test
DEBS_deb-test := debootstrap systemd-container
HAVE_deb-test = which debootstrap systemd-nspawn >/dev/null
WHY_bench := for make bench
DEBS_bench := $(DEBS_test) curl wrk procps nginx libnginx-mod-http-lua lua-nginx-redis
HAVE_bench = $(HAVE_test) && $(HAVE_NGINX)
WHY_bench-peers := for make bench-peers
DEBS_bench-peers = $(DEBS_bench) webdis python3-redis $(NODE_DEBS)
HAVE_bench-peers = $(HAVE_bench) && which webdis node npm >/dev/null && /usr/bin/python3 -c "import redis" 2>/dev/null
WHY_flame := for make flame
DEBS_flame := $(DEBS_test) curl wrk procps linux-perf
HAVE_flame = $(HAVE_test) && which curl wrk pgrep perf >/dev/null

FLAVOUR ?= release
OUT := build/$(FLAVOUR)

WARN := -Wall -Wextra -Werror -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
        -Wundef -Wpointer-arith -Wwrite-strings -Wvla -Wno-unused-parameter
# Only gcc has this one: it counts what snprintf is there to cut.
WARN += $(if $(findstring gcc,$(CC)),-Wno-format-truncation)
INCLUDES := -Icommon -Iservice -Iloadgen -Itests
DEFINES := -D_GNU_SOURCE -include common/must_check.h
HARDEN := -fstack-protector-strong -fstack-clash-protection -fPIE
HARDEN_LD := -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack
# What x86 has beside that: landing pads and shadow stacks. Debian's start files, which are linked along, are not marked
# for either; that does no harm to a shadow stack, so that mark is set by hand.
ifneq ($(filter x86_64-% i686-%,$(shell $(CC) -dumpmachine 2>/dev/null)),)
HARDEN += -fcf-protection
HARDEN_LD += -Wl,-z,shstk
endif
# Level 3 looks at sizes that are known at run time only; a C library or compiler without it says so.
FORTIFY := $(shell $(CC) -O2 -Werror -D_FORTIFY_SOURCE=3 -include stdlib.h -x c -E /dev/null >/dev/null 2>&1 && echo 3 || echo 2)
FLAGS_release := -O2 -g -D_FORTIFY_SOURCE=$(FORTIFY) $(HARDEN)
# These also look at their own lists at every turn of a loop: http/check.h, store/check.h.
FLAGS_asan := -DSTOCKD_CHECKS=1 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer $(HARDEN)
# Instrumented as it is, gcc no longer sees of some variables that they were set.
FLAGS_tsan := -DSTOCKD_CHECKS=1 -O1 -g -fsanitize=thread -fno-omit-frame-pointer -Wno-maybe-uninitialized $(HARDEN)
FLAGS_fuzz := -DSTOCKD_CHECKS=1 -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
# As needed: stockload loads no library that only the service calls.
LD_release := $(HARDEN_LD) -Wl,--as-needed
LD_asan := -fsanitize=address,undefined $(HARDEN_LD)
LD_tsan := -fsanitize=thread $(HARDEN_LD)
LD_fuzz := -fsanitize=fuzzer,address,undefined

# Their headers are not held to the warnings of this code.
LIB_CFLAGS := $(patsubst -I%,-isystem%,$(shell $(FIND_LIBS) --cflags $(LIBS) 2>/dev/null; $(FIND_LIBS) --cflags $(TEST_LIBS) 2>/dev/null))
LIB_LDLIBS := $(shell $(FIND_LIBS) --libs $(LIBS) 2>/dev/null) -lm
TEST_LDLIBS := $(LIB_LDLIBS) $(shell $(FIND_LIBS) --libs $(TEST_LIBS) 2>/dev/null)
ALL_CFLAGS = -std=gnu17 $(WARN) $(FLAGS_$(FLAVOUR)) $(DEFINES) $(INCLUDES) $(LIB_CFLAGS) $(CFLAGS)

COMMON_C := $(wildcard common/*.c common/*/*.c)
SERVICE_C := $(filter-out service/main.c,$(wildcard service/*.c service/*/*.c service/*/*/*.c))
LOADGEN_C := $(filter-out loadgen/main.c,$(wildcard loadgen/*.c loadgen/*/*.c))
SUPPORT_C := $(wildcard tests/support/*.c)
UNIT_C := $(wildcard tests/unit/test_*.c)
IT_C := $(wildcard tests/it/test_*.c)
SHOP_C := $(wildcard tests/shop/*.c)
FUZZ_C := $(wildcard tests/fuzz/fuzz_*.c)
BENCH_C := $(wildcard tests/bench/*.c)
PAGE_C := $(wildcard tests/page/*.c)
SOAK_C := $(wildcard tests/soak/*.c)
CHAOS_C := $(wildcard tests/chaos/*.c)
KEPT_C := $(wildcard tests/kept/*.c)
PRELOAD_C := $(wildcard tests/preload/*.c)
ALL_C := $(COMMON_C) $(SERVICE_C) service/main.c $(LOADGEN_C) $(wildcard loadgen/main.c) $(SUPPORT_C) $(SHOP_C) $(UNIT_C) $(IT_C) $(FUZZ_C) $(BENCH_C) $(PAGE_C) $(SOAK_C) $(CHAOS_C) $(KEPT_C) $(PRELOAD_C) tests/tools/yaml2json.c tests/tools/metrics.c
ALL_H := $(wildcard common/*.h service/*.h service/*/*.h service/*/*/*.h common/*/*.h loadgen/*.h loadgen/*/*.h tests/*/*.h)

obj = $(patsubst %.c,$(OUT)/obj/%.o,$(1))
COMMON_OBJS := $(call obj,$(COMMON_C)) $(OUT)/obj/gen/version.o
SERVICE_OBJS := $(call obj,$(SERVICE_C)) $(OUT)/obj/service/http/builtin/asset_files.o $(OUT)/obj/service/ledger/schema_text.o
LOADGEN_OBJS := $(call obj,$(LOADGEN_C)) $(OUT)/obj/loadgen/report/assets.o $(OUT)/obj/loadgen/ui/assets.o
# What of the service stockload has too: how one speaks with Redis, and where it is.
REDIS_OBJS := $(call obj,$(wildcard service/store/redis/*.c service/store/topology/*.c))
LIB_OBJS := $(COMMON_OBJS) $(SERVICE_OBJS) $(LOADGEN_OBJS)
STOCKD := $(OUT)/stockd
STOCKLOAD := $(OUT)/stockload
SHOP := $(OUT)/shop
# Loaded before the C library of what a test starts.
REDIS_CLOCK := $(OUT)/preload/clock.so
MEMORY_FAULTS := $(OUT)/preload/memory.so
UNIT_BINS := $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(UNIT_C))
IT_BINS := $(patsubst tests/it/%.c,$(OUT)/it/%,$(IT_C))
FUZZ_BINS := $(patsubst tests/fuzz/%.c,$(OUT)/fuzz/%,$(FUZZ_C))
BENCH_BINS := $(patsubst tests/bench/%.c,$(OUT)/bench/%,$(BENCH_C))
PAGE_BINS := $(patsubst tests/page/%.c,$(OUT)/page/%,$(PAGE_C))

# What `make install` puts where: mode, source, place. Folders that are nobody else's go with `make uninstall`.
BINDIR := $(PREFIX)/bin
LIBDIR := $(PREFIX)/lib
DATADIR := $(PREFIX)/share/stockd
DOCDIR := $(PREFIX)/share/doc/stockd
MANDIR := $(PREFIX)/share/man
BASHDIR := $(PREFIX)/share/bash-completion/completions
ZSHDIR := $(PREFIX)/share/zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)
FISHDIR := $(PREFIX)/share/fish/vendor_completions.d
# A package of /usr is configured in /etc; all else stays below PREFIX.
CONFDIR := $(if $(filter-out /usr,$(PREFIX)),$(PREFIX))/etc/stockd
UNITS := build/systemd/stockd.service build/systemd/stockd-ledger.service build/systemd/stockd-hooks.service
INSTALLED := $(foreach name,stockd stockload,755:build/$(name):$(BINDIR)/$(name)) \
             $(foreach unit,$(UNITS),644:$(unit):$(LIBDIR)/systemd/system/$(notdir $(unit))) \
             $(foreach name,stockd stockload,644:build/man/$(name).1:$(MANDIR)/man1/$(name).1 \
                 644:build/man/$(name).conf.5:$(MANDIR)/man5/$(name).conf.5 \
                 644:build/completions/$(name).bash:$(BASHDIR)/$(name) 644:build/completions/_$(name):$(ZSHDIR)/_$(name) \
                 644:build/completions/$(name).fish:$(FISHDIR)/$(name).fish) \
             644:service/systemd/sysusers.conf:$(LIBDIR)/sysusers.d/stockd.conf \
             644:service/systemd/stockd.conf:$(DATADIR)/stockd.conf \
             644:service/openapi.yaml:$(DATADIR)/openapi.yaml \
             644:docker/redis.acl:$(DATADIR)/redis.acl \
             $(foreach file,README.md CHANGELOG.md SECURITY.md $(wildcard docs/*.md docs/*.png),644:$(file):$(DOCDIR)/$(file))
INSTALLED_PLACES = $(foreach row,$(INSTALLED),$(word 3,$(subst :, ,$(row))))
INSTALLED_DIRS := $(DATADIR) $(DOCDIR)/docs $(DOCDIR) $(CONFDIR)
install_row = install -D -m $(word 1,$(1)) $(word 2,$(1)) $(DESTDIR)$(word 3,$(1));

.PHONY: help all run demo test unit it compat model asan tsan valgrind weekly fuzz soak chaos bench capacity bench-peers flame page browser docs-test monitoring figures pictures keep lint fmt man completions compdb openapi metrics install uninstall install-test deb deb-test version clean deps tests-built

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

all: need-build ## build build/stockd and build/stockload
	@$(MAKE) --no-print-directory build/stockd build/stockload

run: all ## start the service on 127.0.0.1:8080 with its own Redis (data in ./stockd-data)
	./build/stockd serve $(ARGS)

demo: all ## a minute that shows it all: two flash sales, a churn with kills, a verdict (report in ./demo-out)
	@loadgen/demo.sh

test: unit it ## every test: unit, then integration on a real Redis (T=name runs the matching programs)

unit: need-test ## tests of pure code, no server
	@$(MAKE) --no-print-directory tests-built WHAT=unit
	@tests/run.sh $(OUT)/unit '$(T)'

it: need-test ## tests against real servers that they start themselves
	@$(MAKE) --no-print-directory tests-built WHAT=it
	@STOCKD=$(CURDIR)/$(STOCKD) STOCKLOAD=$(CURDIR)/$(STOCKLOAD) SHOP=$(CURDIR)/$(SHOP) REDIS_CLOCK=$(CURDIR)/$(REDIS_CLOCK) \
	    MEMORY_FAULTS_LIBRARY=$(CURDIR)/$(MEMORY_FAULTS) tests/run.sh $(OUT)/it '$(T)'

compat: need-compat ## the integration tests on ARGS="redis-8.0 valkey-8.1" instead of the system's Redis
	@T='$(T)' MAKE='$(MAKE)' tests/tools/compat.sh $(or $(ARGS),redis-8.0 valkey-8.1)

model: need-model ## search the model of failover, with every rule and without each; ARGS=--short or NAME...
	@docs/model/run $(ARGS)

asan: need-test ## unit and it again, under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory FLAVOUR=asan unit it

tsan: need-test ## what has threads again, under ThreadSanitizer (T=name runs these integration tests instead)
	@$(if $(T),,$(MAKE) --no-print-directory FLAVOUR=tsan T='$(THREADED_UNIT)' unit)
	@$(MAKE) --no-print-directory FLAVOUR=tsan T='$(or $(T),$(THREADED_IT))' it

valgrind: need-valgrind ## the tests of pure code again, under valgrind (T=name runs the matching programs)
	@TEST_UNDER='$(VALGRIND)' TEST_LEAVE_OUT='$(NOT_UNDER_VALGRIND)' TEST_TIMEOUT=14400 TEST_JOBS=$(or $(TEST_JOBS),$(shell nproc)) \
	    $(MAKE) --no-print-directory unit

weekly: ## what takes longer than a commit may: valgrind, ThreadSanitizer, the whole model
	@.ci/weekly

fuzz: need-fuzz ## every libFuzzer target for FUZZ_SECONDS (30) from the seed corpus
	@$(MAKE) --no-print-directory FLAVOUR=fuzz CC=$(CLANG) fuzzers
	@tests/fuzz/run.sh $${FUZZ_SECONDS:-30}

# `SECONDS` may be a variable of the shell; only what is given to make counts.
soak: need-test ## mixed load with kills, resets, stalls and refusals for SECONDS (60); nothing may be wrong, or grow
	@$(MAKE) --no-print-directory $(STOCKD) $(STOCKLOAD) $(OUT)/soak/soak
	@SOAK_SECONDS='$(or $(SECONDS),60)' STOCKD=$(CURDIR)/$(STOCKD) STOCKLOAD=$(CURDIR)/$(STOCKLOAD) $(OUT)/soak/soak

# A word of KINDS is a fault, or one of: sentinel cluster replicated ledger sqlite postgresql no-sql apart together guarded.
chaos: need-test ## random failovers, splits and moved slots under load for DURATION (60) seconds; SEED=, KINDS="sentinel split ..."
	@$(MAKE) --no-print-directory $(STOCKD) $(STOCKLOAD) $(OUT)/chaos/chaos
	@DURATION='$(or $(DURATION),60)' SEED='$(SEED)' KINDS='$(KINDS)' STOCKD=$(CURDIR)/$(STOCKD) STOCKLOAD=$(CURDIR)/$(STOCKLOAD) $(OUT)/chaos/chaos

bench: need-bench ## every benchmark, then one table of figures beside their goals; ARGS="ROUNDS SECONDS STEADY_SECONDS"
	@$(MAKE) --no-print-directory build/stockd build/stockload benchers
	@tests/bench/all.sh $(ARGS)

flame: need-flame ## flame graphs of worker, Redis and load in ./flame-out, tables of self time; ARGS="CASE SECONDS", as root
	@$(MAKE) --no-print-directory build/stockd $(OUT)/bench/cpu
	@tests/bench/flame.sh $(ARGS)

capacity: ## hosts, Redis nodes and databases that a rate of reservations needs; ARGS="rate=1000000 keys=0" (tests/bench/plan.sh)
	@tests/bench/plan.sh $(ARGS)

bench-peers: need-bench-peers ## reservations beside PostgreSQL, nginx, webdis, Node.js and Python: speed, and what faults cost (ARGS="ROUNDS SECONDS")
	@$(MAKE) --no-print-directory build/stockd
	@tests/bench/peers.sh $(ARGS)

page: need-page ## the HTML report in headless Chromium
	@$(MAKE) --no-print-directory pages-built
	@CHROMIUM=$(CHROMIUM) tests/page/run.sh $(OUT)/page/make_report $(OUT)/page/reports

browser: need-browser ## the dashboard in headless Chromium, on real services (T="word ..." runs the matching tests)
	@$(MAKE) --no-print-directory $(STOCKD) $(STOCKLOAD)
	@STOCKD=$(CURDIR)/$(STOCKD) STOCKLOAD=$(CURDIR)/$(STOCKLOAD) CHROMIUM=$(CHROMIUM) tests/browser/run.sh $(OUT)/browser $(T)

docs-test: need-docs-test ## what README.md, CONTRIBUTING.md and docs/ show, run and compared; ARGS="PAGE...", ARGS=--write to show what came
	@$(MAKE) --no-print-directory build/stockd build/stockload
	@PYTHONDONTWRITEBYTECODE=1 python3 tests/docs/test_harness.py -q
	@PYTHONDONTWRITEBYTECODE=1 python3 tests/docs/run.py $(ARGS)

monitoring: need-monitoring ## alerts and dashboard of docker/, on a Prometheus that scrapes a service under load
	@$(MAKE) --no-print-directory build/stockd build/stockload $(OUT)/gen/yaml2json
	@YAML2JSON=$(CURDIR)/$(OUT)/gen/yaml2json PYTHONDONTWRITEBYTECODE=1 python3 tests/monitoring/run.py

figures: need-bench need-page ## figures that the documents show, measured on a machine that does nothing else, and docs/report.png (ARGS="demo")
	@$(MAKE) --no-print-directory build/stockd build/stockload
	@cd tests/page && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund --loglevel=error; }
	@CHROMIUM=$(CHROMIUM) PYTHONDONTWRITEBYTECODE=1 python3 tests/docs/figures.py $(ARGS)

pictures: need-page ## docs/dashboard.png, item.png and race.png, of a small shop that runs for a minute and of a race
	@$(MAKE) --no-print-directory build/stockd build/stockload
	@cd tests/page && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund --loglevel=error; }
	@CHROMIUM=$(CHROMIUM) node tests/page/pictures.mjs build/stockd build/stockload docs

# What OF=PROGRAM answers goes to tests/kept/NAME, for the tests of what comes after that program.
keep: need-test ## keep a small store of an older build for the tests: OF=its stockd, NAME=its commit
	@$(MAKE) --no-print-directory $(OUT)/kept/keep_store
	@STOCKD='$(OF)' KEEP='$(NAME)' $(OUT)/kept/keep_store

lint: need-lint ## clang-tidy, layers, headers that compile alone, formatting, the pages' modules, tests that the table of threats names
	@$(MAKE) --no-print-directory lint-form
	@$(MAKE) --no-print-directory lint-analysis
	@echo "lint: ok"

fmt: ## format every C file
	$(CLANG_FORMAT) -i $(ALL_C) $(ALL_H)

# Made by the programs themselves, from the tables that --help is made from.
man: all ## write the manual pages: build/man/stockd.1, stockd.conf.5, stockload.1, stockload.conf.5
	@mkdir -p build/man
	@for name in stockd stockload; do \
	    SOURCE_DATE_EPOCH=$(MAN_DATE) build/$$name man 1 >build/man/$$name.1 && \
	    SOURCE_DATE_EPOCH=$(MAN_DATE) build/$$name man 5 >build/man/$$name.conf.5 || exit 1; \
	done

completions: all ## write build/completions/NAME.bash, _NAME (zsh), NAME.fish, for stockd and stockload
	@mkdir -p build/completions
	@for name in stockd stockload; do \
	    build/$$name completion bash >build/completions/$$name.bash && \
	    build/$$name completion zsh >build/completions/_$$name && \
	    build/$$name completion fish >build/completions/$$name.fish || exit 1; \
	done

compdb: ## write compile_commands.json
	@tests/tools/compdb.sh '$(CC) $(filter-out -Wno-format-truncation,$(ALL_CFLAGS))' $(ALL_C) > compile_commands.json

openapi: need-test ## make service/openapi.json, which is served, of service/openapi.yaml
	@$(MAKE) --no-print-directory $(OUT)/gen/yaml2json
	@$(OUT)/gen/yaml2json <service/openapi.yaml >service/openapi.json.new && mv service/openapi.json.new service/openapi.json

metrics: need-build ## make docs/metrics.md of the table of metrics in common/stats.h
	@$(MAKE) --no-print-directory $(OUT)/gen/metrics
	@$(OUT)/gen/metrics >docs/metrics.md.new && mv docs/metrics.md.new docs/metrics.md

install: all man completions $(UNITS) ## install programs, units, pages, completions below PREFIX (/usr/local), DESTDIR respected; a configuration that is there stays
	@set -e; $(foreach row,$(INSTALLED),$(call install_row,$(subst :, ,$(row))))
	@test -e $(DESTDIR)$(CONFDIR)/stockd.conf || install -D -m 644 service/systemd/stockd.conf $(DESTDIR)$(CONFDIR)/stockd.conf

uninstall: ## remove what install put there; a configuration that was changed stays
	@rm -f $(addprefix $(DESTDIR),$(INSTALLED_PLACES))
	@! cmp -s service/systemd/stockd.conf $(DESTDIR)$(CONFDIR)/stockd.conf || rm $(DESTDIR)$(CONFDIR)/stockd.conf
	@for dir in $(addprefix $(DESTDIR),$(INSTALLED_DIRS)); do test ! -d "$$dir" || rmdir --ignore-fail-on-non-empty "$$dir"; done

install-test: all ## install, install again and uninstall in an empty folder; what systemd says about the units
	@tests/tools/install.sh

deb: need-deb ## Debian packages of both programs in build/deb, looked through by lintian
	@rm -rf build/deb
	@debian/tree.sh '$(VERSION)' '$(COMMIT)' build/deb/stockd
	@cd build/deb/stockd && dpkg-buildpackage -us -uc -b
	@lintian --fail-on error,warning build/deb/*.changes
	@ls build/deb/*.deb

deb-test: need-deb-test ## packages built on fresh Debians (ARGS="bookworm trixie"), installed there, and run by a systemd; as root
	@tests/tools/deb_test.sh '$(VERSION)' '$(COMMIT)' $(or $(ARGS),bookworm trixie)

version: ## what --version will say
	@echo '$(VERSION)$(if $(COMMIT), ($(COMMIT)))'

clean: ## remove everything that was built
	rm -rf build compile_commands.json

FOR := test
deps: ## install Debian packages, starting no server; FOR=build, test (that is it unless said), lint, fuzz, bench, flame, ...
	@$(if $(WHY_$(FOR)),,echo "make deps: FOR=$(FOR) is none of $(GOALS)" >&2; exit 1)
	@{ $(HAVE_$(FOR)); } || tests/tools/deps.sh $(FOR) '$(WHY_$(FOR))' $(DEBS_$(FOR))

GOALS := $(sort $(patsubst WHY_%,%,$(filter WHY_%,$(.VARIABLES))))
NEEDS := $(addprefix need-,$(GOALS))
.PHONY: $(NEEDS)
$(NEEDS): need-%:
	@{ $(HAVE_$*); } || $(MAKE) --no-print-directory deps FOR=$*

# --- how things are built ---------------------------------------------------------------------

build/systemd/stockd.service: COMMAND := serve
build/systemd/stockd.service: ABOUT := stockd: stock reservations over HTTP
build/systemd/stockd-ledger.service: COMMAND := ledger
build/systemd/stockd-ledger.service: ABOUT := stockd ledger: events into SQL
build/systemd/stockd-hooks.service: COMMAND := hooks run
build/systemd/stockd-hooks.service: ABOUT := stockd hooks: events to URLs
$(UNITS): service/systemd/stockd.service.in Makefile FORCE
	@mkdir -p $(@D)
	@sed -e 's|@command@|$(COMMAND)|; s|@about@|$(ABOUT)|; s|@bindir@|$(BINDIR)|; s|@libdir@|$(LIBDIR)/stockd|; s|@docdir@|$(DOCDIR)|; s|@confdir@|$(CONFDIR)|' $< >$@

build/stockd build/stockload: build/%: build/release/%
	@ln -f $< $@ 2>/dev/null || cp $< $@

$(STOCKD): $(OUT)/obj/service/main.o $(SERVICE_OBJS) $(COMMON_OBJS)
	@echo "LD $@"
	@$(CC) $(LD_$(FLAVOUR)) -o $@ $^ $(LIB_LDLIBS) $(LDFLAGS)

$(STOCKLOAD): $(OUT)/obj/loadgen/main.o $(LOADGEN_OBJS) $(REDIS_OBJS) $(COMMON_OBJS)
	@echo "LD $@"
	@$(CC) $(LD_$(FLAVOUR)) -o $@ $^ $(LIB_LDLIBS) $(LDFLAGS)

$(SHOP): $(call obj,$(SHOP_C) tests/support/shop_rules.c) $(COMMON_OBJS)
	@echo "LD $@"
	@$(CC) $(LD_$(FLAVOUR)) -o $@ $^ $(LIB_LDLIBS) $(LDFLAGS)

$(OUT)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "CC $<"
	@$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Not assets.o: that is of assets.c.
$(OUT)/obj/service/http/builtin/asset_files.o: service/http/builtin/asset_files.S service/http/builtin/asset_list.h service/openapi.json $(wildcard service/http/pages/* common/page/*) $(CHART_JS) Makefile
	@mkdir -p $(@D)
	@$(CC) -Iservice -Iservice/http/pages -Icommon/page -DCHART_JS='"$(CHART_JS)"' -c -o $@ $<

$(OUT)/obj/service/ledger/schema_text.o: service/ledger/schema_text.S $(wildcard sql/*.sql)
	@mkdir -p $(@D)
	@$(CC) -Isql -c -o $@ $<

$(OUT)/obj/loadgen/report/assets.o: loadgen/report/assets.S $(wildcard loadgen/report/page/* common/page/*) $(CHART_JS) Makefile
	@mkdir -p $(@D)
	@$(CC) -Iloadgen/report/page -Icommon/page -DCHART_JS='"$(CHART_JS)"' -c -o $@ $<

$(OUT)/obj/loadgen/ui/assets.o: loadgen/ui/assets.S $(wildcard loadgen/ui/page/* common/page/*) Makefile
	@mkdir -p $(@D)
	@$(CC) -Iloadgen/ui/page -Icommon/page -c -o $@ $<

$(OUT)/gen/yaml2json: tests/tools/yaml2json.c tests/support/yaml.c Makefile
	@mkdir -p $(@D)
	@$(CC) -std=gnu17 $(WARN) -O1 -D_GNU_SOURCE $(INCLUDES) -o $@ $(filter %.c,$^) $$($(FIND_LIBS) --cflags --libs yaml-0.1 jansson)

$(OUT)/gen/metrics: $(call obj,tests/tools/metrics.c service/core/route.c service/core/access/role.c service/core/op.c) $(COMMON_OBJS)
	@mkdir -p $(@D)
	@$(CC) $(LD_$(FLAVOUR)) -o $@ $^ $(LIB_LDLIBS) $(LDFLAGS)

# By a name of its own each time: two may be made at once.
$(OUT)/gen/version.c: FORCE
	@mkdir -p $(@D)
	@new=$@.$$$$; printf '#include "version.h"\nconst char stockd_version[] = "%s";\n' '$(VERSION)$(if $(COMMIT), ($(COMMIT)))' >$$new; \
	    if cmp -s $$new $@; then rm $$new; else mv $$new $@; fi
$(OUT)/obj/gen/version.o: $(OUT)/gen/version.c
	@mkdir -p $(@D)
	@$(CC) $(ALL_CFLAGS) -c -o $@ $<
.PHONY: FORCE

# The programs whose name contains one of the words of T, or all: those that tests/run.sh runs.
meant = $(if $(T),$(foreach bin,$(1),$(if $(strip $(foreach word,$(T),$(findstring $(word),$(notdir $(bin))))),$(bin))),$(1))
tests-built:
	@$(MAKE) --no-print-directory $(if $(filter unit,$(WHAT)),$(call meant,$(UNIT_BINS)),$(STOCKD) $(STOCKLOAD) $(SHOP) $(REDIS_CLOCK) $(MEMORY_FAULTS) $(call meant,$(IT_BINS)))
.PHONY: fuzzers benchers pages-built lint-form lint-headers lint-analysis
fuzzers: $(FUZZ_BINS)
benchers: $(BENCH_BINS)
pages-built: $(PAGE_BINS)

# Everything but the programs' main(): a test is linked with what it calls of it, not with all.
SUPPORT_OBJS := $(call obj,$(SUPPORT_C))
ALL_PARTS := $(OUT)/parts.a
$(ALL_PARTS): $(SUPPORT_OBJS) $(LIB_OBJS)
	@rm -f $@
	@ar rcsT $@ $^

$(OUT)/unit/%: $(OUT)/obj/tests/unit/%.o $(ALL_PARTS)
	@mkdir -p $(@D)
	@$(CC) $(LD_$(FLAVOUR)) -o $@ $^ $(TEST_LDLIBS) $(LDFLAGS)
$(OUT)/it/%: $(OUT)/obj/tests/it/%.o $(ALL_PARTS)
	@mkdir -p $(@D)
	@$(CC) $(LD_$(FLAVOUR)) -o $@ $^ $(TEST_LDLIBS) $(LDFLAGS)
$(OUT)/soak/soak: $(call obj,$(SOAK_C)) $(ALL_PARTS)
	@mkdir -p $(@D)
	@$(CC) $(LD_$(FLAVOUR)) -o $@ $^ $(TEST_LDLIBS) $(LDFLAGS)
$(OUT)/chaos/chaos: $(call obj,$(CHAOS_C)) $(ALL_PARTS)
	@mkdir -p $(@D)
	@$(CC) $(LD_$(FLAVOUR)) -o $@ $^ $(TEST_LDLIBS) $(LDFLAGS)
$(OUT)/kept/keep_store: $(OUT)/obj/tests/kept/keep_store.o $(ALL_PARTS)
	@mkdir -p $(@D)
	@$(CC) $(LD_$(FLAVOUR)) -o $@ $^ $(TEST_LDLIBS) $(LDFLAGS)
# Without sanitizers, whatever they are loaded into: a redis-server has none.
$(OUT)/preload/%.so: tests/preload/%.c tests/preload/memory.h Makefile
	@mkdir -p $(@D)
	@$(CC) -std=gnu17 $(WARN) -O1 -g -D_GNU_SOURCE $(INCLUDES) -fPIC -shared -o $@ $<
$(OUT)/fuzz/%: $(OUT)/obj/tests/fuzz/%.o $(LIB_OBJS)
	@mkdir -p $(@D)
	@$(CC) $(LD_$(FLAVOUR)) -o $@ $^ $(LIB_LDLIBS) $(LDFLAGS)
$(OUT)/page/%: $(OUT)/obj/tests/page/%.o $(OUT)/obj/tests/support/report_sample.o $(LOADGEN_OBJS) $(REDIS_OBJS) $(COMMON_OBJS)
	@mkdir -p $(@D)
	@$(CC) $(LD_$(FLAVOUR)) -o $@ $^ $(TEST_LDLIBS) $(LDFLAGS)
# The ledger's benchmark calls the ledger itself; the others stand alone.
$(OUT)/bench/ledger: $(call obj,tests/support/postgres.c tests/support/proc.c) $(SERVICE_OBJS) $(COMMON_OBJS)
$(OUT)/bench/%: $(OUT)/obj/tests/bench/%.o
	@mkdir -p $(@D)
	@$(CC) $(LD_$(FLAVOUR)) -o $@ $^ $(LIB_LDLIBS) $(LDFLAGS)

# What takes seconds, and what takes minutes: .ci/run does the second beside its tests.
lint-form: need-lint
	@tests/tools/layers.sh
	@tests/tools/cycles.sh
	@tests/tools/names.sh
	@tests/tools/threats.sh
	@tests/tools/modules.sh service/http/pages
	@$(MAKE) --no-print-directory $(OUT)/gen/metrics
	@$(OUT)/gen/metrics | cmp -s - docs/metrics.md || { echo "docs/metrics.md is not what common/stats.h says: make metrics" >&2; exit 1; }
	@$(MAKE) --no-print-directory lint-headers
	@$(CLANG_FORMAT) --dry-run --Werror $(ALL_C) $(ALL_H)
# By a make of its own: the flags name what need-lint may just have installed.
lint-headers:
	@tests/tools/headers.sh '$(CC) $(ALL_CFLAGS)' $(ALL_H)
lint-analysis: need-lint compdb
	@printf '%s\n' $(COMMON_C) $(SERVICE_C) service/main.c $(LOADGEN_C) loadgen/main.c | xargs -P $$(nproc) -n 4 $(CLANG_TIDY) --quiet -p . 2>/dev/null

.SECONDARY:
-include $(wildcard $(OUT)/obj/*/*.d $(OUT)/obj/*/*/*.d $(OUT)/obj/*/*/*/*.d)

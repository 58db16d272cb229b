# SPDX-License-Identifier: GPL-2.0
# make            build/memleak-bpf           make demo        the main job, shown
# make check      all tests                   make deps        Debian's packages
# make experiments                            make bench fuzz lint clean install
# make check-vm KERNEL=all on other kernels    make kernels-table
# make allocators-table                       which allocators are traced exactly
# make check-cfi check-stacks                 against libdw and gdb, all of it
# make bench-leaks                            what a leak check costs
# make bench-doc  docs/benchmarks.md anew      make SANITIZE=1 with ASan and UBSan

BUILD := build$(if $(SANITIZE),-sanitize)
# ?= would do nothing: make has a CC of its own, cc.
ifeq ($(origin CC),default)
CC := gcc
endif
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
ARCH := $(shell uname -m | sed 's/x86_64/x86/;s/aarch64/arm64/')
VERSION := 0.1.0
# V=1 shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),@:,@printf '  %-7s %s\n' $(1) $@)

PACKAGES := gcc g++ make clang bpftool libbpf-dev libelf-dev libdw-dev libiberty-dev libjansson-dev \
	zlib1g-dev liblzma-dev libzydis-dev libc6-dev pkg-config
TEST_PACKAGES := libcmocka-dev valgrind libc6-dbg gdb musl-tools python3 git gawk procps jq binutils \
	xz-utils dwz libjemalloc2 libtcmalloc-minimal4 libmimalloc-dev libtbbmalloc2
# What reads completions and pictures; without one of these its test is skipped by name.
READER_PACKAGES := zsh fish golang-go heaptrack chromium
BENCH_PACKAGES := python3 git binutils
# What is linked in: their static libraries. tcmalloc with its profiler comes with them.
ALLOCATOR_PACKAGES := libjemalloc-dev libgoogle-perftools-dev
# cmocka: tests' headers are compiled, too.
LINT_PACKAGES := clang-format clang-tidy cppcheck shellcheck git python3 libcmocka-dev

CFLAGS ?= -O2 -g
USER_CFLAGS := $(CFLAGS) -std=gnu11 -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes \
	-Wstrict-prototypes -D_GNU_SOURCE -DMEMLEAK_VERSION='"$(VERSION)"' -I$(BUILD) -iquote user -iquote . \
	-MMD -MP
# Not before it is used: a fresh clone may have no compiler yet.
BPF_CFLAGS = -g -O2 -target bpf -mcpu=v2 -Wall -Wextra -Werror -Wno-unused-parameter \
	-D__TARGET_ARCH_$(ARCH) -Ivmlinux -idirafter /usr/include/$(shell $(CC) -dumpmachine) -MMD -MP
LDLIBS := -lbpf -ldw -lelf -liberty -ljansson -lZydis -lz -llzma
ifdef SANITIZE
USER_CFLAGS += -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
LDFLAGS += -fsanitize=address,undefined
endif

# Each of these is loaded by itself, if at all; the others are one.
LONE_BPF := holders hold
BPF_OBJECTS := $(patsubst bpf/%.bpf.c,$(BUILD)/bpf/%.bpf.o,\
	$(filter-out $(LONE_BPF:%=bpf/%.bpf.c),$(wildcard bpf/*.bpf.c)))
USER_SOURCES := $(wildcard user/*.c user/*/*.c user/*/*/*.c)
SKELETON_USERS := $(shell grep -l '"memleak.skel.h"' $(USER_SOURCES))
# Unit tests link with the part of the logic that they use; the skeletons and main stay outside.
LOGIC_OBJECTS := $(patsubst user/%.c,$(BUILD)/user/%.o,\
	$(filter-out user/main.c $(SKELETON_USERS) user/stays/holder_scan.c user/probes/holds.c,$(USER_SOURCES)))
LOGIC := $(BUILD)/logic.a
PAGE := $(BUILD)/user/output/page_parts.o
USER_OBJECTS := $(patsubst user/%.c,$(BUILD)/user/%.o,$(USER_SOURCES)) $(PAGE)
SKELETON := $(BUILD)/memleak.skel.h
LONE_SKELETONS := $(LONE_BPF:%=$(BUILD)/%.skel.h)

UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))
SYSTEM_TESTS := $(patsubst tests/system/%.c,$(BUILD)/tests/system/%,$(wildcard tests/system/test_*.c))
# Shared by the test programs of one folder: every file that is not itself a test.
UNIT_SUPPORT := $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c)))
SYSTEM_SUPPORT := $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/system/test_%,$(wildcard tests/system/*.c)))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all deps check-deps demo bench bench-doc bench-leaks bench-leaks-doc experiments check check-unit check-system check-vm kernels-table allocators-table lint clean install uninstall tests victims check-cfi check-stacks

all: $(BUILD)/memleak-bpf

$(BUILD)/memleak-bpf: $(USER_OBJECTS)
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(SKELETON_USERS:%.c=$(BUILD)/%.o): $(SKELETON)
$(BUILD)/user/stays/holder_scan.o: $(BUILD)/holders.skel.h
$(BUILD)/user/probes/holds.o: $(BUILD)/hold.skel.h
$(BUILD)/tests/system/test_cpus.o: $(SKELETON)

$(BUILD)/user/%.o: user/%.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(USER_CFLAGS) -c -o $@ $<

$(BUILD)/page_%.html: page/page.html page/page.css page/page.js tools/page
	@mkdir -p $(@D)
	$(call say,PAGE)
	$(Q)tools/page $* >$@

$(PAGE): user/output/page_parts.S $(BUILD)/page_head.html $(BUILD)/page_tail.html
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) -I$(BUILD) -Wa,-I$(BUILD) -c -o $@ $<

$(LOGIC): $(LOGIC_OBJECTS) $(PAGE)
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(call say,CLANG)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c -o $@ $<

$(BUILD)/memleak.bpf.o: $(BPF_OBJECTS)
	$(call say,BPF)
	$(Q)$(BPFTOOL) gen object $@ $^

$(SKELETON): $(BUILD)/memleak.bpf.o
	$(call say,SKEL)
	$(Q)$(BPFTOOL) gen skeleton $< name memleak_bpf > $@

$(LONE_SKELETONS): $(BUILD)/%.skel.h: $(BUILD)/bpf/%.bpf.o
	$(call say,SKEL)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

# Unit tests wrap the allocator, so that it can be told to fail.
UNIT_LDFLAGS := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup

$(BUILD)/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(USER_CFLAGS) -iquote bpf -iquote tests/unit -c -o $@ $<

$(BUILD)/tests/unit/test_%: $(BUILD)/tests/unit/test_%.o $(UNIT_SUPPORT) $(LOGIC)
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS) $(UNIT_LDFLAGS) -o $@ $^ -lcmocka $(LDLIBS)

$(BUILD)/tests/system/test_%: $(BUILD)/tests/system/test_%.o $(SYSTEM_SUPPORT)
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lcmocka -ljansson $(if $(filter %/test_cpus,$@),-lbpf)

# Every program and library of this machine against libdw: some minutes.
$(BUILD)/tests/oracle/check_cfi: $(BUILD)/tests/oracle/check_cfi.o \
		$(BUILD)/tests/unit/cfi_against_libdw.o $(LOGIC)
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

check-cfi: check-deps
	$(MAKE) $(BUILD)/tests/oracle/check_cfi
	@find /usr/lib /usr/bin /usr/sbin -type f \( -name '*.so*' -o -perm -u+x \) -size -2G \
		-exec $(BUILD)/tests/oracle/check_cfi {} +

include tests/victims/victims.mk
include tests/fuzz/fuzz.mk

# The stacks of large programs too, against gdb's: two minutes.
check-stacks: check-deps
	$(MAKE) all $(BUILD)/tests/system/test_stacks_against_gdb
	@BUILD=$(BUILD) STACKS_ALL=1 VERBOSE=1 tests/run system $(BUILD)/tests/system/test_stacks_against_gdb

tests: $(UNIT_TESTS) $(SYSTEM_TESTS)

# Two programs run at a time, but for these. Unit tests: they measure time. System tests: they watch the
# whole system, measure the machine's memory, or count the BPF objects that are left; they would see what
# the others run. gdb does not see its own breakpoints in a file where a tracer has some. And a tracer
# warns of every debugger, as which another one's leak check counts.
UNIT_ALONE := test_name_budget test_symbol_speed
SYSTEM_ALONE := test_attach test_containers test_experiments test_first_thread test_growth test_hold \
	test_hold_safety test_huge_pages test_leak_children test_leak_kinds test_leak_live \
	test_leak_process test_leak_programs test_leak_results test_leak_system test_long_run \
	test_mute_files test_new_files test_output test_robust test_stacks_against_gdb test_stays test_system \
	test_system_files test_terminal test_translators test_undisturbed test_waiting test_weight

# In two steps, here and below: the build can depend on packages that were installed just before.
check-unit: check-deps
	$(MAKE) $(UNIT_TESTS)
	@JOBS=2 ALONE="$(UNIT_ALONE)" tests/run unit $(UNIT_TESTS)

# Under ASan: it would forbid core dumps, and it refuses the LD_PRELOAD of the comparisons with Valgrind
# and gdb.
check-system: check-deps
	$(MAKE) all $(SYSTEM_TESTS)
	@BUILD=$(BUILD) FORCED=$(BUILD)/memleak-bpf JOBS=2 ALONE="$(SYSTEM_ALONE)" \
		$(if $(SANITIZE),,RESULTS=$${VM_CACHE:-.cache/vm}/results/host) \
		$(if $(SANITIZE),ASAN_OPTIONS=disable_coredump=0) tests/run system \
		$(if $(SANITIZE),$(filter-out %/test_leak_programs %/test_oracle \
			%/test_stacks_against_gdb,$(SYSTEM_TESTS)),$(SYSTEM_TESTS))

check: check-deps
	$(MAKE) tests all
	$(MAKE) check-unit check-system

# The same system tests on other kernels, in an emulator: KERNEL=6.1 (the default), others, or all.
# tests/vm/plan says which tests; COMPLETE=1 runs every one.
check-vm: check-deps
	@tools/deps $$(cat tests/vm/packages)
	$(MAKE) all $(SYSTEM_TESTS) $(BUILD)/tests/oracle.json
	@BUILD=$(BUILD) tests/vm/check

# Valgrind's counts of Debian's programs as they are now, for guests without Valgrind. test_oracle also
# writes them when it runs as a test.
$(BUILD)/tests/oracle.json: $(BUILD)/tests/system/test_oracle $(wildcard /var/lib/dpkg/status)
	$(call say,COUNT)
	$(Q)$< --record

# The table in docs/kernels.md, from what the last `make check` and `make check-vm KERNEL=all` left.
kernels-table:
	@BUILD=$(BUILD) tests/vm/table

# The table in docs/allocators.md, from programs that know what they hold: some minutes.
allocators-table: check-deps
	@tools/deps $(ALLOCATOR_PACKAGES)
	$(MAKE) all
	@BUILD=$(BUILD) tools/allocators-table --doc docs/allocators.md

deps:
	@tools/deps $(PACKAGES)

check-deps: deps
	@tools/deps $(TEST_PACKAGES)
	@tools/deps $(READER_PACKAGES) || echo "deps: what these packages read is not tested"

demo: deps
	$(MAKE) all victims
	@BUILD=$(BUILD) tools/demo

bench: deps
	@tools/deps $(BENCH_PACKAGES)
	$(MAKE) all victims
	@BUILD=$(BUILD) tools/bench

# The document's figures, as this run prints them. MEMLEAK=PATH names libbpf-tools memleak.
bench-doc: deps
	@tools/deps $(BENCH_PACKAGES)
	$(MAKE) all victims
	@BUILD=$(BUILD) tools/bench --doc docs/benchmarks.md

bench-leaks: deps
	@tools/deps $(BENCH_PACKAGES)
	$(MAKE) all
	@BUILD=$(BUILD) tools/bench-leaks

bench-leaks-doc: deps
	@tools/deps $(BENCH_PACKAGES)
	$(MAKE) all
	@BUILD=$(BUILD) tools/bench-leaks --doc docs/benchmarks.md

# An experiment that this machine can't run ends with status 77 and says why; that is no failure.
experiments: COUNT ?= 100
experiments: deps
	$(MAKE) all victims
	@for experiment in "leak-1000 $(COUNT)" ls-twice linux-ate-my-ram dripping-daemon; do \
		BUILD=$(BUILD) tools/experiments/$$experiment || [ $$? -eq 77 ] || exit 1; \
	done

lint: deps
	@tools/deps $(LINT_PACKAGES)
	$(MAKE) $(SKELETON) $(LONE_SKELETONS)
	@BUILD=$(BUILD) tools/lint

PREFIX ?= /usr/local
# The system's own: logrotate looks nowhere else.
SYSCONFDIR ?= $(if $(filter /usr /usr/local,$(PREFIX)),/etc,$(PREFIX)/etc)
SBINDIR := $(PREFIX)/sbin
INSTALLED_PROGRAM := $(SBINDIR)/memleak-bpf
INSTALLED_MAN := $(PREFIX)/share/man/man8/memleak-bpf.8
INSTALLED_SERVICE := $(PREFIX)/lib/systemd/system/memleak-bpf.service
INSTALLED_LOGROTATE := $(SYSCONFDIR)/logrotate.d/memleak-bpf
INSTALLED_BASH := $(PREFIX)/share/bash-completion/completions/memleak-bpf
INSTALLED_ZSH := $(PREFIX)/share/zsh/vendor-completions/_memleak-bpf
INSTALLED_FISH := $(PREFIX)/share/fish/vendor_completions.d/memleak-bpf.fish
INSTALLED := $(INSTALLED_PROGRAM) $(INSTALLED_MAN) $(INSTALLED_SERVICE) $(INSTALLED_LOGROTATE) \
	$(INSTALLED_BASH) $(INSTALLED_ZSH) $(INSTALLED_FISH)

# install_completion SHELL,FILE
install_completion = install -D -m 644 /dev/null $(DESTDIR)$2 && \
	$(BUILD)/memleak-bpf --completion $1 >$(DESTDIR)$2

install: $(BUILD)/memleak-bpf
	install -D -m 755 $(BUILD)/memleak-bpf $(DESTDIR)$(INSTALLED_PROGRAM)
	install -D -m 644 man/memleak-bpf.8 $(DESTDIR)$(INSTALLED_MAN)
	install -D -m 644 service/memleak-bpf.service.in $(DESTDIR)$(INSTALLED_SERVICE)
	sed -i 's|@SBINDIR@|$(SBINDIR)|' $(DESTDIR)$(INSTALLED_SERVICE)
	install -D -m 644 service/logrotate $(DESTDIR)$(INSTALLED_LOGROTATE)
	$(call install_completion,bash,$(INSTALLED_BASH))
	$(call install_completion,zsh,$(INSTALLED_ZSH))
	$(call install_completion,fish,$(INSTALLED_FISH))

uninstall:
	rm -f $(addprefix $(DESTDIR),$(INSTALLED))

clean:
	rm -rf build build-sanitize

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

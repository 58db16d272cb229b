# SPDX-License-Identifier: GPL-2.0
# Hostile bytes for the parsers: make fuzz, or fuzz-NAME for one of FUZZERS. FUZZ_SECONDS is for each.
# Useful inputs stay in .cache/fuzz/NAME, where the next run begins. An input that found a defect is
# $(BUILD)/fuzz/crash-*: give it to $(BUILD)/fuzz/NAME to see the defect again.
# Included by the Makefile.

FUZZ_SECONDS ?= 60
FUZZ_CORPORA := .cache/fuzz
# In addition to the tracer's packages. Found after deps, since clang's version names the fuzzers' library.
FUZZ_PACKAGES = libclang-rt-$(shell $(CLANG) -dumpversion | cut -d . -f 1)-dev binutils xz-utils
# gcc and lint give the warnings.
FUZZ_CC = $(CLANG) $(USER_CFLAGS) -O1 -w -fno-sanitize-recover=undefined
FUZZ_SANITIZERS := address,undefined

# All the logic, built for fuzzing: each fuzzer links with the part that it uses, like the unit tests.
FUZZ_LOGIC := $(BUILD)/fuzz/logic.a

# Each with the longest input in bytes.
FUZZERS := elf placement returns perf_map cfi symbols suppressions areas arenas
FUZZ_BYTES_elf := 65536
FUZZ_BYTES_placement := 256
FUZZ_BYTES_returns := 20000
FUZZ_BYTES_perf_map := 20000
FUZZ_BYTES_cfi := 65536
FUZZ_BYTES_symbols := 65536
FUZZ_BYTES_suppressions := 4096
FUZZ_BYTES_areas := 4096
FUZZ_BYTES_arenas := 512

.PHONY: fuzz fuzz-deps $(FUZZERS:%=fuzz-%)

fuzz: $(FUZZERS:%=fuzz-%)

fuzz-deps: deps
	@tools/deps $(FUZZ_PACKAGES)

$(BUILD)/fuzz/%.o: %.c | fuzz-deps
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(FUZZ_CC) -fsanitize=fuzzer-no-link,$(FUZZ_SANITIZERS) -c -o $@ $<

$(FUZZ_LOGIC): $(LOGIC_OBJECTS:$(BUILD)/%=$(BUILD)/fuzz/%)
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(FUZZERS:%=$(BUILD)/fuzz/%): $(BUILD)/fuzz/%: $(BUILD)/fuzz/tests/fuzz/fuzz_%.o $(FUZZ_LOGIC)
	$(call say,LINK)
	$(Q)$(FUZZ_CC) -fsanitize=fuzzer,$(FUZZ_SANITIZERS) -o $@ $^ $(LDLIBS)

$(BUILD)/fuzz/arenas: $(BUILD)/fuzz/tests/unit/made_arenas.o

$(FUZZERS:%=fuzz-%): fuzz-%: fuzz-deps $(BUILD)/fuzz/%
	@mkdir -p $(FUZZ_CORPORA)/$*
	$(call say,FUZZ)
	$(Q)tests/fuzz/seed $* $(FUZZ_CORPORA)/$*
	$(Q)$(BUILD)/fuzz/$* -max_len=$(FUZZ_BYTES_$*) -max_total_time=$(FUZZ_SECONDS) -verbosity=0 \
		-print_final_stats=1 -artifact_prefix=$(BUILD)/fuzz/ $(FUZZ_CORPORA)/$* \
		>$(BUILD)/fuzz/$*.log 2>&1 || { cat $(BUILD)/fuzz/$*.log; exit 1; }
	@sed -n 's/^stat::number_of_executed_units: /fuzz: $*: no defect, inputs tried: /p' \
		$(BUILD)/fuzz/$*.log

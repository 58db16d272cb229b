# SPDX-License-Identifier: GPL-2.0
# Hostile bytes for the parsers: make fuzz, or fuzz-NAME for one of FUZZERS. FUZZ_SECONDS is for each.
# Useful inputs stay in .cache/fuzz/NAME, where the next run begins. An input that found a defect is
# $(BUILD)/fuzz/crash-*: give it to $(BUILD)/fuzz/NAME to see the defect again.
# Included by the Makefile.

FUZZ_SECONDS ?= 60
FUZZ_CORPORA := .cache/fuzz
# In addition to the tracer's packages. Found after deps, since clang's version names the fuzzers' library.
FUZZ_PACKAGES = libclang-rt-$(shell $(CLANG) -dumpversion | cut -d . -f 1)-dev binutils xz-utils
FUZZ_CC = $(CLANG) -g -O1 -std=gnu11 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined \
	-fno-sanitize-recover=undefined -iquote user -iquote .

# The parts of each: the files in user/'s rooms that it needs, the libraries that these need, and the longest
# input in bytes.
FUZZERS := elf placement perf_map cfi symbols
FUZZED_elf := allocators command_words elf_closure elf_file elf_headers elf_image ldso_cache \
	library_path library_search line_wrap load_list log named_functions patient_open placement process_root \
	program_loader sanitize_text scan_budget shared_object terminal vfork_users
FUZZED_placement := placement
FUZZED_perf_map := perf_map
FUZZED_cfi := byte_cursor cfi cfi_expression cfi_program cfi_rule counted_heap elf_headers \
	encoded_pointer machine_x86_64 unwind_image unwind_rows
FUZZED_symbols := build_id counted_heap debug_file elf_copy elf_file elf_headers elf_symbols line_wrap \
	log mini_debug_info patient_open plt_symbols process_root sanitize_text scan_budget terminal
FUZZ_LIBRARIES_elf := -lZydis
FUZZ_LIBRARIES_placement := -lZydis
FUZZ_LIBRARIES_symbols := -lelf -llzma -lz
FUZZ_BYTES_elf := 65536
FUZZ_BYTES_placement := 256
FUZZ_BYTES_perf_map := 20000
FUZZ_BYTES_cfi := 65536
FUZZ_BYTES_symbols := 65536

.PHONY: fuzz fuzz-deps $(FUZZERS:%=fuzz-%)

fuzz: $(FUZZERS:%=fuzz-%)

fuzz-deps: deps
	@tools/deps $(FUZZ_PACKAGES)

$(FUZZERS:%=fuzz-%): fuzz-%: fuzz-deps
	@mkdir -p $(BUILD)/fuzz $(FUZZ_CORPORA)/$*
	$(call say,FUZZ)
	$(Q)$(FUZZ_CC) -o $(BUILD)/fuzz/$* tests/fuzz/fuzz_$*.c \
		$(foreach name,$(FUZZED_$*),$(wildcard user/*/$(name).c)) $(FUZZ_LIBRARIES_$*)
	$(Q)tests/fuzz/seed $* $(FUZZ_CORPORA)/$*
	$(Q)$(BUILD)/fuzz/$* -max_len=$(FUZZ_BYTES_$*) -max_total_time=$(FUZZ_SECONDS) -verbosity=0 \
		-print_final_stats=1 -artifact_prefix=$(BUILD)/fuzz/ $(FUZZ_CORPORA)/$* \
		>$(BUILD)/fuzz/$*.log 2>&1 || { cat $(BUILD)/fuzz/$*.log; exit 1; }
	@sed -n 's/^stat::number_of_executed_units: /fuzz: $*: no defect, inputs tried: /p' \
		$(BUILD)/fuzz/$*.log

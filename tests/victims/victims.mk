# SPDX-License-Identifier: GPL-2.0
# The programs that the system tests trace, each built into $(BUILD)/tests/victims/NAME. Included by
# the Makefile. -fno-builtin: the compiler must not drop or merge calls of malloc and free, they are
# what is counted.

VICTIM_DIR := $(BUILD)/tests/victims
VICTIM_WARNINGS := -Wall -Wextra -Werror -Wshadow
VICTIM_FLAGS := -O2 -g -D_GNU_SOURCE -fno-builtin -MMD -MP
VICTIM_FRAMES := -fno-omit-frame-pointer -fno-optimize-sibling-calls
VICTIM_C := $(CC) -std=gnu11 -Wmissing-prototypes -Wstrict-prototypes $(VICTIM_WARNINGS) $(VICTIM_FLAGS)
VICTIM_CXX := $(CXX) -std=gnu++17 $(VICTIM_WARNINGS) $(VICTIM_FLAGS)

# Plain C programs, with frame pointers, linked dynamically.
VICTIM_PLAIN := leak64 hello family realloc_forms failed zero hammer cross_free die obey drip \
	relatives seccomp jump in_handler million many_stacks load_plugin shared_memory \
	echo_signals pass world ids frames eat sizes forks brief storm weigh \
	inlined run_time_code
VICTIM_CXX_PROGRAMS := bad_alloc shapes
# The same sources linked otherwise: NAME_VARIANT.
VICTIM_STATIC := family_static obey_static frames_static hammer_static leak64_static
VICTIM_MUSL_TOOL := $(shell command -v musl-gcc 2>/dev/null)
VICTIM_MUSL := $(if $(VICTIM_MUSL_TOOL),family_musl realloc_forms_musl zero_musl hammer_musl \
	die_musl frames_musl)
VICTIM_MUSL_STATIC := $(if $(VICTIM_MUSL_TOOL),family_muslstatic)

VICTIMS := $(addprefix $(VICTIM_DIR)/,$(VICTIM_PLAIN) $(VICTIM_CXX_PROGRAMS) $(VICTIM_STATIC) \
	$(VICTIM_MUSL) $(VICTIM_MUSL_STATIC) frames_omit frames_nopie leak64_stripped \
	leak64_static_stripped no_allocator libplugin.so)

victims: $(VICTIMS)

# The system tests look for them at run time only.
$(SYSTEM_TESTS): | $(VICTIMS)

$(addprefix $(VICTIM_DIR)/,$(VICTIM_PLAIN)): $(VICTIM_DIR)/%: tests/victims/%.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_C) $(VICTIM_FRAMES) -o $@ $< -pthread -ldl -lrt

$(addprefix $(VICTIM_DIR)/,$(VICTIM_CXX_PROGRAMS)): $(VICTIM_DIR)/%: tests/victims/%.cc
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_CXX) $(VICTIM_FRAMES) -o $@ $<

$(addprefix $(VICTIM_DIR)/,$(VICTIM_STATIC)): $(VICTIM_DIR)/%_static: tests/victims/%.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_C) $(VICTIM_FRAMES) -static -o $@ $< -pthread

$(addprefix $(VICTIM_DIR)/,$(VICTIM_MUSL)): $(VICTIM_DIR)/%_musl: tests/victims/%.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_MUSL_TOOL) -std=gnu11 $(VICTIM_WARNINGS) $(VICTIM_FLAGS) $(VICTIM_FRAMES) -o $@ $<

$(addprefix $(VICTIM_DIR)/,$(VICTIM_MUSL_STATIC)): $(VICTIM_DIR)/%_muslstatic: tests/victims/%.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_MUSL_TOOL) -std=gnu11 $(VICTIM_WARNINGS) $(VICTIM_FLAGS) $(VICTIM_FRAMES) -static -o $@ $<

$(VICTIM_DIR)/frames_omit: tests/victims/frames.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_C) -fomit-frame-pointer -o $@ $<

# Not position independent: its addresses are its file's.
$(VICTIM_DIR)/frames_nopie: tests/victims/frames.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_C) $(VICTIM_FRAMES) -fno-pie -no-pie -o $@ $<

# No names at all of its own: libc's are still there.
$(VICTIM_DIR)/leak64_stripped: tests/victims/leak64.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_C) $(VICTIM_FRAMES) -s -o $@ $<

# An allocator that nobody can find by name.
$(VICTIM_DIR)/leak64_static_stripped: tests/victims/leak64.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_C) $(VICTIM_FRAMES) -static -s -o $@ $<

$(VICTIM_DIR)/no_allocator: tests/victims/no_allocator.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_C) -ffreestanding -fno-stack-protector -fno-pie -static -no-pie -nostdlib -o $@ $<

$(VICTIM_DIR)/libplugin.so: tests/victims/plugin.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_C) $(VICTIM_FRAMES) -fPIC -shared -o $@ $<

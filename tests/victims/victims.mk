# SPDX-License-Identifier: GPL-2.0
# The programs that the system tests trace, each built into $(BUILD)/tests/victims/NAME. Included by
# the Makefile. -fno-builtin: the compiler must not drop or merge calls of malloc and free, since the
# tests count them.

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
	inlined run_time_code cut_return mute_fs churn prefork \
	leak_kinds leak_threads leak_ends leak_forks leak_daemon leak_sleeper \
	leak_old_words own_names extended_names unknown_pool slow_end copied_text grow
VICTIM_CXX_PROGRAMS := bad_alloc shapes leaky_cache new_forms
# The same sources linked otherwise: NAME_VARIANT.
VICTIM_STATIC := family_static obey_static frames_static hammer_static leak64_static leak_kinds_static
VICTIM_MUSL_TOOL := $(shell command -v musl-gcc 2>/dev/null)
VICTIM_MUSL := $(if $(VICTIM_MUSL_TOOL),family_musl realloc_forms_musl zero_musl hammer_musl \
	die_musl frames_musl leak_kinds_musl)
VICTIM_MUSL_STATIC := $(if $(VICTIM_MUSL_TOOL),family_muslstatic leak_kinds_muslstatic)
VICTIM_MUSL_STRIPPED := $(if $(VICTIM_MUSL_TOOL),leak64_musl_stripped)
# Without frame pointers, as distributions build.
VICTIM_WALKS := walks walks_static walks_static_pie walks_stripped walks_cxx cache single_step \
	single_step_static two_plugins libplugin_small.so libplugin_large.so libkeep_blocks.so \
	libbump_allocator.so
# With wrappers of malloc and free between them and libc, one or two.
VICTIM_WRAPPERS := libwrap_record_first.so libwrap_real_first.so libpart_calls.so libpart_jumps.so
VICTIM_WRAPPED := forks_wrapped realloc_forms_wrapped hammer_wrapped obey_wrapped
VICTIM_UNSEEN := unseen_blocks_calls unseen_blocks_jumps

VICTIMS := $(addprefix $(VICTIM_DIR)/,$(VICTIM_PLAIN) $(VICTIM_CXX_PROGRAMS) $(VICTIM_STATIC) \
	$(VICTIM_MUSL) $(VICTIM_MUSL_STATIC) $(VICTIM_MUSL_STRIPPED) frames_omit frames_nopie leak64_stripped \
	leak64_static_stripped family_static_stripped no_allocator own_names_pool resources libplugin.so libleak_library.so leak_cxx $(VICTIM_WALKS) \
	$(VICTIM_WRAPPERS) $(VICTIM_WRAPPED) $(VICTIM_UNSEEN))

victims: $(VICTIMS)

# The system tests look for them at run time only.
$(SYSTEM_TESTS): | $(VICTIMS)

# A first call that is resolved late leaves copies of registers on the stack, pointers among them.
$(addprefix $(VICTIM_DIR)/,leak_kinds leak_threads leak_ends leak_forks leak_cxx): VICTIM_FRAMES += -Wl,-z,now

$(addprefix $(VICTIM_DIR)/,$(VICTIM_PLAIN)): $(VICTIM_DIR)/%: tests/victims/%.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_C) $(VICTIM_FRAMES) -o $@ $< -pthread -ldl -lrt

# As own_names, with names that nobody knows.
POOL_NAMES := $(foreach name,malloc calloc free mallocx rallocx xallocx dallocx sdallocx mallctl,-Dje_$(name)=pool_$(name))
$(VICTIM_DIR)/own_names_pool: tests/victims/own_names.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_C) $(POOL_NAMES) $(VICTIM_FRAMES) -o $@ $<

$(VICTIM_DIR)/libresource_pool.so: tests/victims/resource_pool.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_C) -fPIC -shared -fvisibility=hidden -o $@ $<

$(VICTIM_DIR)/libthrowing_pool.so: tests/victims/throwing_pool.cc
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_CXX) -fPIC -shared -fvisibility=hidden -o $@ $<

$(VICTIM_DIR)/resources: tests/victims/resources.cc $(VICTIM_DIR)/libresource_pool.so $(VICTIM_DIR)/libthrowing_pool.so
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_CXX) $(VICTIM_FRAMES) -o $@ $^ -Wl,-rpath,'$$ORIGIN'

$(addprefix $(VICTIM_DIR)/,$(VICTIM_CXX_PROGRAMS)): $(VICTIM_DIR)/%: tests/victims/%.cc
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_CXX) $(VICTIM_FRAMES) -o $@ $<

$(addprefix $(VICTIM_DIR)/,$(VICTIM_STATIC)): $(VICTIM_DIR)/%_static: tests/victims/%.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_C) $(VICTIM_FRAMES) -static -DSTATIC -o $@ $< -pthread

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
$(addprefix $(VICTIM_DIR)/,leak64_static_stripped family_static_stripped): \
	$(VICTIM_DIR)/%_static_stripped: tests/victims/%.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_C) $(VICTIM_FRAMES) -static -s -o $@ $<

$(VICTIM_DIR)/leak64_musl_stripped: tests/victims/leak64.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_MUSL_TOOL) -static -s -O2 -fno-builtin -o $@ $<

$(VICTIM_DIR)/no_allocator: tests/victims/no_allocator.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_C) -ffreestanding -fno-stack-protector -fno-pie -static -no-pie -nostdlib -o $@ $<

$(VICTIM_DIR)/libplugin.so $(VICTIM_DIR)/libleak_library.so: $(VICTIM_DIR)/lib%.so: tests/victims/%.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_C) $(VICTIM_FRAMES) -fPIC -shared -o $@ $<

# With the old string of libstdc++, a pointer into the middle of a block.
$(VICTIM_DIR)/leak_cxx: tests/victims/leak_cxx.cc
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_CXX) -D_GLIBCXX_USE_CXX11_ABI=0 $(VICTIM_FRAMES) -o $@ $<

VICTIM_OMIT := $(VICTIM_C) -fomit-frame-pointer -pthread

$(VICTIM_DIR)/walks: tests/victims/walks.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_OMIT) -o $@ $<

$(VICTIM_DIR)/walks_static: tests/victims/walks.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_OMIT) -static -o $@ $<

$(VICTIM_DIR)/walks_static_pie: tests/victims/walks.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_OMIT) -static-pie -fPIE -o $@ $<

$(VICTIM_DIR)/walks_stripped: tests/victims/walks.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_OMIT) -s -o $@ $<

$(VICTIM_DIR)/walks_cxx $(VICTIM_DIR)/cache: $(VICTIM_DIR)/%: tests/victims/%.cc
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_CXX) -fomit-frame-pointer -pthread -o $@ $<

# Each function of a library is resolved when it is called first.
$(VICTIM_DIR)/single_step: tests/victims/single_step.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_OMIT) -Wl,-z,lazy -o $@ $<

$(VICTIM_DIR)/single_step_static: tests/victims/single_step.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_OMIT) -static -o $@ $<

$(VICTIM_DIR)/two_plugins: tests/victims/two_plugins.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_OMIT) -o $@ $< -ldl

$(VICTIM_DIR)/libplugin_small.so $(VICTIM_DIR)/libplugin_large.so: tests/victims/framed_plugin.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_OMIT) -fPIC -shared -o $@ $< \
		-DFRAME_BYTES=$(if $(findstring small,$@),1000,3000)

$(VICTIM_DIR)/libkeep_blocks.so: tests/victims/keep_blocks.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_OMIT) -fPIC -shared -Wl,-z,now -o $@ $<

$(VICTIM_DIR)/libbump_allocator.so: tests/victims/bump_allocator.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_OMIT) -fPIC -shared -o $@ $<

VICTIM_WRAPPER := $(VICTIM_OMIT) -fPIC -shared -ldl

$(VICTIM_DIR)/libwrap_record_first.so $(VICTIM_DIR)/libwrap_real_first.so: tests/victims/wrapper.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_WRAPPER) -o $@ $< $(if $(findstring record,$@),-DRECORD_FIRST)

$(VICTIM_DIR)/libpart_calls.so $(VICTIM_DIR)/libpart_jumps.so: tests/victims/part_wrapper.c
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_WRAPPER) -o $@ $< $(if $(findstring jumps,$@),-DJUMP)

VICTIM_LINK_WRAPPERS := -L$(VICTIM_DIR) -Wl,-rpath,'$$ORIGIN' -Wl,--no-as-needed

$(addprefix $(VICTIM_DIR)/,$(VICTIM_WRAPPED)): $(VICTIM_DIR)/%_wrapped: tests/victims/%.c \
		$(VICTIM_DIR)/libwrap_record_first.so $(VICTIM_DIR)/libwrap_real_first.so
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_C) $(VICTIM_FRAMES) -o $@ $< -pthread -ldl $(VICTIM_LINK_WRAPPERS) \
		-lwrap_record_first -lwrap_real_first

$(addprefix $(VICTIM_DIR)/,$(VICTIM_UNSEEN)): $(VICTIM_DIR)/unseen_blocks_%: \
		tests/victims/unseen_blocks.c $(VICTIM_DIR)/libpart_%.so
	@mkdir -p $(@D)
	$(call say,VICTIM)
	$(Q)$(VICTIM_C) $(VICTIM_FRAMES) -o $@ $< $(VICTIM_LINK_WRAPPERS) -lpart_$*

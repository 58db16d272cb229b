// SPDX-License-Identifier: GPL-2.0
/*
 * An address in, its functions and source lines out, by libdw. Two levels of sorted tables tell
 * which unit covers an address, and which function of the unit; each is built when first needed.
 * Below a function its tree is searched each time; the symbolizer remembers the answers.
 * (.debug_aranges would spare the first table, but clang leaves it out, and the table is built in
 * milliseconds.)
 *
 * DWARF is hostile. libdw checks each access, but follows any loop, reads any number of entries,
 * and opens files that the DWARF names (.dwo, dwz) without asking what they are. So every walk only
 * goes forward through the section, the time per file is limited, and no call is made that opens
 * files: split units yield lines but no inlined functions.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/counted_heap.h"
#include "names/debug_sections.h"
#include "names/lines.h"
#include "base/range_table.h"

#define MAX_UNITS 1000000
#define MAX_RANGES_PER_ENTRY 1000000
#define MAX_NESTING 64 /* of inlined functions and blocks, or of namespaces */
/* Processor time for one file: a fixed part to build tables, and something for each look-up. */
#define ALLOWED_NS 1000000000ull
#define ALLOWED_NS_PER_LOOKUP 4000000ull
#define WORK_BETWEEN_CLOCKS 1024

struct unit {
	Dwarf_Off offset; /* of its entry */
	struct range_table functions; /* value: offset of the entry of the function */
	bool functions_read;
	bool lines_checked, lines_usable;
};

struct lines {
	struct debug_sections sections;
	uint64_t lowest_text;
	struct unit *units;
	size_t nr_units, units_capacity;
	struct range_table unit_ranges; /* value: index in units */
	bool units_read;
	uint64_t allowed_ns, spent_ns, lookup_start_ns;
	unsigned int work;
	bool broken; /* took too long, or out of memory: answers nothing any more */
};

/* An inlined function that covers the address, and where it was called from. */
struct call {
	Dwarf_Die die;
	const char *file;
	unsigned int line;
};

/* libdw's handler of exhausted memory gets no context, and must not return. */
static _Thread_local jmp_buf *out_of_memory;

static __attribute__((noreturn)) void leave_libdw(void)
{
	longjmp(*out_of_memory, 1);
}

/* Call this at each step of a loop whose length the file decides. True: give up. */
static bool out_of_time(struct lines *lines)
{
	uint64_t spent_ns;

	if (counted_heap__is_full())
		lines->broken = true;
	if (++lines->work % WORK_BETWEEN_CLOCKS || lines->broken)
		return lines->broken;
	spent_ns = lines->spent_ns + clock__thread_cpu_ns() - lines->lookup_start_ns;
	if (spent_ns > lines->allowed_ns)
		lines->broken = true;
	return lines->broken;
}

int lines__open(struct lines **result, struct elf_file *file, uint64_t lowest_text)
{
	struct lines *lines = calloc(1, sizeof(*lines));
	int err;

	if (!lines) {
		elf_file__close(file);
		return -ENOMEM;
	}
	err = debug_sections__open(&lines->sections, file);
	if (err) {
		free(lines);
		return err;
	}
	dwarf_new_oom_handler(lines->sections.dwarf, leave_libdw);
	if (lines->sections.alternate_dwarf)
		dwarf_new_oom_handler(lines->sections.alternate_dwarf, leave_libdw);
	lines->lowest_text = lowest_text;
	lines->allowed_ns = ALLOWED_NS;
	*result = lines;
	return 0;
}

void lines__free(struct lines *lines)
{
	if (!lines)
		return;
	for (size_t i = 0; i < lines->nr_units; i++)
		range_table__free(&lines->units[i].functions);
	free(lines->units);
	range_table__free(&lines->unit_ranges);
	debug_sections__close(&lines->sections);
	free(lines);
}

bool lines__are_given_up(const struct lines *lines)
{
	return lines && lines->broken;
}

/* Adds the address ranges of an entry to a table. */
static int add_ranges(struct lines *lines, struct range_table *table, Dwarf_Die *die,
		      uint64_t value)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t next = 0;

	for (unsigned int i = 0; i < MAX_RANGES_PER_ENTRY && !out_of_time(lines); i++) {
		next = dwarf_ranges(die, next, &base, &start, &end);
		if (next <= 0)
			break;
		if (start >= lines->lowest_text && range_table__add(table, start, end, value))
			return -ENOMEM;
	}
	return 0;
}

static bool covers(struct lines *lines, Dwarf_Die *die, uint64_t vaddr)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t next = 0;

	for (unsigned int i = 0; i < MAX_RANGES_PER_ENTRY && !out_of_time(lines); i++) {
		next = dwarf_ranges(die, next, &base, &start, &end);
		if (next <= 0)
			break;
		if (start <= vaddr && vaddr < end)
			return true;
	}
	return false;
}

static int add_unit(struct lines *lines, Dwarf_Die *die)
{
	size_t nr = lines->nr_units;
	int err = array__reserve(&lines->units, &lines->units_capacity, nr + 1);

	if (err)
		return err;
	lines->units[nr] = (struct unit){ .offset = dwarf_dieoffset(die) };
	lines->nr_units++;
	return add_ranges(lines, &lines->unit_ranges, die, nr);
}

static int read_units(struct lines *lines)
{
	Dwarf_CU *unit = NULL;
	uint8_t type;
	Dwarf_Die die;

	/* Without the split unit asked for (the last NULL), libdw does not open .dwo files. */
	while (lines->nr_units < MAX_UNITS && !out_of_time(lines) &&
	       !dwarf_get_units(lines->sections.dwarf, unit, &unit, NULL, &type, &die, NULL)) {
		if ((type == DW_UT_compile || type == DW_UT_skeleton) && add_unit(lines, &die))
			return -ENOMEM;
	}
	range_table__sort(&lines->unit_ranges);
	lines->units_read = true;
	return 0;
}

/*
 * Collects the functions below an entry. Entries that hold no functions with code are skipped with
 * all below them. *last is the offset of the entry visited last: it must grow, or a sibling link
 * leads back.
 */
static int collect_functions(struct lines *lines, struct unit *unit, Dwarf_Die *parent,
			     Dwarf_Off *last, unsigned int nesting)
{
	Dwarf_Die die;
	int end, err = 0;

	if (nesting > MAX_NESTING)
		return 0;
	for (end = dwarf_child(parent, &die); !end && !err; end = dwarf_siblingof(&die, &die)) {
		Dwarf_Off offset = dwarf_dieoffset(&die);

		if (offset <= *last || out_of_time(lines))
			break;
		*last = offset;
		switch (dwarf_tag(&die)) {
		case DW_TAG_subprogram:
			err = add_ranges(lines, &unit->functions, &die, offset);
			break;
		case DW_TAG_namespace:
		case DW_TAG_module:
		case DW_TAG_class_type: /* these hold code in Rust */
		case DW_TAG_structure_type:
		case DW_TAG_union_type:
		case DW_TAG_enumeration_type:
			err = collect_functions(lines, unit, &die, last, nesting + 1);
			break;
		}
	}
	return err;
}

static int read_functions(struct lines *lines, struct unit *unit, Dwarf_Die *unit_die)
{
	Dwarf_Off last = unit->offset;
	int err = collect_functions(lines, unit, unit_die, &last, 0);

	if (err) {
		range_table__free(&unit->functions);
		return err;
	}
	range_table__sort(&unit->functions);
	unit->functions_read = true;
	return 0;
}

static const char *string_attribute(Dwarf_Die *die, unsigned int name)
{
	Dwarf_Attribute attribute;

	/* Looks into the abstract origin and the specification too, at most 16 steps. */
	return dwarf_formstring(dwarf_attr_integrate(die, name, &attribute));
}

static const char *function_name(Dwarf_Die *die)
{
	const char *name = string_attribute(die, DW_AT_linkage_name);

	if (!name)
		name = string_attribute(die, DW_AT_MIPS_linkage_name);
	return name ? name : string_attribute(die, DW_AT_name);
}

/*
 * libdw puts the folder of the compilation before most names. A person knows the file by the name
 * that the compiler was given.
 */
static const char *name_of_file(Dwarf_Die *unit_die, const char *path)
{
	const char *unit_name = string_attribute(unit_die, DW_AT_name);
	const char *folder = string_attribute(unit_die, DW_AT_comp_dir);
	size_t length = folder ? strlen(folder) : 0;

	if (!path || !strcmp(path, "???"))
		return NULL;
	if (length && (!unit_name || unit_name[0] != '/') && !strncmp(path, folder, length) &&
	    path[length] == '/' && path[length + 1])
		return path + length + 1;
	return path;
}

static void find_line(struct lines *lines, struct unit *unit, Dwarf_Die *unit_die, uint64_t vaddr,
		      struct line_frame *frame)
{
	Dwarf_Line *row;
	int line;

	if (!unit->lines_checked) {
		unit->lines_usable = debug_sections__line_program_fits(&lines->sections, unit_die);
		unit->lines_checked = true;
	}
	row = unit->lines_usable ? dwarf_getsrc_die(unit_die, vaddr) : NULL;
	if (!row)
		return;
	frame->file = name_of_file(unit_die, dwarf_linesrc(row, NULL, NULL));
	if (!dwarf_lineno(row, &line) && line > 0)
		frame->line = line;
}

static void find_call_site(struct unit *unit, Dwarf_Die *unit_die, struct call *call)
{
	Dwarf_Attribute attribute;
	Dwarf_Files *files;
	Dwarf_Word value;
	size_t nr_files;

	call->file = NULL;
	call->line = 0;
	if (!dwarf_formudata(dwarf_attr(&call->die, DW_AT_call_line, &attribute), &value) &&
	    value <= INT32_MAX)
		call->line = value;
	if (unit->lines_usable &&
	    !dwarf_formudata(dwarf_attr(&call->die, DW_AT_call_file, &attribute), &value) &&
	    !dwarf_getsrcfiles(unit_die, &files, &nr_files) && value < nr_files)
		call->file = name_of_file(unit_die, dwarf_filesrc(files, value, NULL, NULL));
}

/* Goes down from a function to the address. Returns the number of inlined calls on the way. */
static unsigned int find_calls(struct lines *lines, Dwarf_Die *function, uint64_t vaddr,
			       struct call *calls)
{
	Dwarf_Off last = dwarf_dieoffset(function);
	unsigned int nr = 0;
	Dwarf_Die die;
	int end = dwarf_child(function, &die);

	for (unsigned int level = 0; !end && level < MAX_NESTING;) {
		Dwarf_Off offset = dwarf_dieoffset(&die);
		int tag = dwarf_tag(&die);

		if (offset <= last || out_of_time(lines))
			break;
		last = offset;
		if ((tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block ||
		     tag == DW_TAG_try_block || tag == DW_TAG_catch_block) &&
		    covers(lines, &die, vaddr)) {
			if (tag == DW_TAG_inlined_subroutine)
				calls[nr++].die = die;
			end = dwarf_child(&die, &die);
			level++;
		} else {
			end = dwarf_siblingof(&die, &die);
		}
	}
	return nr;
}

static unsigned int find_frames(struct lines *lines, uint64_t vaddr, struct line_frame *frames,
				unsigned int max_frames)
{
	struct call calls[MAX_NESTING];
	Dwarf_Die unit_die, function_die;
	struct line_frame frame = { 0 };
	unsigned int nr_calls = 0, nr = 0;
	const struct range *range;
	const char *function = NULL;
	struct unit *unit;

	if (!lines->units_read && read_units(lines))
		return 0;
	range = range_table__find(&lines->unit_ranges, vaddr);
	if (!range)
		return 0;
	unit = &lines->units[range->value];
	if (!dwarf_offdie(lines->sections.dwarf, unit->offset, &unit_die) ||
	    (!unit->functions_read && read_functions(lines, unit, &unit_die)))
		return 0;

	find_line(lines, unit, &unit_die, vaddr, &frame);
	range = range_table__find(&unit->functions, vaddr);
	if (range && dwarf_offdie(lines->sections.dwarf, range->value, &function_die)) {
		nr_calls = find_calls(lines, &function_die, vaddr, calls);
		function = function_name(&function_die);
	}
	/* The innermost call was found last. Each call's site is where its caller is. */
	while (nr_calls--) {
		struct call *call = &calls[nr_calls];

		if (nr + 1 < max_frames) {
			frame.function = function_name(&call->die);
			frames[nr++] = frame;
		}
		find_call_site(unit, &unit_die, call);
		frame.file = call->file;
		frame.line = call->line;
	}
	frame.function = function;
	frames[nr++] = frame;
	return nr;
}

unsigned int lines__find(struct lines *lines, uint64_t vaddr, struct line_frame *frames,
			 unsigned int max_frames)
{
	jmp_buf environment;
	unsigned int nr;

	if (!lines || lines->broken || !max_frames)
		return 0;
	lines->lookup_start_ns = clock__thread_cpu_ns();
	lines->allowed_ns += ALLOWED_NS_PER_LOOKUP;
	out_of_memory = &environment;
	if (setjmp(environment)) {
		counted_heap__leave_by(NULL);
		out_of_memory = NULL;
		lines->broken = true;
		return 0;
	}
	counted_heap__leave_by(leave_libdw);
	nr = find_frames(lines, vaddr, frames, max_frames);
	counted_heap__leave_by(NULL);
	out_of_memory = NULL;
	lines->spent_ns += clock__thread_cpu_ns() - lines->lookup_start_ns;
	return lines->broken ? 0 : nr;
}

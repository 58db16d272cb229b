// SPDX-License-Identifier: GPL-2.0
/*
 * See exit_frames.h. The stack is walked by the tables that allocations' stacks are walked by, over
 * a copy of its top; it is hostile input. Used by leak_checks.c.
 */
#include "exit_frames.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "leaks/memory_reader.h"
#include "leaks/stack_cut.h"

/* Looks for the mapping of a place in a file. */
struct place_search {
	const struct unwind_file_key *file;
	uint64_t offset;
	uint64_t address; /* the result; 0: none */
	bool of_libc;
};

/* The names of glibc before 2.34 and since, of musl, and of both loaders, which can exit, too. */
static bool is_libc(const char *path)
{
	static const char *const names[] = { "libc.", "libc-", "ld-" };
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strncmp(name, names[i], strlen(names[i])))
			return true;
	return false;
}

static int find_place(const struct mapping *map, void *context)
{
	struct place_search *search = context;

	if (map->file.inode != search->file->inode || search->offset < map->file_offset ||
	    search->offset - map->file_offset >= map->end - map->start)
		return 0;
	search->address = map->start + (search->offset - map->file_offset);
	search->of_libc = is_libc(map->path);
	return 1;
}

static struct place_search place_of(wire_frame frame, const struct code_files *files,
				    const struct mapping_set *mappings)
{
	struct place_search search = { .offset = frame & WIRE_FRAME_OFFSET_MASK };

	search.file =
		unwind_tables__file(files->tables, (uint32_t)(frame >> WIRE_FRAME_FILE_SHIFT));
	if (search.file)
		mapping_set__each(mappings, find_place, &search);
	return search;
}

/* How many of the innermost frames are of one file, if another one's come after them. */
static size_t count_own_frames(const struct stack *stack)
{
	size_t nr = 0;

	while (nr < stack->nr_frames && stack->frames[nr] >> WIRE_FRAME_FILE_SHIFT ==
						stack->frames[0] >> WIRE_FRAME_FILE_SHIFT)
		nr++;
	return nr < stack->nr_frames ? nr : 0;
}

/* Whether the program's own code is not on the stack any more, but for its first function. */
static bool has_returned(const struct stack *stack, size_t nr_own)
{
	return stack->end == STACK_COMPLETE && nr_own + 1 == stack->nr_frames;
}

static bool walk(struct paused_thread *thread, const struct code_files *files,
		 const struct mapping_set *mappings, const struct unfinished_walk *top,
		 struct stack *stack)
{
	const struct stack_copy copy = { top->sp, (const uint64_t *)top->words, top->nr_words };
	uint64_t return_addresses[WIRE_MAX_FRAMES];
	struct stack_cut cut;
	size_t nr;

	code_files__finish_walk(files, top, mappings, stack);
	nr = count_own_frames(stack);
	/* A program can make the system call by itself. Then these frames are its own. */
	if (nr && !place_of(stack->frames[0], files, mappings).of_libc)
		nr = 0;
	for (size_t i = 0; i < nr; i++)
		return_addresses[i] = place_of(stack->frames[i + 1], files, mappings).address;
	if (!nr || !stack_cut__make(&cut, &copy, return_addresses, nr))
		return false;
	thread->stack_pointer = cut.stack_pointer;
	memset(thread->vectors, 0, sizeof(thread->vectors));
	if (has_returned(stack, nr))
		memset(thread->general, 0, sizeof(thread->general));
	for (size_t i = 0; !has_returned(stack, nr) && i < cut.nr_saved; i++)
		thread->saved[i] = cut.saved[i];
	return true;
}

static void forget(struct paused_thread *thread, pid_t tgid, const struct code_files *files,
		   const struct mapping_set *mappings)
{
	const struct memory_reader memory = memory_reader__of_thread(&thread->tid);
	struct unfinished_walk *top = calloc(1, sizeof(*top));
	struct stack *stack = calloc(1, sizeof(*stack));

	if (top && stack) {
		top->tgid = (uint32_t)tgid;
		top->time_ns = clock__monotonic_ns();
		top->ip = thread->instruction_pointer;
		top->sp = thread->stack_pointer;
		top->bp = thread->frame_pointer;
		top->exact = 1;
		top->nr_words = (uint32_t)(memory.read(memory.context, top->sp, top->words,
						       sizeof(top->words)) /
					   sizeof(*top->words));
		walk(thread, files, mappings, top, stack);
	}
	free(top);
	free(stack);
}

void exit_frames__forget(struct paused_process *process, const struct code_files *files,
			 const struct mapping_set *mappings)
{
	if (!files->tables || !mappings)
		return;
	for (size_t i = 0; i < process->nr_threads; i++)
		if (process->threads[i].asked_to_end)
			forget(&process->threads[i], process->tgid, files, mappings);
}

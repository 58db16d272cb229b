// SPDX-License-Identifier: GPL-2.0
/*
 * Reads a paused process: which memory it has, what of it is the allocator's, and every word that
 * may point into a block. It runs while the process stands still, so it only notes; leak_classify.c
 * does the rest.
 */
#include "leaks/leak_scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "leaks/dead_stacks.h"
#include "leaks/inherited_blocks.h"
#include "leaks/range_list.h"
#include "leaks/root_ranges.h"
#include "leaks/scan_state.h"
#include "leaks/shared_file.h"
#include "leaks/touched_pages.h"

#define PAGE_BYTES 4096ULL
#define WORD_BYTES 8

/* What is read at once. More than that would not stay in the CPU's cache until it is scanned. */
#define PIECE_BYTES (256 << 10)

/* A gap up to this is read too: it costs less than another system call. */
#define GAP_BYTES PAGE_BYTES

/* Areas whose pages can't be read at all (of a driver, past a file's end) end after so many. */
#define UNREADABLE_MAX_PAGES 16

/* TCBs of ended threads: glibc keeps 40 MiB of stacks, which are hundreds of small ones. */
#define CANDIDATES_MAX 4096

struct scanner {
	struct leak_scan *scan;
	struct memory_reader memory;
	struct glibc_arenas arenas;
	const struct leak_block *blocks; /* all that are known, inherited ones among them */
	size_t nr_blocks;
	struct leak_block *merged; /* NULL: there are no inherited ones */
	struct range_list plan, dead, foreign, holders;
	uint64_t planned_bytes; /* with memory that no page is in */
	size_t at; /* the first range of the plan that ends above what was scanned */
	struct touched_pages *touched;
	uint64_t candidates[CANDIDATES_MAX]; /* addresses that may be TCBs */
	size_t nr_candidates;
	uint64_t buffer[PIECE_BYTES / WORD_BYTES];
};

/*
 * A thread that has ended has no memory, though others have, and the first one may be it. Else the
 * first is the one to take: it lasts, and the process is read once more after the pause.
 */
static int find_memory(struct leak_scan *scan, const struct paused_process *process)
{
	int err;

	scan->tid = process->tgid;
	err = process_areas__read_of(&scan->areas, scan->tid);
	for (size_t i = 0; i < process->nr_threads && err == -ESRCH; i++) {
		scan->tid = process->threads[i].tid;
		err = process_areas__read_of(&scan->areas, scan->tid);
	}
	return err;
}

/*
 * A process that was killed meanwhile loses its memory, and what was read is good for nothing. As
 * long as a thread has it, all of it is there.
 */
static bool still_has_memory(pid_t tid)
{
	char path[64];
	FILE *maps;
	int first;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)tid);
	maps = fopen(path, "re");
	if (!maps)
		return false;
	first = fgetc(maps);
	fclose(maps);
	return first != EOF;
}

static int note_registers(struct pointer_log *log, const struct paused_process *process)
{
	int err = 0;

	for (size_t i = 0; i < process->nr_threads; i++) {
		const struct paused_thread *thread = &process->threads[i];

		for (size_t j = 0; j < PAUSED_GENERAL_REGISTERS && !err; j++) {
			err = pointer_log__word(log, POINTER_IN_REGISTER, thread->general[j]);
			if (!err)
				err = pointer_log__word(log, POINTER_IN_REGISTER, thread->saved[j]);
		}
		for (size_t j = 0; j < PAUSED_VECTOR_WORDS && !err && !thread->in_syscall; j++)
			err = pointer_log__word(log, POINTER_IN_REGISTER, thread->vectors[j]);
	}
	return err;
}

static void note_candidates(struct scanner *scanner, uint64_t start, uint64_t end)
{
	const uint64_t first = (start + TCB_ALIGNMENT - 1) & -TCB_ALIGNMENT;

	for (uint64_t at = first; at + TCB_WORDS * WORD_BYTES <= end; at += TCB_ALIGNMENT) {
		const uint64_t *words = &scanner->buffer[(at - start) / WORD_BYTES];

		if (dead_stacks__may_be_tcb(at, words) && scanner->nr_candidates < CANDIDATES_MAX)
			scanner->candidates[scanner->nr_candidates++] = at;
	}
}

/* Scans what of [start, end) is planned; the buffer has it. */
static int scan_buffer(struct scanner *scanner, uint64_t start, uint64_t end)
{
	const struct range_list *plan = &scanner->plan;
	int err = 0;

	for (; scanner->at < plan->nr && plan->list[scanner->at].start < end && !err;
	     scanner->at++) {
		const struct address_range *range = &plan->list[scanner->at];
		uint64_t from = range->start > start ? range->start : start;
		uint64_t to = range->end < end ? range->end : end;

		from = (from + WORD_BYTES - 1) & -WORD_BYTES;
		if (from + WORD_BYTES <= to)
			err = pointer_log__words(&scanner->scan->log, from,
						 &scanner->buffer[(from - start) / WORD_BYTES],
						 (to - from) / WORD_BYTES);
		if (range->end > end)
			break;
	}
	return err;
}

/*
 * The next piece to read from a run of pages: as many planned ranges as fit. False: none of the
 * rest of the run is planned.
 */
static bool next_piece(struct scanner *scanner, uint64_t from, uint64_t end,
		       struct address_range *piece)
{
	const struct range_list *plan = &scanner->plan;
	size_t next;

	while (scanner->at < plan->nr && plan->list[scanner->at].end <= from)
		scanner->at++;
	next = scanner->at;
	if (from >= end || next == plan->nr || plan->list[next].start >= end)
		return false;
	piece->start = plan->list[next].start > from ? plan->list[next].start : from;
	piece->start &= -WORD_BYTES;
	if (end - piece->start > PIECE_BYTES)
		end = piece->start + PIECE_BYTES;
	for (piece->end = piece->start; next < plan->nr && piece->end < end; next++) {
		if (next > scanner->at && plan->list[next].start > piece->end + GAP_BYTES)
			break;
		if (plan->list[next].start >= end)
			break;
		piece->end = plan->list[next].end < end ? plan->list[next].end : end;
	}
	return true;
}

/* Reads and scans a run of pages that exist. */
static int scan_run(struct scanner *scanner, const struct area *area,
		    const struct memory_reader *memory, const struct address_range *run)
{
	struct leak_scan *scan = scanner->scan;
	struct address_range piece;
	uint64_t from = run->start;
	unsigned int unreadable = 0;
	int err;

	while (next_piece(scanner, from, run->end, &piece)) {
		size_t size = piece.end - piece.start;
		size_t got = memory->read(memory->context, piece.start, scanner->buffer, size);

		got &= -(size_t)WORD_BYTES;
		scan->scanned_bytes += got;
		progress__show(scan->scanned_bytes, scanner->planned_bytes);
		err = scan_buffer(scanner, piece.start, piece.start + got);
		if (err)
			return err;
		if (area->kind == AREA_ANONYMOUS && !area->shared)
			note_candidates(scanner, piece.start, piece.start + got);
		from = piece.start + got;
		if (size - got < WORD_BYTES) {
			from = piece.end;
			continue;
		}
		/* In shared areas these are a driver's pages, or they are past the file's end. */
		if (!area->shared)
			scan->limits |= LEAK_LIMIT_UNREAD;
		if (++unreadable == UNREADABLE_MAX_PAGES)
			return 0;
		from = (from & -PAGE_BYTES) + PAGE_BYTES;
	}
	return 0;
}

static int scan_file(struct scanner *scanner, const struct area *area, struct shared_file *file)
{
	const struct memory_reader memory = shared_file__reader(file);
	struct address_range run = { .end = area->start };
	int err = 0;

	while (!err && shared_file__next(file, run.end, &run))
		err = scan_run(scanner, area, &memory, &run);
	return err;
}

static int scan_area(struct scanner *scanner, const struct area *area)
{
	const struct range_list *plan = &scanner->plan;
	struct shared_file file;
	struct address_range run;
	int err = 0;

	while (scanner->at < plan->nr && plan->list[scanner->at].end <= area->start)
		scanner->at++;
	if (scanner->at == plan->nr || plan->list[scanner->at].start >= area->end)
		return 0;
	if (shared_file__open(&file, scanner->scan->tid, area)) {
		err = scan_file(scanner, area, &file);
		shared_file__close(&file);
		return err;
	}
	touched_pages__begin(scanner->touched, area->start, area->end);
	while (!err && touched_pages__next(scanner->touched, &run))
		err = scan_run(scanner, area, &scanner->memory, &run);
	return err;
}

static int scan_memory(struct scanner *scanner)
{
	const struct process_areas *areas = &scanner->scan->areas;
	int err = 0;

	progress__phase("reading memory");
	for (size_t i = 0; i < scanner->plan.nr; i++)
		scanner->planned_bytes += scanner->plan.list[i].end - scanner->plan.list[i].start;
	scanner->touched = touched_pages__new(scanner->scan->tid);
	if (!scanner->touched)
		return -errno;
	for (size_t i = 0; i < areas->nr && !err; i++)
		err = scan_area(scanner, &areas->list[i]);
	if (touched_pages__incomplete(scanner->touched))
		scanner->scan->limits |= LEAK_LIMIT_UNREAD;
	touched_pages__free(scanner->touched);
	return err;
}

static int add_ended_stacks(struct scanner *scanner, const struct stack_search *search)
{
	struct range_list *ended = &scanner->scan->ended;
	int err = 0;

	for (size_t i = 0; i < scanner->nr_candidates && !err; i++) {
		struct address_range dead;

		if (dead_stacks__ended(scanner->candidates[i], search, &dead))
			err = range_list__add(ended, dead.start, dead.end);
	}
	range_list__sort(ended);
	return err;
}

static void set_limits(struct scanner *scanner, const struct leak_scan_request *request)
{
	const struct glibc_arenas *arenas = &scanner->arenas;
	struct leak_scan *scan = scanner->scan;

	scan->has_arenas = arenas->state != ARENAS_NONE;
	scan->unknown_bytes = arenas->unknown_bytes;
	scan->unknown_chunks = arenas->unknown.nr;
	scan->free_bytes = arenas->free_bytes;
	if (arenas->state == ARENAS_PARTLY)
		scan->limits |= LEAK_LIMIT_ARENAS;
	/* glibc's malloc can be there, and another allocator in use. */
	else if (!scan->has_arenas || scanner->foreign.nr)
		scan->limits |= LEAK_LIMIT_ALLOCATOR;
	if (scan->has_arenas && !scan->unknown_bytes && !scanner->foreign.nr)
		return;
	if (request->late)
		scan->limits |= LEAK_LIMIT_LATE;
	if (request->copy)
		scan->limits |= LEAK_LIMIT_COPY;
}

/*
 * What of the allocator's memory holds pointers, but is no known block's. If blocks may have
 * changed since they were read, one with a mapping of its own can have grown.
 */
static int find_holders(struct scanner *scanner, bool exact)
{
	const struct range_list none = { 0 };

	return root_ranges__unite(&scanner->holders, &scanner->arenas.unknown,
				  exact ? &none : &scanner->arenas.mapped_ends);
}

/* What comes before reading: which memory is to be scanned, and for pointers to where. */
static int plan_scan(struct scanner *scanner, const struct leak_scan_request *request,
		     const struct stack_search *search)
{
	struct leak_scan *scan = scanner->scan;
	const struct root_sources sources = {
		.areas = &scan->areas,
		.owned = &scanner->arenas.owned,
		.unknown = &scanner->holders,
		.dead = &scanner->dead,
		.blocks = scanner->blocks,
		.nr_blocks = scanner->nr_blocks,
		.beyond_bytes = request->exact ? 0 : CHUNK_MAX_SLACK_BYTES,
	};
	/* Blocks that are younger than this list of blocks can be in there. */
	const struct range_list *const wider[] = { sources.owned, sources.unknown,
						   &scanner->foreign };
	int err = find_holders(scanner, request->exact);

	if (!err)
		err = dead_stacks__below(&scanner->dead, search);
	if (!err)
		err = root_ranges__plan(&scanner->plan, &sources);
	if (!err)
		err = root_ranges__foreign(&scanner->foreign, &sources);
	if (!err)
		err = pointer_log__init(&scan->log, scanner->blocks, scanner->nr_blocks, wider,
					sizeof(wider) / sizeof(*wider));
	return err;
}

static int walk_arenas(struct scanner *scanner)
{
	return glibc_arenas__read(&scanner->arenas, &scanner->memory, &scanner->scan->areas,
				  scanner->blocks, scanner->nr_blocks);
}

/* scanner->merged has room for both. */
static void merge_inherited(struct scanner *scanner, const struct leak_scan_request *request)
{
	const struct leak_scan *scan = scanner->scan;
	struct leak_block *merged = scanner->merged;

	if (request->nr_blocks)
		memcpy(merged, request->blocks, request->nr_blocks * sizeof(*merged));
	memcpy(&merged[request->nr_blocks], scan->inherited, scan->nr_inherited * sizeof(*merged));
	scanner->blocks = merged;
	scanner->nr_blocks = block_index__sort(merged, request->nr_blocks + scan->nr_inherited);
}

/*
 * Inherited blocks that are still held: first those that look unknown to a walk that knows the
 * others, then, of those outside of the heaps, those that a second walk finds.
 */
static int take_inherited(struct scanner *scanner, const struct leak_scan_request *request)
{
	struct leak_scan *scan = scanner->scan;
	size_t nr = request->nr_inherited;
	int err;

	scan->inherited = calloc(nr, sizeof(*scan->inherited));
	scanner->merged = calloc(nr + request->nr_blocks, sizeof(*scanner->merged));
	if (!scan->inherited || !scanner->merged)
		return -ENOMEM;
	memcpy(scan->inherited, request->inherited, nr * sizeof(*scan->inherited));
	scan->nr_inherited = inherited_blocks__keep_used(scan->inherited, nr, &scanner->arenas);
	merge_inherited(scanner, request);
	glibc_arenas__free(&scanner->arenas);
	err = walk_arenas(scanner);
	if (err)
		return err;
	scan->nr_inherited = inherited_blocks__keep_mapped(scan->inherited, scan->nr_inherited,
							   &scanner->arenas);
	merge_inherited(scanner, request);
	return 0;
}

static int read_arenas(struct scanner *scanner, const struct leak_scan_request *request)
{
	int err;

	scanner->blocks = request->blocks;
	scanner->nr_blocks = request->nr_blocks;
	err = walk_arenas(scanner);
	if (!err && request->nr_inherited && scanner->arenas.state != ARENAS_NONE) {
		err = take_inherited(scanner, request);
		if (err) {
			free(scanner->merged);
			glibc_arenas__free(&scanner->arenas);
		}
	}
	return err;
}

/* Pointers to blocks. Without blocks there are none, and only the arenas tell something. */
static int find_pointers(struct scanner *scanner, const struct leak_scan_request *request,
			 const struct stack_search *search)
{
	int err;

	if (!scanner->nr_blocks && !scanner->scan->old_chunks.nr)
		return pointer_log__init(&scanner->scan->log, NULL, 0, NULL, 0);
	err = plan_scan(scanner, request, search);
	if (!err)
		err = note_registers(&scanner->scan->log, request->process);
	if (!err)
		err = scan_memory(scanner);
	if (!err)
		err = add_ended_stacks(scanner, search);
	return err;
}

static int scan_process(struct scanner *scanner, const struct leak_scan_request *request)
{
	struct leak_scan *scan = scanner->scan;
	const struct stack_search search = {
		.process = request->process,
		.areas = &scan->areas,
		.memory = &scanner->memory,
	};
	int err = find_memory(scan, request->process);

	if (err)
		return err;
	scanner->memory = memory_reader__of_thread(&scan->tid);
	err = read_arenas(scanner, request);
	if (err)
		return err;
	if (request->late) {
		scan->old_chunks = scanner->arenas.chunks;
		scanner->arenas.chunks = (struct chunk_list){ 0 };
	}
	err = find_pointers(scanner, request, &search);
	if (!err)
		set_limits(scanner, request);
	if (!err && !still_has_memory(scan->tid))
		err = -ESRCH;
	range_list__free(&scanner->plan);
	range_list__free(&scanner->dead);
	range_list__free(&scanner->foreign);
	range_list__free(&scanner->holders);
	free(scanner->merged);
	glibc_arenas__free(&scanner->arenas);
	return err;
}

struct leak_scan *leak_scan__read(const struct leak_scan_request *request)
{
	struct leak_scan *scan = calloc(1, sizeof(*scan));
	struct scanner *scanner = calloc(1, sizeof(*scanner));
	int err = -ENOMEM;

	if (scan && scanner) {
		scan->paused_ns = request->process->paused_ns;
		scanner->scan = scan;
		err = scan_process(scanner, request);
	}
	free(scanner);
	if (!err)
		return scan;
	leak_scan__free(scan);
	errno = -err;
	return NULL;
}

const struct leak_block *leak_scan__inherited(const struct leak_scan *scan, size_t *nr)
{
	*nr = scan->nr_inherited;
	return scan->inherited;
}

void leak_scan__free(struct leak_scan *scan)
{
	if (!scan)
		return;
	process_areas__free(&scan->areas);
	pointer_log__free(&scan->log);
	range_list__free(&scan->ended);
	free(scan->old_chunks.list);
	free(scan->inherited);
	free(scan);
}

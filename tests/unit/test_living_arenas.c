// SPDX-License-Identifier: GPL-2.0
/*
 * glibc_arenas.h over living processes: this program starts itself as a child that allocates and
 * frees at random, in several threads, and then stands still. The child writes down what it holds,
 * and that is compared with what is found in its memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leaks/glibc_arenas.h"

#define MAX_THREADS 4
#define NR_SLOTS 600
#define NR_OPERATIONS 4000
#define NR_RUNS 21
#define NR_STOPS 50
/* Blocks that libc and the loader hold for themselves. */
#define MAX_OTHERS 24

struct slot {
	uint64_t address, size, usable_bytes;
	bool is_mapped;
};

/* Shared with the child. */
struct truth {
	uint64_t seed, nr_threads;
	bool runs_on; /* with every second slot; the others stay as they are */
	struct slot slots[MAX_THREADS][NR_SLOTS];
	uint64_t system_bytes, free_bytes;
};

static struct truth *truth;

static uint64_t next_random(uint64_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return *random;
}

/* The sizes of all kinds of bins, and some that get a mapping of their own. */
static size_t random_size(uint64_t *random)
{
	uint64_t kind = next_random(random) % 32;

	if (kind == 0)
		return next_random(random) % 400000;
	if (kind < 4)
		return next_random(random) % 60000;
	if (kind < 10)
		return next_random(random) % 3000;
	/* A thread's cache has a size, too. */
	if (kind == 10)
		return 0x280 + next_random(random) % 16;
	return next_random(random) % 200;
}

static void *allocate(uint64_t *random, size_t size)
{
	switch (next_random(random) % 8) {
	case 0:
		return calloc(1, size);
	case 1:
		return aligned_alloc(32ULL << next_random(random) % 8, size);
	default:
		return malloc(size);
	}
}

static void note(struct slot *slot, void *block, size_t size)
{
	uint64_t header;

	*slot = (struct slot){ 0 };
	if (!block)
		return;
	slot->address = (uintptr_t)block;
	slot->size = size;
	slot->usable_bytes = malloc_usable_size(block);
	memcpy(&header, (char *)block - sizeof(header), sizeof(header));
	slot->is_mapped = header & 2;
}

static pthread_barrier_t barrier;

static void change(void **blocks, struct slot *slots, size_t at, uint64_t *random)
{
	size_t size = random_size(random);

	if (next_random(random) % 2) {
		free(blocks[at]);
		blocks[at] = NULL;
	} else if (!blocks[at]) {
		blocks[at] = allocate(random, size);
	} else {
		blocks[at] = realloc(blocks[at], ++size);
	}
	note(&slots[at], blocks[at], size);
	if (blocks[at])
		memset(blocks[at], 0x21, size);
}

static void *work(void *context)
{
	struct slot *slots = truth->slots[(uintptr_t)context];
	uint64_t random = truth->seed * 0x9e3779b97f4a7c15 + (uintptr_t)context * 77 + 1;
	void *blocks[NR_SLOTS] = { 0 };

	for (int i = 0; i < NR_OPERATIONS; i++) {
		change(blocks, slots, next_random(&random) % NR_SLOTS, &random);
		if (truth->seed % 5 == 1 && i % 1000 == 999)
			malloc_trim(0);
	}
	pthread_barrier_wait(&barrier);
	while (truth->runs_on)
		change(blocks, slots, next_random(&random) % NR_SLOTS | 1, &random);
	pthread_barrier_wait(&barrier);
	return NULL;
}

/* Whether others than malloc take memory with brk, before the threads begin or while they run. */
static bool takes_brk(uint64_t seed, bool before)
{
	return before ? seed % 5 == 3 : seed % 3 == 2;
}

/* Never returns: the parent ends it. */
static int be_child(int fd)
{
	struct mallinfo2 info;
	pthread_t threads[MAX_THREADS];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	truth = mmap(NULL, sizeof(*truth), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (truth == MAP_FAILED)
		return 1;
	pthread_barrier_init(&barrier, NULL, truth->nr_threads + 1);
	if (takes_brk(truth->seed, true) && sbrk(5000) == (void *)-1)
		return 1;
	for (uintptr_t i = 0; i < truth->nr_threads; i++)
		pthread_create(&threads[i], NULL, work, (void *)i);
	if (takes_brk(truth->seed, false) && sbrk(70000) == (void *)-1)
		return 1;
	pthread_barrier_wait(&barrier);
	info = mallinfo2();
	truth->system_bytes = info.arena;
	truth->free_bytes = info.fordblks;
	if (write(STDOUT_FILENO, "!", 1) != 1)
		return 1;
	for (;;)
		pause();
}

struct child {
	pid_t tgid;
	struct process_areas areas;
	struct glibc_arenas arenas;
	struct leak_block known[MAX_THREADS * NR_SLOTS];
	size_t nr_known;
	bool is_known[MAX_THREADS][NR_SLOTS];
};

static void start_child(struct child *child, uint64_t seed, bool runs_on, const char *tunables)
{
	int fd = memfd_create("truth", 0), ready[2];
	char fd_text[16], byte;

	*child = (struct child){ 0 };
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, sizeof(*truth)), 0);
	truth = mmap(NULL, sizeof(*truth), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(truth != MAP_FAILED);
	truth->seed = seed;
	truth->runs_on = runs_on;
	truth->nr_threads = 1 + seed % MAX_THREADS;
	snprintf(fd_text, sizeof(fd_text), "%d", fd);
	assert_int_equal(pipe(ready), 0);
	child->tgid = fork();
	if (!child->tgid) {
		dup2(ready[1], STDOUT_FILENO);
		close(ready[0]);
		close(ready[1]);
		setenv("GLIBC_TUNABLES", tunables, 1);
		execl("/proc/self/exe", "child", fd_text, NULL);
		_exit(1);
	}
	close(ready[1]);
	close(fd);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

static void end_child(struct child *child)
{
	kill(child->tgid, SIGKILL);
	assert_int_equal(waitpid(child->tgid, NULL, 0), child->tgid);
	glibc_arenas__free(&child->arenas);
	process_areas__free(&child->areas);
	munmap(truth, sizeof(*truth));
}

static int by_address(const void *a, const void *b)
{
	const struct leak_block *first = a, *second = b;

	return (first->address > second->address) - (first->address < second->address);
}

/* A part of the blocks is known, the others are from before the attach. */
static void choose_known(struct child *child, uint64_t seed)
{
	uint64_t random = seed + 1, part = seed % 4;

	child->nr_known = 0;
	memset(child->is_known, 0, sizeof(child->is_known));
	for (size_t i = 0; i < truth->nr_threads; i++) {
		for (size_t k = 0; k < NR_SLOTS; k++) {
			const struct slot *slot = &truth->slots[i][k];

			if (!slot->address || next_random(&random) % 3 >= part)
				continue;
			child->is_known[i][k] = true;
			child->known[child->nr_known++] = (struct leak_block){
				.address = slot->address,
				.size_bytes = slot->size,
			};
		}
	}
	qsort(child->known, child->nr_known, sizeof(*child->known), by_address);
}

static void read_child(struct child *child)
{
	struct memory_reader reader = memory_reader__of_thread(&child->tgid);
	char path[64];
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)child->tgid);
	maps = fopen(path, "re");
	assert_non_null(maps);
	assert_int_equal(process_areas__read(&child->areas, maps), 0);
	fclose(maps);
	assert_int_equal(glibc_arenas__read(&child->arenas, &reader, &child->areas, child->known,
					    child->nr_known),
			 0);
}

/* The first range that ends after the address. */
static const struct address_range *range_at(const struct range_list *ranges, uint64_t address)
{
	static const struct address_range none = { UINT64_MAX, UINT64_MAX };

	for (size_t i = 0; i < ranges->nr; i++)
		if (ranges->list[i].end > address)
			return &ranges->list[i];
	return &none;
}

static bool contains(const struct address_range *range, const struct slot *slot)
{
	return range->start <= slot->address && slot->address + slot->usable_bytes <= range->end;
}

/* A mapping of its own: a small one that is no page's first can be missed, which does no harm. */
static void check_mapped(const struct slot *slot, const struct address_range *owned, bool is_known)
{
	if (is_known && (slot->address % 4096 == 16 || slot->size >= 32768))
		assert_true(contains(owned, slot));
	else if (!is_known)
		assert_true(owned->start >= slot->address + slot->usable_bytes);
}

/* Returns how many chunks in heaps are not known; known_bytes: the chunks of those that are. */
static size_t check_slots(const struct child *child, uint64_t *known_bytes)
{
	const struct slot *slot = truth->slots[0];
	const bool *is_known = child->is_known[0];
	size_t nr_unknown = 0;

	for (size_t i = 0; i < truth->nr_threads * NR_SLOTS; i++, slot++, is_known++) {
		uint64_t end = slot->address + slot->usable_bytes;
		const struct address_range *owned, *unknown;

		if (!slot->address)
			continue;
		owned = range_at(&child->arenas.owned, slot->address);
		unknown = range_at(&child->arenas.unknown, slot->address);
		if (*is_known || slot->is_mapped)
			assert_true(unknown->start >= end);
		if (slot->is_mapped) {
			check_mapped(slot, owned, *is_known);
			continue;
		}
		assert_true(contains(owned, slot));
		if (*is_known) {
			*known_bytes += slot->usable_bytes + 8;
			continue;
		}
		assert_int_equal(unknown->start, slot->address);
		assert_int_equal(unknown->end, end);
		nr_unknown++;
	}
	return nr_unknown;
}

/*
 * All chunks together are what the arena took from the system. The caches of the threads are in
 * neither list. 2.30 and later: 0x290 bytes each, or a little more.
 */
static void check_sum(const struct glibc_arenas *arenas, uint64_t known_bytes)
{
	uint64_t sum =
		known_bytes + arenas->free_bytes + arenas->unknown_bytes + 8 * arenas->unknown.nr;
	uint64_t nr_caches = truth->nr_threads + 1;

	assert_true(truth->system_bytes >= sum + nr_caches * 0x290);
	assert_true(truth->system_bytes <= sum + nr_caches * 0x2a0);
}

static void check_child(const struct child *child, bool has_caches, bool has_sum)
{
	const struct glibc_arenas *arenas = &child->arenas;
	uint64_t known_bytes = 0, unknown_bytes = 0;
	size_t nr_unknown = check_slots(child, &known_bytes);

	assert_int_equal(arenas->state, ARENAS_WALKED);
	/* What was freed is in neither list, or it would be here. */
	assert_true(arenas->unknown.nr >= nr_unknown);
	assert_true(arenas->unknown.nr - nr_unknown <= MAX_OTHERS);
	for (size_t i = 0; i < arenas->unknown.nr; i++)
		unknown_bytes += arenas->unknown.list[i].end - arenas->unknown.list[i].start;
	assert_int_equal(arenas->unknown_bytes, unknown_bytes);
	if (!has_caches)
		assert_int_equal(arenas->free_bytes, truth->free_bytes);
	else
		assert_true(arenas->free_bytes >= truth->free_bytes);
	if (has_sum)
		check_sum(arenas, known_bytes);
}

static void test_random_children(void **state)
{
	static const char *const tunables[] = {
		"",
		"glibc.malloc.tcache_count=0",
		"glibc.malloc.arena_max=1",
		"glibc.malloc.tcache_count=100:glibc.malloc.mxfast=160",
		"glibc.malloc.mmap_threshold=20000:glibc.malloc.tcache_count=0",
		"glibc.malloc.tcache_max=100:glibc.malloc.trim_threshold=4096",
		"glibc.malloc.perturb=85:glibc.malloc.top_pad=1000000",
	};
	static struct child child;

	(void)state;
	for (uint64_t seed = 0; seed < NR_RUNS; seed++) {
		const char *chosen = tunables[seed % (sizeof(tunables) / sizeof(*tunables))];

		start_child(&child, seed, false, chosen);
		choose_known(&child, seed);
		read_child(&child);
		check_child(&child, !strstr(chosen, "tcache_count=0"),
			    strstr(chosen, "arena_max=1") && !takes_brk(seed, true) &&
				    !takes_brk(seed, false));
		end_child(&child);
	}
}

static void stop_child(const struct child *child)
{
	int status;

	assert_int_equal(kill(child->tgid, SIGSTOP), 0);
	assert_int_equal(waitpid(child->tgid, &status, WUNTRACED), child->tgid);
	assert_true(WIFSTOPPED(status));
}

/*
 * A block that was not changed is never taken for the allocator's alone, wherever in malloc the
 * threads stand.
 */
static void check_lasting_slots(const struct child *child)
{
	for (size_t i = 0; i < truth->nr_threads * NR_SLOTS; i++) {
		const struct slot *slot = &truth->slots[0][i];
		const struct address_range *owned, *unknown;
		uint64_t end = slot->address + slot->usable_bytes;

		if (i % 2 || !slot->address)
			continue;
		owned = range_at(&child->arenas.owned, slot->address);
		unknown = range_at(&child->arenas.unknown, slot->address);
		if (child->is_known[0][i])
			assert_true(unknown->start >= end);
		else
			assert_true(owned->start >= end || unknown->start == slot->address);
	}
}

static void test_stopped_anywhere(void **state)
{
	static struct child child;
	size_t nr_walked = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 4; seed++) {
		start_child(&child, seed, true, "");
		for (int i = 0; i < NR_STOPS; i++) {
			stop_child(&child);
			choose_known(&child, seed + i);
			read_child(&child);
			check_lasting_slots(&child);
			nr_walked += child.arenas.state == ARENAS_WALKED;
			glibc_arenas__free(&child.arenas);
			process_areas__free(&child.areas);
			assert_int_equal(kill(child.tgid, SIGCONT), 0);
		}
		end_child(&child);
	}
	print_message("walked in full: %zu of %d\n", nr_walked, 4 * NR_STOPS);
	assert_true(nr_walked > NR_STOPS);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_children),
		cmocka_unit_test(test_stopped_anywhere),
	};

	if (argc == 2 && !strcmp(argv[0], "child"))
		return be_child(atoi(argv[1]));
#ifdef __SANITIZE_ADDRESS__
	print_message("living_arenas: left out, ASan's allocator is another\n");
	return 0;
#endif
	alarm(300);
	return cmocka_run_group_tests_name("living_arenas", tests, NULL, NULL);
}

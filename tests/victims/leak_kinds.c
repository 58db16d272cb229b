// SPDX-License-Identifier: GPL-2.0
/*
 * leak_kinds CASE: one thread, an ordinary end. The cases are places where the last pointer to a
 * block can be, and forms that it can have. tests/system/leak_truth.c says what each loses.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

#include "leak_case.h"

/* volatile: the compiler drops what is never read. */
static void *volatile global, *volatile other_global;
static __thread void *volatile thread_local_block;

/* ---- forms of loss ---- */

static void definite(void)
{
	lose(3, 100);
}

static void list(void)
{
	make_list(10, 32);
}

static NOINLINE void **make_ring(int count, size_t size)
{
	void **first = (void **)allocate(size);
	void **last = first;

	*first = make_list(count - 1, size);
	while (*last)
		last = (void **)*last;
	*last = first;
	return first;
}

static void ring(void)
{
	make_ring(5, 40);
}

static void list_into_ring(void)
{
	void **head = (void **)make_list(2, 24);

	*(void **)*head = make_ring(3, 48);
}

/* Each of two lost blocks points to the third. */
static void shared_loss(void)
{
	void **one = (void **)allocate(56), **two = (void **)allocate(56);

	*one = *two = allocate(72);
}

static void zero_lost(void)
{
	lose(2, 0);
}

static void zero_held(void)
{
	global = allocate(0);
}

static void hidden(void)
{
	global = (void *)~(uintptr_t)allocate(88);
}

/* ---- pointers into a block ---- */

static void interior(void)
{
	global = (char *)allocate(64) + 16;
}

/* What a block that is possibly lost points to is as lost. */
static void interior_chain(void)
{
	void **first = (void **)allocate(64), **second = (void **)allocate(48);

	second[5] = allocate(24);
	first[0] = second;
	global = (char *)first + 32;
}

static void interior_and_start(void)
{
	other_global = allocate(64);
	global = (char *)other_global + 16;
}

static void plus_one(void)
{
	global = (char *)allocate(64) + 1;
}

static void last_byte(void)
{
	global = (char *)allocate(33) + 32;
}

static void past_end(void)
{
	global = (char *)allocate(64) + 64;
	other_global = (char *)allocate(40) + 40;
}

static void before_start(void)
{
	global = (char *)allocate(64) - 1;
}

static struct {
	char byte;
	void *volatile pointer;
} __attribute__((packed, aligned(8))) packed;

static void unaligned(void)
{
	packed.pointer = allocate(104);
}

/* As sqlite does it: a length, and the pointer behind it. */
static void length64(void)
{
	uint64_t *block = (uint64_t *)allocate(8 + 120);

	*block = 120;
	global = block + 1;
}

static void wrong_length64(void)
{
	uint64_t *block = (uint64_t *)allocate(8 + 120);

	*block = 119;
	global = block + 1;
}

/* ---- places of a pointer ---- */

static void in_global(void)
{
	global = make_list(3, 80);
}

static void in_static_local(void)
{
	static void *volatile kept;

	kept = make_list(4, 80);
	(void)kept;
}

static void in_tls(void)
{
	thread_local_block = make_list(2, 112);
}

/* The values of later keys are in a block of libc's. */
static void in_key(void)
{
	pthread_key_t key;

	for (int i = 0; i < 40; i++) {
		if (pthread_key_create(&key, NULL) != 0)
			die("pthread_key_create");
		if ((i == 0 || i == 39) && pthread_setspecific(key, make_list(2, 56)) != 0)
			die("pthread_setspecific");
	}
}

static NOINLINE void **map(size_t size, int flags, int fd)
{
	void *region = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (region == MAP_FAILED)
		die("mmap");
	return (void **)region;
}

static void in_mapping(void)
{
	map(8192, MAP_PRIVATE | MAP_ANONYMOUS, -1)[700] = make_list(3, 64);
}

static void in_shared_mapping(void)
{
	map(8192, MAP_SHARED | MAP_ANONYMOUS, -1)[1] = make_list(3, 72);
}

static NOINLINE int memory_file(void)
{
	int fd = memfd_create("leak", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, 4096) != 0)
		die("memfd_create");
	return fd;
}

static void in_file_mapping(void)
{
	map(4096, MAP_PRIVATE, memory_file())[511] = make_list(3, 88);
}

/* A mapping that nobody has touched shows what another one has left in the file. */
static void in_second_mapping(void)
{
	int fd = memory_file();
	void **region = map(4096, MAP_SHARED, fd);

	region[5] = make_list(3, 104);
	munmap(region, 4096);
	map(4096, MAP_SHARED, fd);
}

/* The page is no longer the process's, but still there. */
static void in_page_given_back(void)
{
	void **region = map(8192, MAP_SHARED | MAP_ANONYMOUS, -1);

	region[1000] = make_list(3, 112);
	madvise(region, 8192, MADV_DONTNEED);
}

/* Almost all of it has no page. */
static void in_sparse_mapping(void)
{
	size_t size = 256UL << 20;

	map(size, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1)[size / 8 - 1] = make_list(2, 96);
}

static void in_unmapped(void)
{
	void **region = map(4096, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	region[0] = allocate(136);
	munmap(region, 4096);
}

/* Valgrind looks only at memory that can be written to. */
static void in_read_only(void)
{
	void **region = map(4096, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	region[0] = allocate(144);
	mprotect(region, 4096, PROT_READ);
}

static void in_environment(void)
{
	char *variable = (char *)allocate(32);

	strcpy(variable, "LEAK=1");
	putenv(variable);
}

static void in_stdio(void)
{
	FILE *file = fopen("/dev/null", "w");

	if (!file || fprintf(file, "%d\n", 1) < 0)
		die("fopen");
	setvbuf(stdout, NULL, _IOFBF, 4096);
	printf("a line\n");
}

/* ---- a library ---- */

#ifndef STATIC
static NOINLINE void *load_library(void)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 32);
	void *handle;
	void (*keep)(size_t);

	if (n <= 0)
		die("readlink");
	path[n] = '\0';
	strcpy(strrchr(path, '/'), "/libleak_library.so");
	handle = dlopen(path, RTLD_NOW);
	if (!handle)
		die("dlopen");
	*(void **)&keep = dlsym(handle, "library_keep");
	keep(152);
	return handle;
}

static void in_library(void)
{
	load_library();
}

static void in_closed_library(void)
{
	dlclose(load_library());
}
#endif

/* ---- memory that was a block's ---- */

static NOINLINE void **make_holder(size_t size, size_t held_size)
{
	void **holder = (void **)allocate(size);

	holder[size / sizeof(void *) - 1] = allocate(held_size);
	return holder;
}

/* Small, large, and larger than a heap: the pointer is in none that is in use. */
static void in_freed(void)
{
	free(make_holder(64, 40));
	free(make_holder(4000, 41));
	free(make_holder(1 << 20, 42));
}

/* The block keeps its chunk, and is too small for the pointer's place. */
static void in_slack(void)
{
	global = realloc(make_holder(40, 48), 32);
}

static void in_cut_off(void)
{
	global = realloc(make_holder(4000, 56), 400);
}

/* ---- sizes and ways to allocate ---- */

static NOINLINE char *grow(size_t last)
{
	char *block = (char *)allocate(10);

	for (size_t size = 20; size < last; size *= 2)
		block = (char *)realloc(block, size);
	return (char *)realloc(block, last);
}

/* The last steps of the large ones are mremap's. */
static void reallocated(void)
{
	char *block;

	grow(1000);
	grow(3000001);
	block = grow(200000);
	memset(block, 0, 200000);
	*(void **)(block + 199992) = allocate(24);
	global = block;
}

static void aligned(void)
{
	void *block;

	memset(memalign(64, 200), 0, 200);
	memset(aligned_alloc(4096, 8192), 0, 8192);
	memset(valloc(300), 0, 300);
	if (posix_memalign(&block, 256, 500) != 0)
		die("posix_memalign");
	global = block;
	if (posix_memalign(&block, 1 << 20, 600) != 0)
		die("posix_memalign");
	other_global = (char *)block + 599;
}

/* Blocks with mappings of their own. */
static void large(void)
{
	char *block = (char *)allocate(2 << 20);

	lose(1, 1 << 20);
	*(void **)(block + (2 << 20) - 8) = allocate(16);
	global = block;
}

/* ---- many blocks ---- */

static uint32_t random_state;

/* Numerical Recipes' generator: the same numbers on every machine. */
static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)random_state * limit >> 32);
}

/* A random number of 32 bits would be an address in Valgrind, whose heap lies low. */
static void forget_nodes(void **nodes, size_t size)
{
	munmap(nodes, size);
	random_state = 0;
}

#define TREE_NODES 1000000

/* Each node has up to three children; the longest path is half of all nodes. */
static NOINLINE void *make_tree(void)
{
	size_t size = TREE_NODES * sizeof(void *);
	void **nodes = map(size, MAP_PRIVATE | MAP_ANONYMOUS, -1), *root;

	random_state = 1;
	for (uint32_t i = 0; i < TREE_NODES; i++) {
		uint32_t back = 1 + random_below(i < 3 ? i : 3);

		nodes[i] = allocate(24);
		if (i)
			((void **)nodes[i - back])[back - 1] = nodes[i];
	}
	root = nodes[0];
	forget_nodes(nodes, size);
	return root;
}

static void tree_held(void)
{
	global = make_tree();
}

static void tree_lost(void)
{
	make_tree();
}

#define GRAPH_NODES 50000
#define GRAPH_ACYCLIC 40000
#define GRAPH_ROOTS 200

static void *volatile graph_roots[GRAPH_ROOTS];

/* A pointer into the middle is none of those that count as one to the start. */
static NOINLINE void *some_node(void **nodes, uint32_t first)
{
	char *node = (char *)nodes[first + random_below(GRAPH_NODES - first)];

	return random_below(5) ? node : node + 16;
}

/*
 * Later nodes can point to each other, and all are of one size: one node of a lost ring is lost
 * definitely, and which one depends on addresses.
 */
static void graph(void)
{
	void **nodes = map(GRAPH_NODES * sizeof(void *), MAP_PRIVATE | MAP_ANONYMOUS, -1);
	uint32_t i;

	random_state = 1;
	for (i = 0; i < GRAPH_NODES; i++)
		nodes[i] = allocate(i < GRAPH_ACYCLIC ? 24 + random_below(100) : 40);
	for (i = 0; i < GRAPH_NODES; i++)
		for (uint32_t edge = random_below(3); edge > 0; edge--)
			((void **)nodes[i])[random_below(3)] =
				some_node(nodes, i < GRAPH_ACYCLIC ? i + 1 : GRAPH_ACYCLIC);
	for (i = 0; i < GRAPH_ROOTS; i++)
		graph_roots[i] = some_node(nodes, 0);
	forget_nodes(nodes, GRAPH_NODES * sizeof(void *));
}

static const struct leak_case cases[] = {
	{ "definite", definite },
	{ "list", list },
	{ "ring", ring },
	{ "list_into_ring", list_into_ring },
	{ "shared_loss", shared_loss },
	{ "zero_lost", zero_lost },
	{ "zero_held", zero_held },
	{ "hidden", hidden },
	{ "interior", interior },
	{ "interior_chain", interior_chain },
	{ "interior_and_start", interior_and_start },
	{ "plus_one", plus_one },
	{ "last_byte", last_byte },
	{ "past_end", past_end },
	{ "before_start", before_start },
	{ "unaligned", unaligned },
	{ "length64", length64 },
	{ "wrong_length64", wrong_length64 },
	{ "in_global", in_global },
	{ "in_static_local", in_static_local },
	{ "in_tls", in_tls },
	{ "in_key", in_key },
	{ "in_mapping", in_mapping },
	{ "in_shared_mapping", in_shared_mapping },
	{ "in_file_mapping", in_file_mapping },
	{ "in_second_mapping", in_second_mapping },
	{ "in_page_given_back", in_page_given_back },
	{ "in_sparse_mapping", in_sparse_mapping },
	{ "in_unmapped", in_unmapped },
	{ "in_read_only", in_read_only },
	{ "in_environment", in_environment },
	{ "in_stdio", in_stdio },
#ifndef STATIC
	{ "in_library", in_library },
	{ "in_closed_library", in_closed_library },
#endif
	{ "in_freed", in_freed },
	{ "in_slack", in_slack },
	{ "in_cut_off", in_cut_off },
	{ "reallocated", reallocated },
	{ "aligned", aligned },
	{ "large", large },
	{ "tree_held", tree_held },
	{ "tree_lost", tree_lost },
	{ "graph", graph },
};

int main(int argc, char **argv)
{
	return run_case(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}

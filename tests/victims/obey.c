// SPDX-License-Identifier: GPL-2.0
/*
 * A daemon that does what it is told on stdin, a line a command, and answers each with "ok": so a
 * test knows at every moment what it holds.
 *	alloc COUNT SIZE	blocks from keep()
 *	free COUNT		the youngest blocks
 *	below			frees two: the second from below a frame that nobody writes to
 *	leave			the first thread ends, another one goes on
 *	load FILE		opens that library, as dlmopen does: with all it needs anew
 *	map COUNT		files in memory, to be executed
 *	other COUNT SIZE	blocks from the malloc that this library sees
 *	truth			prints the sums
 *	reset			forgets the sums (not the blocks)
 *	exit CODE | abort
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "truth.h"

#define MAX_BLOCKS 100000

static struct {
	void *block;
	size_t size;
} held[MAX_BLOCKS];
static int nr_held;

static NOINLINE void keep(int count, size_t size)
{
	for (int i = 0; i < count && nr_held < MAX_BLOCKS; i++) {
		void *block = malloc(size);

		if (!block)
			die("malloc");
		truth_allocated(block, size);
		held[nr_held].block = block;
		held[nr_held].size = size;
		nr_held++;
	}
}

static NOINLINE void drop(int count)
{
	while (count-- > 0 && nr_held > 0) {
		nr_held--;
		truth_freed(held[nr_held].size);
		free(held[nr_held].block);
	}
}

/* The return address of the earlier free stands there. */
static NOINLINE void drop_below(void)
{
	char unwritten[4096];

	__asm__ volatile("" : : "r"(unwritten) : "memory");
	drop(1);
	__asm__ volatile("" : : "r"(unwritten) : "memory");
}

/* A JIT compiler's: each file is there only once. */
static void map_files(int count)
{
	for (int i = 0; i < count; i++) {
		int fd = memfd_create("code", MFD_CLOEXEC);

		if (fd < 0 || ftruncate(fd, 4096) ||
		    mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0) == MAP_FAILED)
			die("map");
		close(fd);
	}
}

/* One line, byte by byte: what follows belongs to the next command. */
static int read_line(char *line, size_t size)
{
	size_t n = 0;

	for (;;) {
		char c;

		if (read(STDIN_FILENO, &c, 1) != 1)
			return 0;
		if (c == '\n')
			break;
		if (n + 1 < size)
			line[n++] = c;
	}
	line[n] = '\0';
	return 1;
}

#ifdef STATIC
static void load(const char *path)
{
	die(path);
}

static void keep_other(int count, size_t size)
{
	(void)count;
	(void)size;
	die("other");
}
#else
static void *(*other_malloc)(size_t);

static void load(const char *path)
{
	void *library = dlmopen(LM_ID_NEWLM, path, RTLD_NOW);

	if (!library)
		die(dlerror());
	*(void **)&other_malloc = dlsym(library, "malloc");
	if (!other_malloc)
		die("dlsym");
}

static NOINLINE void keep_other(int count, size_t size)
{
	for (int i = 0; i < count; i++)
		truth_allocated(other_malloc(size), size);
}
#endif

static void *obey(void *unused);

/* Does not use pthread_exit, which loads a library. */
static void leave(void)
{
	pthread_t other;

	if (pthread_create(&other, NULL, obey, NULL))
		die("pthread_create");
	syscall(SYS_exit, 0);
}

static void *obey(void *unused)
{
	char line[256], path[256];
	int a;
	unsigned long b;

	while (read_line(line, sizeof(line))) {
		if (sscanf(line, "alloc %d %lu", &a, &b) == 2)
			keep(a, b);
		else if (sscanf(line, "free %d", &a) == 1)
			drop(a);
		else if (!strcmp(line, "below")) {
			drop(1);
			drop_below();
		} else if (!strcmp(line, "leave")) {
			say("ok\n");
			leave();
		} else if (sscanf(line, "load %255s", path) == 1)
			load(path);
		else if (sscanf(line, "other %d %lu", &a, &b) == 2)
			keep_other(a, b);
		else if (sscanf(line, "map %d", &a) == 1)
			map_files(a);
		else if (!strcmp(line, "truth"))
			truth_print();
		else if (!strcmp(line, "reset"))
			truth_allocated_bytes = truth_allocated_blocks = truth_freed_bytes =
				truth_freed_blocks = truth_failed = 0;
		else if (sscanf(line, "exit %d", &a) == 1)
			_exit(a);
		else if (!strcmp(line, "abort"))
			abort();
		else
			die(line);
		say("ok\n");
	}
	return unused;
}

int main(void)
{
	/* Never outlives a test that forgot it. */
	alarm(120);
	say("ready\n");
	obey(NULL);
	return 0;
}

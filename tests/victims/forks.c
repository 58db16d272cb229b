// SPDX-License-Identifier: GPL-2.0
/*
 * forks [chain COUNT]
 * A family by fork: each copy frees blocks that it got from its ancestors, among them some that the
 * ancestor has freed in the meantime and whose addresses it uses again, and makes blocks of its
 * own. Or a chain of so many generations, each of which frees a block of the first one. Each prints
 * what it knows of itself. It says nothing else; nothing in it allocates unseen.
 */
#include <fcntl.h>
#include <sys/wait.h>

#include "truth.h"

#define NR_BLOCKS 20

struct family {
	unsigned long inherited_bytes, inherited_blocks;
	unsigned long freed_bytes, freed_blocks; /* of these */
};

static struct family family;
static char *block[NR_BLOCKS];

static size_t size_of(int i)
{
	return 1000 + (size_t)i;
}

static NOINLINE void keep(int i, size_t size)
{
	block[i] = malloc(size);
	truth_allocated(block[i], size);
}

static void free_own(int i, size_t size)
{
	free(block[i]);
	truth_freed(size);
}

static void free_inherited(int i, size_t size)
{
	free(block[i]);
	family.freed_bytes += size;
	family.freed_blocks++;
}

static void print_family(const char *role)
{
	char line[512];

	snprintf(line, sizeof(line),
		 "{\"role\":\"%s\",\"pid\":%d,\"held_bytes\":%lu,\"held_blocks\":%lu,"
		 "\"inherited_bytes\":%lu,\"inherited_blocks\":%lu,\"freed_bytes\":%lu,"
		 "\"freed_blocks\":%lu}\n",
		 role, (int)getpid(), truth_allocated_bytes - truth_freed_bytes,
		 truth_allocated_blocks - truth_freed_blocks, family.inherited_bytes,
		 family.inherited_blocks, family.freed_bytes, family.freed_blocks);
	say(line);
}

/* What this process had at the fork is inherited from here on. */
static void become_copy(void)
{
	family.inherited_bytes += truth_allocated_bytes - truth_freed_bytes - family.freed_bytes;
	family.inherited_blocks +=
		truth_allocated_blocks - truth_freed_blocks - family.freed_blocks;
	family.freed_bytes = family.freed_blocks = 0;
	truth_allocated_bytes = truth_allocated_blocks = truth_freed_bytes = truth_freed_blocks = 0;
}

static void wait_for(pid_t child)
{
	int status;

	if (child < 0 || waitpid(child, &status, 0) != child || status)
		die("child");
}

static void grandchild(void)
{
	become_copy();
	free_inherited(8, size_of(8)); /* the parent's */
	free_inherited(0, 33); /* the child's */
	keep(1, 44);
	keep(2, 45);
	print_family("grandchild");
	exit(0);
}

static void child(int from_parent)
{
	char byte;
	pid_t pid;

	become_copy();
	/* The parent has freed blocks 0 to 4, and has put others in their places. */
	if (read(from_parent, &byte, 1) != 1)
		die("read");
	for (int i = 0; i < 3; i++)
		free_inherited(i, size_of(i));
	free_inherited(5, size_of(5));
	free_inherited(6, size_of(6));
	block[7] = realloc(block[7], 5000);
	family.freed_bytes += size_of(7);
	family.freed_blocks++;
	truth_allocated(block[7], 5000);
	for (int i = 0; i < 4; i++)
		keep(i, 33);
	free_own(3, 33);
	pid = fork();
	if (!pid)
		grandchild();
	wait_for(pid);
	print_family("child");
	_exit(0);
}

/* The generation before this one waits for it. */
static void descend(int generation, int nr_generations)
{
	pid_t pid = fork();

	if (!pid) {
		become_copy();
		free_inherited(generation, size_of(generation));
		if (generation + 1 < nr_generations)
			descend(generation + 1, nr_generations);
		print_family("descendant");
		_exit(0);
	}
	wait_for(pid);
}

int main(int argc, char **argv)
{
	int to_child[2];
	pid_t pid;

	alarm(60);
	if (pipe2(to_child, O_CLOEXEC))
		die("pipe");
	for (int i = 0; i < NR_BLOCKS; i++)
		keep(i, size_of(i));
	if (argc == 3 && !strcmp(argv[1], "chain")) {
		descend(0, atoi(argv[2]));
		print_family("first");
		return 0;
	}
	pid = fork();
	if (!pid)
		child(to_child[0]);
	for (int i = 0; i < 5; i++)
		free_own(i, size_of(i));
	/*
	 * The parent makes younger blocks at the same addresses and frees two again. They are no
	 * business of the child.
	 */
	for (int i = 0; i < 5; i++)
		keep(i, size_of(i) - 4);
	for (int i = 0; i < 2; i++)
		free_own(i, size_of(i) - 4);
	if (write(to_child[1], "", 1) != 1)
		die("write");
	wait_for(pid);
	pid = fork();
	if (!pid) {
		execl("/bin/true", "true", NULL);
		_exit(97);
	}
	wait_for(pid);
	print_family("parent");
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * weigh [WORD…]: takes memory as the words say, in their order, prints "weighed" and what the
 * kernel says of it (/proc/self/status and smaps_rollup), and ends by exit_group at once. Words:
 *	plain=MIB | huge=MIB | nohuge=MIB	private memory, with that advice or none
 *	swap=MIB		the same, paged out
 *	shared=MIB		anonymous shared memory
 *	zero=MIB		private memory that is only read
 *	file			its own program mapped privately, its first page written to
 *	split			half of each huge page of the newest memory given back
 *	child			a copy that lives on; prints "child PID"
 *	halves			the same, when it has written to the first half of the newest memory
 *	brief			a copy that ends, itself weighed, before this one does
 *	wait			instead of ending, prints "waiting PID" and waits to be killed
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "truth.h"

#define MIB (1UL << 20)
#define HUGE_SIZE (2 * MIB)

static char status[8192], rollup[8192];
static char *mapped;
static size_t mapped_size;

static void print_pid(const char *what, pid_t pid)
{
	char line[32];

	snprintf(line, sizeof(line), "%s %d\n", what, (int)pid);
	say(line);
}

static long read_raw(const char *path, char *buffer, size_t size)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY);
	long n = syscall(SYS_read, fd, buffer, size);

	syscall(SYS_close, fd);
	return n;
}

static void weigh(void)
{
	long status_size, rollup_size;

	status_size = read_raw("/proc/self/status", status, sizeof(status));
	rollup_size = read_raw("/proc/self/smaps_rollup", rollup, sizeof(rollup));
	syscall(SYS_write, STDOUT_FILENO, "weighed\n", 8);
	syscall(SYS_write, STDOUT_FILENO, status, status_size);
	syscall(SYS_write, STDOUT_FILENO, rollup, rollup_size);
}

/* The second weighing counts: the first touches every page of code and data that weighing takes. */
static NOINLINE void weigh_and_end(void)
{
	for (int i = 0;; i++) {
		weigh();
		if (i)
			syscall(SYS_exit_group, 0);
	}
}

static void fill(char *memory, size_t size)
{
	/* All pages differ: the kernel can save neither zeroes nor twins. */
	for (size_t i = 0; i < size; i += 4096) {
		memcpy(memory + i, &i, sizeof(i));
		memory[i + sizeof(i)] = 1;
	}
}

/* Aligned as huge pages must be, without a neighbour to merge with that would get the advice. */
static char *take(size_t size, int flags, int advice)
{
	size_t room = size + 2 * HUGE_SIZE;
	char *start = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *memory;

	if (start == MAP_FAILED)
		die("mmap");
	memory = (char *)(((size_t)start / HUGE_SIZE + 1) * HUGE_SIZE);
	if (mmap(memory, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
	    memory)
		die("mmap");
	if (advice && madvise(memory, size, advice))
		die("madvise");
	mapped = memory;
	mapped_size = size;
	return memory;
}

static void take_file(void)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	struct stat file;
	char *memory;

	if (fd < 0 || fstat(fd, &file))
		die("/proc/self/exe");
	memory = mmap(NULL, (size_t)file.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (memory == MAP_FAILED)
		die("mmap");
	for (off_t i = 0; i < file.st_size; i += 4096)
		*(volatile char *)(memory + i);
	memory[0] = 'x';
	close(fd);
}

static void take_swapped(size_t size)
{
	char *memory = take(size, MAP_PRIVATE, MADV_NOHUGEPAGE);

	fill(memory, size);
	/*
	 * Pages that were not yet on the list from which the kernel pages out are there the next
	 * time.
	 */
	for (int i = 0; i < 3; i++) {
		madvise(memory, size, MADV_PAGEOUT);
		usleep(20000);
	}
}

static void read_only(size_t size)
{
	const volatile char *memory = take(size, MAP_PRIVATE, MADV_NOHUGEPAGE);

	for (size_t i = 0; i < size; i += 4096)
		(void)memory[i];
}

static void split(void)
{
	weigh();
	for (size_t i = 0; i < mapped_size; i += HUGE_SIZE)
		if (madvise(mapped + i, HUGE_SIZE / 2, MADV_DONTNEED))
			die("madvise");
}

static void live_on(size_t written)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe(ready))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		for (size_t i = 0; i < written; i += 4096)
			mapped[i] = 2;
		if (write(ready[1], "", 1) != 1)
			die("write");
		for (;;)
			pause();
	}
	if (read(ready[0], &byte, 1) != 1)
		die("read");
	print_pid("child", pid);
}

static void outlive_child(void)
{
	pid_t pid = fork();
	int end;

	if (!pid)
		weigh_and_end();
	if (pid < 0 || waitpid(pid, &end, 0) != pid || end)
		die("child");
	print_pid("child", pid);
}

static void obey(const char *word)
{
	const char *equals = strchr(word, '=');
	size_t size = equals ? strtoul(equals + 1, NULL, 10) * MIB : 0;

	if (!strncmp(word, "plain=", 6))
		fill(take(size, MAP_PRIVATE, 0), size);
	else if (!strncmp(word, "huge=", 5))
		fill(take(size, MAP_PRIVATE, MADV_HUGEPAGE), size);
	else if (!strncmp(word, "nohuge=", 7))
		fill(take(size, MAP_PRIVATE, MADV_NOHUGEPAGE), size);
	else if (!strncmp(word, "shared=", 7))
		fill(take(size, MAP_SHARED, 0), size);
	else if (!strncmp(word, "swap=", 5))
		take_swapped(size);
	else if (!strncmp(word, "zero=", 5))
		read_only(size);
	else if (!strcmp(word, "file"))
		take_file();
	else if (!strcmp(word, "split"))
		split();
	else if (!strcmp(word, "child"))
		live_on(0);
	else if (!strcmp(word, "halves"))
		live_on(mapped_size / 2);
	else if (!strcmp(word, "brief"))
		outlive_child();
	else
		die(word);
}

int main(int argc, char **argv)
{
	int waits = argc > 1 && !strcmp(argv[argc - 1], "wait");

	alarm(60);
	truth_allocated(malloc(1234), 1234);
	for (int i = 1; i < argc - waits; i++)
		obey(argv[i]);
	if (!waits)
		weigh_and_end();
	print_pid("waiting", getpid());
	for (;;)
		pause();
}

// SPDX-License-Identifier: GPL-2.0
/*
 * shared_memory posix NAME | sysv | memfd | anonymous: touches 8 MiB of it and ends. The first two
 * outlive the process; whoever started it removes them ("sysv" prints the identifier).
 */
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "truth.h"

#define SIZE (8UL << 20)

static void *map_file(int fd)
{
	if (fd < 0 || ftruncate(fd, SIZE))
		die("shared memory");
	return mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";
	void *memory = MAP_FAILED;

	if (!strcmp(kind, "posix") && argc > 2) {
		memory = map_file(shm_open(argv[2], O_RDWR | O_CREAT | O_EXCL, 0600));
	} else if (!strcmp(kind, "sysv")) {
		int id = shmget(IPC_PRIVATE, SIZE, IPC_CREAT | 0600);
		char line[32];

		if (id < 0)
			die("shmget");
		snprintf(line, sizeof(line), "%d\n", id);
		say(line);
		memory = shmat(id, NULL, 0);
	} else if (!strcmp(kind, "memfd")) {
		memory = map_file(memfd_create("victim", 0));
	} else if (!strcmp(kind, "anonymous")) {
		memory =
			mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	}
	if (memory == MAP_FAILED)
		die("mmap");
	memset(memory, 1, SIZE);
	truth_allocated(malloc(1234), 1234);
	return 0;
}

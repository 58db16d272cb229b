// SPDX-License-Identifier: GPL-2.0
/*
 * shared_memory KIND [WORD…]: makes 8 MiB of shared memory and fills it, does what the words say in
 * the order below, and ends. Whoever started it removes what is left.
 *	posix /NAME | semaphore /NAME | file PATH | memfd | anonymous
 *	sysv			prints the identifier
 * Words:
 *	later			prints "ready" and waits for a line, before it makes anything
 *	key=NUMBER		of the sysv segment; else it has none
 *	huge			of huge pages (sysv, memfd, anonymous)
 *	empty			a sysv segment is never attached, other memory never touched
 *	unmap			nothing is mapped at the end
 *	remove			its name is gone at the end
 *	send=NAME		a memfd goes through the abstract UNIX socket NAME
 *	child			a child goes on with it; prints its PID
 *	wait			prints "ready" and waits for a line
 *	exec			becomes sleep(1) for a second, with a memfd still open
 */
#include <fcntl.h>
#include <semaphore.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "truth.h"

#define SIZE (8UL << 20)

static int nr_words;
static char **words;

static const char *value_of(const char *word)
{
	size_t length = strlen(word);

	for (int i = 0; i < nr_words; i++)
		if (!strncmp(words[i], word, length))
			return words[i] + length;
	return NULL;
}

static int has(const char *word)
{
	return value_of(word) != NULL;
}

static void print_number(int number)
{
	char line[32];

	snprintf(line, sizeof(line), "%d\n", number);
	say(line);
}

static void *map_file(int fd)
{
	if (fd < 0 || ftruncate(fd, SIZE))
		die("shared memory");
	return mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

static void *make_sysv(void)
{
	key_t key = has("key=") ? (key_t)strtoul(value_of("key="), NULL, 0) : IPC_PRIVATE;
	int id = shmget(key, SIZE, IPC_CREAT | IPC_EXCL | 0600 | (has("huge") ? SHM_HUGETLB : 0));
	void *memory = NULL;

	if (id < 0)
		die("shmget");
	print_number(id);
	if (!has("empty"))
		memory = shmat(id, NULL, 0);
	if (has("remove"))
		shmctl(id, IPC_RMID, NULL);
	return memory;
}

static void send_file(int fd, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char control[CMSG_SPACE(sizeof(fd))] = { 0 }, byte = 'x';
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	socklen_t length = sizeof(address.sun_family) + 1 + strlen(name);
	int peer = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path + 1, name);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	if (peer < 0 || connect(peer, (struct sockaddr *)&address, length) ||
	    sendmsg(peer, &message, 0) != 1 || read(peer, &byte, 1) != 1)
		die("socket");
	close(peer);
}

static void *make(const char *kind, const char *name)
{
	int flags = MAP_SHARED | MAP_ANONYMOUS | (has("huge") ? MAP_HUGETLB : 0);
	void *memory = MAP_FAILED;
	int fd;

	if (!strcmp(kind, "sysv")) {
		memory = make_sysv();
	} else if (!strcmp(kind, "anonymous")) {
		memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, -1, 0);
	} else if (!strcmp(kind, "memfd")) {
		fd = memfd_create("vic\ntim", has("huge") ? MFD_HUGETLB : 0);
		memory = map_file(fd);
		if (has("send="))
			send_file(fd, value_of("send="));
	} else if (!strcmp(kind, "posix") && name) {
		memory = map_file(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
		if (has("remove"))
			shm_unlink(name);
	} else if (!strcmp(kind, "file") && name) {
		memory = map_file(open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
		if (has("remove"))
			unlink(name);
	} else if (!strcmp(kind, "semaphore") && name) {
		if (sem_open(name, O_CREAT | O_EXCL, 0600, 1) == SEM_FAILED)
			die("sem_open");
		memory = NULL;
	}
	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

static void wait_for_line(void)
{
	char byte;

	say("ready\n");
	if (read(STDIN_FILENO, &byte, 1) < 0)
		die("read");
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";
	char *memory;
	pid_t child;

	nr_words = argc - 2;
	words = argv + 2;
	if (has("later"))
		wait_for_line();
	memory = make(kind, argc > 2 && argv[2][0] == '/' ? argv[2] : NULL);
	if (memory && !has("empty"))
		memset(memory, 1, SIZE);
	if (memory && has("unmap") && (strcmp(kind, "sysv") ? munmap(memory, SIZE) : shmdt(memory)))
		die("unmap");
	if (has("child")) {
		child = fork();
		if (!child)
			for (;;)
				pause();
		print_number(child);
	}
	if (has("wait"))
		wait_for_line();
	if (has("exec"))
		execl("/bin/sleep", "sleep", "1", NULL);
	truth_allocated(malloc(1234), 1234);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * floor FILE MALLOC_OFFSET FREE_OFFSET COMMAND [ARG...]: runs COMMAND with empty BPF programs on
 * malloc's call, malloc's return and free's call, at these offsets in FILE. No tool that sees every
 * call by uprobes can cost less than these three traps. For tools/bench.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/uprobe_link.h"

static void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int load_empty(enum uprobe_link_type attach_type)
{
	/* r0 = 0; exit. Of a session's entry 0 means: the return too. */
	const struct bpf_insn empty[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options,
		    .expected_attach_type = (enum bpf_attach_type)attach_type);
	int fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "floor", "GPL", empty, 2, &options);

	if (fd < 0)
		die("load");
	return fd;
}

static void attach_link(enum uprobe_link_type attach_type, const char *file, uint64_t offset,
			pid_t pid)
{
	struct uprobe_link_request request = { .program_fd = load_empty(attach_type),
					       .attach_type = attach_type,
					       .file_fd = open(file, O_RDONLY | O_CLOEXEC),
					       .pid = pid,
					       .offsets = &offset,
					       .nr = 1 };

	errno = -uprobe_link__create(&request);
	if (errno > 0)
		die("link");
}

/* Before Linux 6.13. */
static void attach_event(const char *file, uint64_t offset, bool returns, pid_t pid)
{
	struct perf_event_attr event = { .size = sizeof(event),
					 .config = returns,
					 .uprobe_path = (uint64_t)(uintptr_t)file,
					 .probe_offset = offset };
	FILE *type = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
	int fd;

	if (!type || fscanf(type, "%u", &event.type) != 1)
		die("type of uprobe events");
	fclose(type);
	fd = (int)syscall(SYS_perf_event_open, &event, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0 || ioctl(fd, PERF_EVENT_IOC_SET_BPF, load_empty(0)) ||
	    ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))
		die("perf event");
}

/* The command, which begins when a byte comes. */
static pid_t start(char **command, int *go)
{
	int ends[2];
	pid_t pid;
	char byte;

	if (pipe2(ends, O_CLOEXEC))
		die("pipe");
	*go = ends[1];
	pid = fork();
	if (pid)
		return pid;
	if (read(ends[0], &byte, 1) != 1)
		_exit(126);
	execvp(command[0], command);
	_exit(127);
}

int main(int argc, char **argv)
{
	uint64_t malloc_offset, free_offset;
	int go, status;
	pid_t pid;

	if (argc < 5)
		return 2;
	malloc_offset = strtoull(argv[2], NULL, 0);
	free_offset = strtoull(argv[3], NULL, 0);
	pid = start(argv + 4, &go);
	if (pid < 0)
		die("fork");
	if (uprobe_link__supported(UPROBE_LINK_SESSION)) {
		attach_link(UPROBE_LINK_SESSION, argv[1], malloc_offset, pid);
		attach_link(UPROBE_LINK_MULTI, argv[1], free_offset, pid);
	} else {
		attach_event(argv[1], malloc_offset, false, pid);
		attach_event(argv[1], malloc_offset, true, pid);
		attach_event(argv[1], free_offset, false, pid);
	}
	if (write(go, "", 1) != 1 || waitpid(pid, &status, 0) != pid)
		die("run");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

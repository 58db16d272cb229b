// SPDX-License-Identifier: GPL-2.0
/* See filtered_return.h. Called by kernel_features.c. */
#include "probes/filtered_return.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mapping.h"

#define RETURN_PROBE 1 /* bit 0 of the configuration: /sys/bus/event_source/devices/uprobe/format */

#define ALLOW(number)                                        \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

bool filtered_return__is_suspect(const char *release)
{
	unsigned int major = 0, minor = 0;

	if (sscanf(release, "%u.%u", &major, &minor) != 2)
		return true;
	return major == 6 && minor >= 11 && minor < 14;
}

/* The function that is probed. */
static __attribute__((noinline)) void probed(void)
{
	__asm__ volatile("");
}

/*
 * Runs in the child: waits until the probe is attached, then calls the function under the filter.
 */
static void call_filtered(int go, bool strict)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW((uint32_t)(strict ? -1 : SYS_exit_group)),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };
	char byte;

	if (read(go, &byte, 1) != 1 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(1);
	probed();
	syscall(SYS_exit_group, 0);
}

static int open_return_probe(int uprobe_type, pid_t pid)
{
	struct mapping_set *maps = mapping_set__new();
	FILE *file = fopen("/proc/self/maps", "re");
	uint64_t address = (uint64_t)(uintptr_t)probed;
	struct perf_event_attr attributes = {
		.size = sizeof(attributes),
		.type = (uint32_t)uprobe_type,
		.config = RETURN_PROBE,
		.uprobe_path = (uint64_t)(uintptr_t) "/proc/self/exe",
	};
	const struct mapping *map = NULL;
	long fd = -ENOENT;

	if (maps && file && mapping_set__read_maps(maps, file) > 0)
		map = mapping_set__find(maps, address);
	if (map) {
		attributes.probe_offset = address - map->start + map->file_offset;
		fd = syscall(SYS_perf_event_open, &attributes, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
		if (fd < 0)
			fd = -errno;
	}
	if (file)
		fclose(file);
	mapping_set__free(maps);
	return (int)fd;
}

static int try(int uprobe_type, bool strict)
{
	int go[2], probe, status = 0;
	pid_t child;

	if (pipe(go))
		return -errno;
	child = fork();
	if (!child) {
		close(go[1]);
		call_filtered(go[0], strict);
	}
	close(go[0]);
	if (child < 0) {
		close(go[1]);
		return -EAGAIN;
	}
	probe = open_return_probe(uprobe_type, child);
	if (probe >= 0 && write(go[1], "", 1) != 1)
		kill(child, SIGKILL);
	close(go[1]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (probe < 0)
		return probe;
	close(probe);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return 1;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

int filtered_return__is_deadly(int uprobe_type)
{
	return try(uprobe_type, false);
}

int filtered_return__is_deadly_for_certain(int uprobe_type)
{
	return try(uprobe_type, true);
}

// SPDX-License-Identifier: GPL-2.0
/* See hold_release.h. Used by holds.c and, in a process of its own, by hold_keeper.c. */
#include "probes/hold_release.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probes/hold_rules.h"

#define STOPPED 'T'
#define NS_PER_TICK 10000000ULL /* of /proc: USER_HZ is 100 */

/*
 * The state of the process as /proc shows it, or 0 when there is none that began then. start_ns 0:
 * whenever it began. The fields follow the name, which may contain anything.
 */
static char read_state(pid_t tgid, uint64_t start_ns)
{
	char path[32], text[512], *fields, state;
	unsigned long long start_ticks;
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)tgid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[length > 0 ? length : 0] = '\0';
	fields = strrchr(text, ')');
	if (!fields ||
	    sscanf(fields + 1,
		   " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
		   &state, &start_ticks) != 2)
		return 0;
	return start_ns && start_ticks != start_ns / NS_PER_TICK ? 0 : state;
}

static int continue_process(int pidfd)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, SIGCONT, NULL, 0) ? -errno : 0;
}

int hold_release__one(const struct hold_maps *maps, pid_t tgid, uint64_t from_ns)
{
	uint32_t key = (uint32_t)tgid;
	struct held held;
	int pidfd = (int)syscall(SYS_pidfd_open, tgid, 0), err = 0;

	if (pidfd < 0)
		return -errno;
	/* BPF deletes the entry at the process's end: if it is there now, pidfd is that process. */
	if (bpf_map_lookup_elem(maps->held, &key, &held) || held.from_ns != from_ns)
		err = -ESRCH;
	if (!err)
		err = continue_process(pidfd);
	close(pidfd);
	return err;
}

/*
 * Without BPF nobody deletes entries, and a number may be another process's by now. Where BPF did
 * not see the stop being sent, it may still come: the entry stays, and is looked at again.
 */
static void release_alone(const struct hold_maps *maps, uint32_t tgid, const struct held *held)
{
	int pidfd = (int)syscall(SYS_pidfd_open, (pid_t)tgid, 0);
	char state = pidfd < 0 ? 0 : read_state((pid_t)tgid, held->start_ns);

	if (state && (held->stopped || state == STOPPED))
		continue_process(pidfd);
	if (!state || held->stopped || state == STOPPED)
		bpf_map_delete_elem(maps->held, &tgid);
	if (pidfd >= 0)
		close(pidfd);
}

/* The tracer will look into the file when it comes to it, which can take long. */
static void note_in_vain(const struct hold_maps *maps, const struct held *held)
{
	for (size_t i = 0; i < HOLD_NR_FILES; i++)
		if (held->seen[i].file.inode)
			bpf_map_update_elem(maps->known_files, &held->seen[i].file,
					    &held->seen[i].stamp, BPF_ANY);
}

/* The keys of a map, at most HOLD_MAX_HELD: what a walk deletes does not disturb it. */
static size_t read_keys(int map, uint32_t keys[HOLD_MAX_HELD])
{
	size_t nr = 0;

	while (nr < HOLD_MAX_HELD &&
	       !bpf_map_get_next_key(map, nr ? &keys[nr - 1] : NULL, &keys[nr]))
		nr++;
	return nr;
}

static bool is_held(const struct hold_maps *maps, uint32_t tgid)
{
	struct held held;

	return !bpf_map_lookup_elem(maps->held, &tgid, &held);
}

static void continue_parents(const struct hold_maps *maps, uint64_t now_ns, bool alone)
{
	uint32_t keys[HOLD_MAX_HELD];
	size_t nr = read_keys(maps->parents, keys);

	for (size_t i = 0; i < nr; i++) {
		struct hold_parent parent;
		int pidfd;

		if (bpf_map_lookup_elem(maps->parents, &keys[i], &parent))
			continue;
		if (hold_rules__parent_is_old(&parent, now_ns))
			bpf_map_delete_elem(maps->parents, &keys[i]);
		if (!hold_rules__parent_waits(&parent, now_ns,
					      !alone && is_held(maps, parent.child_tgid)))
			continue;
		pidfd = (int)syscall(SYS_pidfd_open, (pid_t)keys[i], 0);
		if (pidfd >= 0 && read_state((pid_t)keys[i], 0) == STOPPED)
			continue_process(pidfd);
		if (pidfd >= 0)
			close(pidfd);
	}
}

size_t hold_release__several(const struct hold_maps *maps, uint64_t now_ns,
			     enum hold_release_of which)
{
	bool alone = which == HOLD_RELEASE_ALONE;
	uint32_t keys[HOLD_MAX_HELD];
	size_t nr = read_keys(maps->held, keys), nr_held = 0;

	for (size_t i = 0; i < nr; i++) {
		struct held held;

		if (bpf_map_lookup_elem(maps->held, &keys[i], &held))
			continue;
		nr_held++;
		if (!hold_rules__is_over(&held, now_ns, which != HOLD_RELEASE_OVERDUE))
			continue;
		if (alone) {
			release_alone(maps, keys[i], &held);
			continue;
		}
		note_in_vain(maps, &held);
		hold_release__one(maps, (pid_t)keys[i], held.from_ns);
	}
	continue_parents(maps, now_ns, alone);
	return nr_held;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Finds what a tracer could leave behind in the kernel: BPF objects, by their IDs, and breakpoints
 * in the code of a process, by comparing it with its file.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

static uint32_t next_id(int command, uint32_t id)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.start_id = id;
	if (syscall(SYS_bpf, command, &attr, sizeof(attr)) != 0)
		return 0;
	return attr.next_id;
}

/* IDs only grow, so objects with IDs above the newest of before came after it. */
static uint32_t newest(int command)
{
	uint32_t id = 0, next;

	while ((next = next_id(command, id)))
		id = next;
	return id;
}

static unsigned int count_after(int command, uint32_t id)
{
	unsigned int n = 0;

	while ((id = next_id(command, id)))
		n++;
	return n;
}

struct bpf_objects bpf_objects_now(void)
{
	struct bpf_objects now = {
		.newest_program = newest(BPF_PROG_GET_NEXT_ID),
		.newest_link = newest(BPF_LINK_GET_NEXT_ID),
		.newest_map = newest(BPF_MAP_GET_NEXT_ID),
	};

	return now;
}

unsigned int bpf_objects_since(const struct bpf_objects *before)
{
	return count_after(BPF_PROG_GET_NEXT_ID, before->newest_program) +
	       count_after(BPF_LINK_GET_NEXT_ID, before->newest_link) +
	       count_after(BPF_MAP_GET_NEXT_ID, before->newest_map);
}

static bool holds_bpf_links(const char *pid)
{
	char path[300], line[256];
	const struct dirent *entry;
	bool found = false;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%.20s/fdinfo", pid);
	folder = opendir(path);
	while (folder && !found && (entry = readdir(folder))) {
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%.20s/fdinfo/%.20s", pid, entry->d_name);
		file = fopen(path, "r");
		while (file && !found && fgets(line, sizeof(line), file))
			found = !strncmp(line, "link_type:", 10);
		if (file)
			fclose(file);
	}
	if (folder)
		closedir(folder);
	return found;
}

/* Does it descend from a test program? The names of these begin with test_, as nothing else's. */
static bool is_of_a_test(pid_t pid)
{
	char path[64], comm[32];
	bool found = false;
	int parent;

	for (unsigned int level = 0; pid > 1 && !found && level < 32; level++) {
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		file = fopen(path, "r");
		if (!file)
			return false;
		if (fscanf(file, "%*d (%31[^)]) %*c %d", comm, &parent) != 2)
			parent = 0;
		else
			found = !strncmp(comm, "test_", 5);
		fclose(file);
		pid = parent;
	}
	return found;
}

bool another_tracer_runs(void)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	bool found = false;

	while (proc && !found && (entry = readdir(proc)))
		found = entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
			holds_bpf_links(entry->d_name) && !is_of_a_test(atoi(entry->d_name));
	if (proc)
		closedir(proc);
	return found;
}

/* Objects left behind are a defect, unless they can be another tracer's. */
static void fail_unless_another_traces(const char *what)
{
	if (!another_tracer_runs())
		fail_msg("%s", what);
	print_message("skipped: %s, and another tracer is at work\n", what);
	skip();
}

void assert_no_bpf_objects_since(const struct bpf_objects *before)
{
	double end_s = now_s() + 20;
	struct timespec pause = { 0, 20000000 };

	/* The kernel frees them after a grace period. */
	while (bpf_objects_since(before) && now_s() < end_s)
		nanosleep(&pause, NULL);
	if (bpf_objects_since(before))
		fail_unless_another_traces("BPF programs, maps or links are left");
}

static int compare_mapping(pid_t pid, int file, unsigned long start, unsigned long end,
			   unsigned long offset)
{
	char path[64];
	size_t size = end - start;
	char *memory = malloc(size), *content = malloc(size);
	int different = -1, fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && memory && content) {
		n = pread(file, content, size, (off_t)offset);
		if (n > 0 && pread(fd, memory, (size_t)n, (off_t)start) == n)
			different = memcmp(memory, content, (size_t)n) != 0;
	}
	if (fd >= 0)
		close(fd);
	free(memory);
	free(content);
	return different;
}

bool text_is_touched(pid_t pid, const char *wanted)
{
	char path[64], line[4096];
	int file = open(wanted, O_RDONLY | O_CLOEXEC), different = -1;
	struct stat status;
	FILE *maps;

	if (file < 0 || fstat(file, &status) != 0)
		fail_msg("%s: %s", wanted, strerror(errno));
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "r");
	if (!maps)
		fail_msg("%s: %s", path, strerror(errno));
	while (different < 0 && fgets(line, sizeof(line), maps)) {
		unsigned long start, end, offset, inode;
		char flags[8];

		if (sscanf(line, "%lx-%lx %7s %lx %*s %lu", &start, &end, flags, &offset, &inode) ==
			    5 &&
		    flags[2] == 'x' && inode == status.st_ino)
			different = compare_mapping(pid, file, start, end, offset);
	}
	fclose(maps);
	close(file);
	if (different < 0)
		fail_msg("process %d has no readable code of %s", pid, wanted);
	return different > 0;
}

bool mapping_is_touched(pid_t pid, const char *path_end)
{
	char path[128], line[4096];
	int different = -1, file;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "r");
	if (!maps)
		fail_msg("%s: %s", path, strerror(errno));
	while (different < 0 && fgets(line, sizeof(line), maps)) {
		unsigned long start, end, offset;
		size_t length = strcspn(line, "\n"), wanted = strlen(path_end);
		char flags[8];

		if (sscanf(line, "%lx-%lx %7s %lx", &start, &end, flags, &offset) != 4 ||
		    flags[2] != 'x' || length < wanted ||
		    memcmp(line + length - wanted, path_end, wanted) != 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", pid, start, end);
		file = open(path, O_RDONLY | O_CLOEXEC);
		different = compare_mapping(pid, file, start, end, offset);
		close(file);
	}
	fclose(maps);
	if (different < 0)
		fail_msg("process %d has no readable code of %s", pid, path_end);
	return different > 0;
}

void assert_text_untouched(pid_t pid, const char *path)
{
	double end_s = now_s() + 10;
	struct timespec pause = { 0, 20000000 };

	while (text_is_touched(pid, path) && now_s() < end_s)
		nanosleep(&pause, NULL);
	if (text_is_touched(pid, path))
		fail_unless_another_traces("a breakpoint is left in the victim's code");
}

// SPDX-License-Identifier: GPL-2.0
/* See memory_cgroup.h. */
#include "memory_cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

/* The kernel finishes its work later, when the last page of a dead process is uncharged. */
#define NR_TRIES 100
#define TRY_AGAIN_MS 20

static bool write_value(const char *folder, const char *name, const char *value)
{
	char path[1024];
	int fd;
	bool written;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	written = write(fd, value, strlen(value)) == (ssize_t)strlen(value);
	close(fd);
	return written;
}

static bool file_has_word(const char *folder, const char *name, const char *word)
{
	char path[1024], content[1024];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, content, sizeof(content) - 1);
	close(fd);
	content[n > 0 ? n : 0] = '\0';
	return strstr(content, word) != NULL;
}

static bool is_memory_mount(const char *where, const char *type, const char *flags, int version)
{
	if (version == 1)
		return !strcmp(type, "cgroup") && strstr(flags, "memory");
	return !strcmp(type, "cgroup2") && file_has_word(where, "cgroup.controllers", "memory");
}

static bool find_mount(struct memory_cgroup *cgroup, int version)
{
	char line[1024], where[400], type[64], flags[400];
	FILE *mounts = fopen("/proc/self/mounts", "re");
	bool found = false;

	while (mounts && !found && fgets(line, sizeof(line), mounts)) {
		if (sscanf(line, "%*s %399s %63s %399s", where, type, flags) != 3)
			continue;
		found = is_memory_mount(where, type, flags, version);
	}
	if (mounts)
		fclose(mounts);
	if (found)
		snprintf(cgroup->mount_point, sizeof(cgroup->mount_point), "%s", where);
	return found;
}

/* EBUSY: the hierarchy of version 2 has not yet given the controller up. */
static const char *mount_version_1(struct memory_cgroup *cgroup)
{
	snprintf(cgroup->mount_point, sizeof(cgroup->mount_point), "%s", scratch("cgroup1"));
	if (mkdir(cgroup->mount_point, 0755) && errno != EEXIST)
		return "there is no place to mount it";
	for (int i = 0; i < NR_TRIES; i++) {
		if (!mount("none", cgroup->mount_point, "cgroup", 0, "memory")) {
			cgroup->mounted = true;
			return NULL;
		}
		if (errno != EBUSY)
			break;
		pause_ms(TRY_AGAIN_MS);
	}
	return errno == EBUSY ? "version 2 keeps the memory controller" :
				"this kernel has no memory controller of version 1";
}

static const char *switch_on(struct memory_cgroup *cgroup)
{
	if (file_has_word(cgroup->mount_point, "cgroup.subtree_control", "memory"))
		return NULL;
	if (!write_value(cgroup->mount_point, "cgroup.subtree_control", "+memory"))
		return "the memory controller can't be switched on";
	cgroup->switched_on = true;
	return NULL;
}

static const char *find_hierarchy(struct memory_cgroup *cgroup, int version)
{
	bool found = find_mount(cgroup, version);

	if (version == 2)
		return found ? switch_on(cgroup) :
			       "no memory controller of version 2 is mounted here";
	if (found)
		return NULL;
	if (!getenv("EMULATED"))
		return "no memory controller of version 1 is mounted here";
	return mount_version_1(cgroup);
}

static bool limit_memory(const struct memory_cgroup *cgroup, int version, const char *limit)
{
	if (version == 1)
		return write_value(cgroup->path, "memory.limit_in_bytes", limit) &&
		       /*
			* Without this limit, swapping would only be slower; it may not be compiled
			* in.
			*/
		       (write_value(cgroup->path, "memory.memsw.limit_in_bytes", limit) || true);
	return write_value(cgroup->path, "memory.max", limit) &&
	       (write_value(cgroup->path, "memory.swap.max", "0") || true);
}

const char *memory_cgroup__make(struct memory_cgroup *cgroup, int version, int limit_mib)
{
	const char *why;
	char limit[32];

	memset(cgroup, 0, sizeof(*cgroup));
	why = find_hierarchy(cgroup, version);
	if (why)
		return why;
	snprintf(cgroup->path, sizeof(cgroup->path), "%s/memleak-test-%d", cgroup->mount_point,
		 getpid());
	snprintf(cgroup->procs, sizeof(cgroup->procs), "%s/cgroup.procs", cgroup->path);
	if (mkdir(cgroup->path, 0755) != 0)
		return "no cgroup can be made";
	snprintf(limit, sizeof(limit), "%d", limit_mib << 20);
	return limit_memory(cgroup, version, limit) ? NULL : "the memory limit can't be set";
}

void memory_cgroup__remove(struct memory_cgroup *cgroup)
{
	for (int i = 0; cgroup->path[0] && i < NR_TRIES; i++) {
		if (!rmdir(cgroup->path) || errno != EBUSY)
			break;
		pause_ms(TRY_AGAIN_MS);
	}
	if (cgroup->switched_on)
		write_value(cgroup->mount_point, "cgroup.subtree_control", "-memory");
	if (cgroup->mounted)
		umount(cgroup->mount_point);
	memset(cgroup, 0, sizeof(*cgroup));
}

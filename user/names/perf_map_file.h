/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The /tmp/perf-PID.map of one process, in its own /tmp and by its own PID, found while it runs and
 * readable when it has ended. Taken only from the process's own user or root.
 */
#ifndef PERF_MAP_FILE_H
#define PERF_MAP_FILE_H

#include <stdint.h>
#include <sys/types.h>

struct perf_map_file;
struct name_holder;

/*
 * For a process that runs now; the file need not be there yet. Keeps two descriptors, a third once
 * it is. NULL with errno set, ESRCH when the process has ended.
 */
struct perf_map_file *perf_map_file__new(pid_t tgid);
/* Another owner: each calls perf_map_file__free. */
struct perf_map_file *perf_map_file__share(struct perf_map_file *file);
void perf_map_file__free(struct perf_map_file *file);

/* Opens the file if it has come to be: from then on it is read even when its name has gone. */
void perf_map_file__look(struct perf_map_file *file);

/*
 * Reads what was written since, or all of it when it was written anew. Returns 0, -ENOENT when
 * there is none, -EPERM when it is another user's, -EINVAL when it is no regular file, -ESTALE when
 * it is older than the process, -EMLINK when it has another name too, or -errno. What was read
 * before remains.
 */
int perf_map_file__refresh(struct perf_map_file *file);

/* The same, but only the first time for that report, whatever its number. */
int perf_map_file__refresh_once(struct perf_map_file *file, uint64_t report);

/* What was read of it, for name_budget: to refresh it is work for it. */
struct name_holder *perf_map_file__holder(struct perf_map_file *file);

/* The name of the code at the address as of the last refresh, or NULL. Good until the next one. */
const char *perf_map_file__find(struct perf_map_file *file, uint64_t address);

#endif

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
 * For a process that runs now; the file need not be there yet. Keeps two descriptors, and a third
 * once the file is there. NULL with errno set, ESRCH when the process has ended.
 */
struct perf_map_file *perf_map_file__new(pid_t tgid);
/* Adds an owner: each owner calls perf_map_file__free. */
struct perf_map_file *perf_map_file__share(struct perf_map_file *file);
void perf_map_file__free(struct perf_map_file *file);

/* Opens the file if it is there by now. From then on it is read even when its name has gone. */
void perf_map_file__look(struct perf_map_file *file);

/*
 * Reads the text written since the last refresh, or all of the file when it was written anew.
 * Returns 0, -ENOENT when there is none, -EPERM when it is another user's, -EINVAL when it is no
 * regular file, -ESTALE when it is older than the process, -EMLINK when it has another name too, or
 * -errno. The names read before remain.
 */
int perf_map_file__refresh(struct perf_map_file *file);

/*
 * Does the same, but once for each report, whose numbers begin with 1; and again when what was read
 * has been evicted.
 */
int perf_map_file__refresh_once(struct perf_map_file *file, uint64_t report);

/* The holder of the names read from it: a refresh is work for this holder. */
struct name_holder *perf_map_file__holder(struct perf_map_file *file);

/* The name of the code at the address as of the last refresh, or NULL. Good until the next one. */
const char *perf_map_file__find(struct perf_map_file *file, uint64_t address);

#endif

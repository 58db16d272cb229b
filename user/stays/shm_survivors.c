// SPDX-License-Identifier: GPL-2.0
/*
 * See shm_survivors.h. The facts come from sysv_segments.h, memory_files.h and holder_scan.h;
 * shm_fate.h judges them. A failure here makes a figure unknown and stops no report.
 */
#include "stays/shm_survivors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "stays/holder_scan.h"
#include "base/living_thread.h"
#include "base/log.h"
#include "stays/memory_files.h"
#include "base/scan_budget.h"
#include "stays/shm_fate.h"
#include "stays/sysv_segments.h"

#define CATCH_UP_NS 100000000ULL

struct shm_survivors {
	struct memory_files *files;
	struct holder_scan *scan;
	struct sysv_segment *segments;
	size_t nr_segments;
	bool segments_listed; /* at the last look */
	struct scan_budget segments_budget;
	uint64_t lost_ns; /* the last time that mappings went unseen; 0: never */
	/*
	 * For each process that lived at caught_up_ns, the mappings lost up to caught_up_to_ns were
	 * noted.
	 */
	uint64_t caught_up_ns, caught_up_to_ns;
	ino_t ipc_namespace; /* ours; 0: unknown */
};

/* 0 when the process is gone. */
static ino_t ipc_namespace(const char *process)
{
	struct stat status;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/ns/ipc", process);
	return stat(path, &status) ? 0 : status.st_ino;
}

struct shm_survivors *shm_survivors__new(void)
{
	struct shm_survivors *survivors = calloc(1, sizeof(*survivors));

	if (!survivors)
		return NULL;
	survivors->files = memory_files__new();
	survivors->scan = holder_scan__new();
	if (!survivors->files || !survivors->scan) {
		shm_survivors__free(survivors);
		errno = ENOMEM;
		return NULL;
	}
	survivors->ipc_namespace = ipc_namespace("self");
	return survivors;
}

void shm_survivors__free(struct shm_survivors *survivors)
{
	if (!survivors)
		return;
	memory_files__free(survivors->files);
	holder_scan__free(survivors->scan);
	free(survivors->segments);
	free(survivors);
}

void shm_survivors__note(struct shm_survivors *survivors, struct shared_memory *mapped, pid_t tgid,
			 const struct mapping *map)
{
	struct shared_object object;
	enum memory_filesystem filesystem;
	char process[16];
	int err;

	if (shared_memory__has(mapped, map))
		return;
	filesystem = memory_files__filesystem(survivors->files, tgid, map);
	err = shared_memory__classify(map, filesystem, &object);
	if (err == -ENOMEM)
		shared_memory__set_incomplete(mapped);
	if (err)
		return;
	if (object.kind == SHARED_SYSV) {
		ino_t namespace;

		snprintf(process, sizeof(process), "%d", (int)living_thread__of(tgid));
		namespace = ipc_namespace(process);
		object.elsewhere = namespace && namespace != survivors->ipc_namespace;
	}
	shared_memory__add(mapped, &object);
}

struct noting {
	struct shm_survivors *survivors;
	struct shared_memory *mapped;
	pid_t tgid;
};

static void note_line(const struct mapping *map, void *context)
{
	const struct noting *noting = context;

	shm_survivors__note(noting->survivors, noting->mapped, noting->tgid, map);
}

void shm_survivors__note_running(struct shm_survivors *survivors, struct shared_memory *mapped,
				 pid_t tgid)
{
	struct noting noting = { survivors, mapped, tgid };
	char path[64];
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)living_thread__of(tgid));
	maps = fopen(path, "re");
	if (!maps || mapping__read_lines(maps, MAPPINGS_SHARED, note_line, &noting))
		shared_memory__set_incomplete(mapped);
	if (maps)
		fclose(maps);
}

void shm_survivors__lost(struct shm_survivors *survivors, uint64_t time_ns)
{
	log__detail("shared mappings may have gone unseen: their records came too fast");
	if (survivors->lost_ns < time_ns)
		survivors->lost_ns = time_ns;
}

static bool is_known(const struct shared_memory *mapped, const struct holder *holder)
{
	const struct mapping map = {
		.file = file_key__of_device(holder->device, holder->inode),
		.path = holder->sysv ? "/SYSV00000000" : "",
	};

	return shared_memory__has(mapped, &map);
}

void shm_survivors__catch_up(struct shm_survivors *survivors,
			     struct shared_memory *(*find)(pid_t tgid, void *context),
			     void *context)
{
	uint64_t now_ns = clock__monotonic_ns(), lost_ns = survivors->lost_ns;
	const struct holders *holders;

	if (lost_ns <= survivors->caught_up_to_ns ||
	    now_ns < survivors->caught_up_ns + CATCH_UP_NS ||
	    holder_scan__look(survivors->scan, now_ns, &holders))
		return;
	for (size_t i = 0; i < holders->nr; i++) {
		const struct holder *holder = &holders->list[i];
		pid_t tgid = (pid_t)holder->tgid;
		struct shared_memory *mapped = holder->ways & HOLDING_SHARED ? find(tgid, context) :
									       NULL;

		if (mapped && !is_known(mapped, holder))
			shm_survivors__note_running(survivors, mapped, tgid);
	}
	survivors->caught_up_ns = now_ns;
	survivors->caught_up_to_ns = lost_ns;
}

/* May mappings of that process have gone unseen? */
static bool has_missed(const struct shm_survivors *survivors, const struct shm_user *user)
{
	if (!survivors->lost_ns || survivors->lost_ns < user->watched_ns)
		return false;
	return user->ended_ns < survivors->caught_up_ns ||
	       survivors->lost_ns > survivors->caught_up_to_ns;
}

/* Lists the segments as they were at that time or later. False when there is no such list. */
static bool list_segments(struct shm_survivors *survivors, uint64_t since_ns)
{
	struct scan_budget *budget = &survivors->segments_budget;
	uint64_t began_ns = clock__monotonic_ns();
	uint64_t began_cpu_ns = clock__thread_cpu_ns();
	FILE *file;
	int err;

	if (scan_budget__is_fresh(budget, since_ns, began_ns))
		return survivors->segments_listed;
	if (scan_budget__wait_ns(budget, began_ns))
		return false;
	free(survivors->segments);
	survivors->segments = NULL;
	survivors->nr_segments = 0;
	file = fopen("/proc/sysvipc/shm", "re");
	/* A kernel without System V shared memory has no such file, and no segments. */
	err = file ? sysv_segments__read(file, &survivors->segments, &survivors->nr_segments) :
	      errno == ENOENT ? 0 :
				-errno;
	scan_budget__charge(budget, began_ns, clock__monotonic_ns(),
			    clock__thread_cpu_ns() - began_cpu_ns);
	if (file)
		fclose(file);
	if (err)
		log__detail("cannot list System V shared memory: %s", strerror(-err));
	survivors->segments_listed = !err;
	return !err;
}

static bool rmid_is_forced(void)
{
	FILE *file = fopen("/proc/sys/kernel/shm_rmid_forced", "re");
	bool forced = file && getc(file) == '1';

	if (file)
		fclose(file);
	return forced;
}

/* The report's list while it grows. */
struct telling {
	struct shm_survivors *survivors;
	const struct shm_user *user;
	bool segments_known, removed_when_unused;
	int64_t began_s; /* CLOCK_REALTIME */
	struct report_kept *kept;
	size_t nr, capacity;
	bool complete; /* shmem_bytes can be known */
};

static void tell_object(struct telling *telling, const struct shared_object *object)
{
	struct shm_survivors *survivors = telling->survivors;
	const struct shm_user *user = telling->user;
	struct shm_facts facts = { .segments_known = telling->segments_known,
				   .removed_when_unused = telling->removed_when_unused };
	const struct holders *holders;
	struct memory_file file;
	enum fate fate;

	if (object->kind == SHARED_SYSV) {
		facts.segment = sysv_segments__find(survivors->segments, survivors->nr_segments,
						    (uint32_t)object->file.inode);
	} else if (object->kind == SHARED_FILE) {
		int err = memory_files__find(survivors->files, object, &file);

		facts.place_known = err != -EXDEV && err != -EAGAIN;
		facts.path = err ? NULL : file.path;
		facts.file_bytes = err ? 0 : file.bytes;
	}
	if (shm_fate__needs_holders(object, &facts) &&
	    !holder_scan__look(survivors->scan, user->ended_ns, &holders)) {
		facts.holders_known = true;
		facts.holding = holders__find(holders, object, user->lives_on ? 0 : user->tgid);
	}
	if (telling->nr == telling->capacity ||
	    shm_fate__decide(object, &facts, &fate, &telling->kept[telling->nr])) {
		telling->complete = false;
		return;
	}
	if (fate == FATE_UNKNOWN)
		telling->complete = false;
	else if (fate == FATE_STAYS)
		telling->nr++;
}

static bool is_mapped(const struct shared_memory *mapped, const struct sysv_segment *segment)
{
	for (size_t i = 0; i < shared_memory__nr(mapped); i++) {
		const struct shared_object *object = shared_memory__get(mapped, i);

		if (object->kind == SHARED_SYSV && object->file.inode == segment->id)
			return true;
	}
	return false;
}

/* A process can make a segment and never attach it: then no mapping showed it. */
static bool was_made_unseen(const struct telling *telling, const struct sysv_segment *segment)
{
	const struct shm_user *user = telling->user;

	return shm_fate__created(segment, user->tgid, telling->began_s) &&
	       !is_mapped(user->mapped, segment);
}

static void tell_unseen_segments(struct telling *telling)
{
	const struct shm_survivors *survivors = telling->survivors;

	for (size_t i = 0; i < survivors->nr_segments; i++) {
		const struct sysv_segment *segment = &survivors->segments[i];
		const struct shared_object object = {
			.kind = SHARED_SYSV,
			.file.inode = segment->id,
			.key = segment->key,
			.name = "",
		};

		if (was_made_unseen(telling, segment))
			tell_object(telling, &object);
	}
}

static size_t nr_candidates(const struct telling *telling)
{
	const struct shm_survivors *survivors = telling->survivors;
	size_t nr = shared_memory__nr(telling->user->mapped);

	for (size_t i = 0; telling->segments_known && i < survivors->nr_segments; i++)
		nr += was_made_unseen(telling, &survivors->segments[i]);
	return nr;
}

static int64_t real_s(uint64_t monotonic_ns)
{
	return (int64_t)(clock__wall_of_monotonic_ns(monotonic_ns) / NS_PER_S);
}

static int by_size(const void *a, const void *b)
{
	const struct report_kept *left = a, *right = b;

	return left->bytes > right->bytes ? -1 : left->bytes < right->bytes;
}

static figure sum_of(const struct telling *telling)
{
	figure sum = 0;

	if (!telling->complete)
		return FIGURE_UNKNOWN;
	for (size_t i = 0; i < telling->nr; i++)
		if (telling->kept[i].bytes == FIGURE_UNKNOWN ||
		    __builtin_add_overflow(sum, telling->kept[i].bytes, &sum))
			return FIGURE_UNKNOWN;
	return sum;
}

void shm_survivors__tell(struct shm_survivors *survivors, const struct shm_user *user,
			 struct report_stays *stays)
{
	struct telling telling = {
		.survivors = survivors,
		.user = user,
		.segments_known = list_segments(survivors, user->ended_ns),
		.began_s = real_s(user->began_ns),
		.complete = !shared_memory__is_incomplete(user->mapped) &&
			    !has_missed(survivors, user),
	};

	telling.capacity = nr_candidates(&telling);
	telling.kept = calloc(telling.capacity, sizeof(*telling.kept));
	if (!telling.kept)
		telling.capacity = 0;
	if (survivors->nr_segments)
		telling.removed_when_unused = !user->lives_on && rmid_is_forced();
	for (size_t i = 0; i < shared_memory__nr(user->mapped); i++)
		tell_object(&telling, shared_memory__get(user->mapped, i));
	if (telling.segments_known)
		tell_unseen_segments(&telling);
	if (telling.nr)
		qsort(telling.kept, telling.nr, sizeof(*telling.kept), by_size);
	stays->kept = telling.kept;
	stays->nr_kept = telling.nr;
	stays->shmem_bytes = sum_of(&telling);
}

void shm_survivors__free_stays(struct report_stays *stays)
{
	struct report_kept *kept = (struct report_kept *)stays->kept;

	for (size_t i = 0; i < stays->nr_kept; i++)
		shm_fate__free(&kept[i]);
	free(kept);
	stays->kept = NULL;
	stays->nr_kept = 0;
}

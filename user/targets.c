// SPDX-License-Identifier: GPL-2.0
/* See targets.h. */
#include "targets.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "elf_headers.h"
#include "living_thread.h"
#include "log.h"
#include "own_code.h"
#include "process_view.h"
#include "vfork_users.h"

#define MAX_FILES 65536
#define GENERATION_OF_NONE UINT64_MAX

/* Where an allocator is probed. */
struct scope {
	pid_t tgid; /* 0: everywhere */
	bool guests; /* children that share the memory too */
};

/* What is known of an allocator, to probe it in one process after the other. */
struct allocator_file {
	int fd; /* < 0: let go, the index stays */
	struct allocator_probes probes;
	struct scope *scopes;
	size_t nr_scopes;
	bool everywhere; /* its breakpoints are in every process, though only the scopes count */
	uint64_t attached_ns; /* CLOCK_MONOTONIC, when it was first probed anywhere */
};

struct known_file {
	dev_t device;
	ino_t inode; /* 0: a free slot */
	uint64_t generation; /* 0: unknown. An allocator's inode can't be another's: it is open */
	size_t allocator; /* index + 1; 0: it is none */
	bool uses_vfork;
};

struct targets {
	struct tracer *tracer;
	struct translators *translators; /* may be NULL */
	/* Open addressing by inode; capacity is a power of two, or 0. */
	struct known_file *files;
	size_t nr_files, capacity;
	struct allocator_file *allocators;
	size_t nr_allocators;
	unsigned int nr_functions;
	pid_t *vfork_users; /* processes that map a file that uses vfork */
	size_t nr_vfork_users;
};

struct targets *targets__new(struct tracer *tracer, struct translators *translators)
{
	struct targets *targets = calloc(1, sizeof(*targets));

	if (!targets)
		return NULL;
	targets->tracer = tracer;
	targets->translators = translators;
	return targets;
}

void targets__free(struct targets *targets)
{
	if (!targets)
		return;
	for (size_t i = 0; i < targets->nr_allocators; i++) {
		if (targets->allocators[i].fd >= 0)
			close(targets->allocators[i].fd);
		free(targets->allocators[i].scopes);
	}
	free(targets->vfork_users);
	free(targets->allocators);
	free(targets->files);
	free(targets);
}

/* The slot of the file, or the free one where it belongs. */
static struct known_file *find_slot(struct known_file *files, size_t capacity, dev_t device,
				    ino_t inode)
{
	size_t i = (inode * 0x9e3779b97f4a7c15 >> 32) & (capacity - 1);

	while (files[i].inode && (files[i].inode != inode || files[i].device != device))
		i = (i + 1) & (capacity - 1);
	return &files[i];
}

static const struct known_file *find_file(const struct targets *targets, dev_t device, ino_t inode)
{
	const struct known_file *file;

	if (!targets->capacity)
		return NULL;
	file = find_slot(targets->files, targets->capacity, device, inode);
	return file->inode ? file : NULL;
}

static int grow(struct targets *targets)
{
	size_t capacity = targets->capacity ? 2 * targets->capacity : 64;
	struct known_file *files;

	if (targets->nr_files < targets->capacity / 2)
		return 0;
	if (targets->nr_files >= MAX_FILES)
		return -ENOSPC;
	files = calloc(capacity, sizeof(*files));
	if (!files)
		return -ENOMEM;
	for (size_t i = 0; i < targets->capacity; i++) {
		const struct known_file *file = &targets->files[i];

		if (file->inode)
			*find_slot(files, capacity, file->device, file->inode) = *file;
	}
	free(targets->files);
	targets->files = files;
	targets->capacity = capacity;
	return 0;
}

static int remember_file(struct targets *targets, const struct known_file *file)
{
	struct known_file *slot;
	int err = grow(targets);

	if (err)
		return err;
	slot = find_slot(targets->files, targets->capacity, file->device, file->inode);
	targets->nr_files += !slot->inode;
	*slot = *file;
	return 0;
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

/* Tells the guard of translators; where there is none, or it is gone, nothing is guarded. */
static void tell_guard(const struct targets *targets, bool everywhere,
		       int (*verb)(struct translators *translators))
{
	int err = targets->translators ? verb(targets->translators) : 0;

	if (err && everywhere)
		log__warning("programs such as Valgrind are not guarded and may be ended: %s",
			     strerror(-err));
	else if (err)
		log__detail("programs that translate code are not guarded: %s", strerror(-err));
}

/* Does that process translate code, while nobody could take the breakpoints out of it again? */
static bool would_harm(const struct targets *targets, pid_t tgid)
{
	int fd;

	if (!tgid || !process_view__translates(tgid))
		return false;
	fd = targets->translators ? process_view__open_memory(tgid) : -EPERM;
	if (fd < 0)
		return true;
	close(fd);
	return false;
}

static int attach(struct targets *targets, const struct allocator_file *file, pid_t tgid,
		  const char *name)
{
	int err;

	if (would_harm(targets, tgid)) {
		log__warning("PID %d translates code, which our breakpoints in %s would end, and "
			     "writing to its memory is not allowed: it is not probed",
			     (int)tgid, name);
		return 0;
	}
	tell_guard(targets, !tgid, translators__attaching);
	err = tracer__attach_allocator(targets->tracer, file->fd, &file->probes, tgid);
	tell_guard(targets, !tgid, translators__attached);
	if (!err && !tgid && own_code__restore(file->fd, &file->probes))
		log__detail("%s: the tracer's own calls are trapped too", name);
	if (err)
		log__warning("cannot probe the allocator in %s: %s; its blocks are not counted",
			     name, strerror(-err));
	return err;
}

static bool process_uses_vfork(const struct targets *targets, pid_t tgid)
{
	for (size_t i = 0; i < targets->nr_vfork_users; i++)
		if (targets->vfork_users[i] == tgid)
			return true;
	return false;
}

static void attach_guests(struct targets *targets, struct allocator_file *file, struct scope *scope)
{
	int err;

	if (!scope->tgid || scope->guests)
		return;
	tell_guard(targets, false, translators__attaching);
	err = tracer__attach_guests(targets->tracer, file->fd, &file->probes,
				    living_thread__of(scope->tgid));
	tell_guard(targets, false, translators__attached);
	if (err)
		log__warning(
			"cannot probe vfork children of PID %d: %s; their calls are not counted",
			(int)scope->tgid, strerror(-err));
	scope->guests = true;
}

/* A process maps a file that uses vfork: its children may allocate in its memory. */
static int note_vfork_user(struct targets *targets, pid_t tgid)
{
	pid_t *grown;

	if (!tracer__probes_one_process(targets->tracer) || process_uses_vfork(targets, tgid))
		return 0;
	grown = realloc(targets->vfork_users, (targets->nr_vfork_users + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	targets->vfork_users = grown;
	targets->vfork_users[targets->nr_vfork_users++] = tgid;
	for (size_t i = 0; i < targets->nr_allocators; i++)
		for (size_t j = 0; j < targets->allocators[i].nr_scopes; j++)
			if (targets->allocators[i].scopes[j].tgid == tgid)
				attach_guests(targets, &targets->allocators[i],
					      &targets->allocators[i].scopes[j]);
	return 0;
}

/*
 * The kernel knows a process's memory by its first thread: without that, breakpoints have to be put
 * everywhere.
 */
static int put_everywhere(struct targets *targets, struct allocator_file *file,
			  const struct scope *scope, const char *name)
{
	int err;

	if (!scope->tgid || file->everywhere)
		return 0;
	tell_guard(targets, true, translators__attaching);
	err = tracer__attach_breakpoints(targets->tracer, file->fd, &file->probes);
	tell_guard(targets, true, translators__attached);
	if (err) {
		log__warning(
			"cannot keep %s probed in PID %d, whose first thread has left: %s; its blocks may not be counted",
			name, (int)scope->tgid, strerror(-err));
		return err;
	}
	if (own_code__restore(file->fd, &file->probes))
		log__detail("%s: the tracer's own calls are trapped too", name);
	file->everywhere = true;
	return 0;
}

/* A process has mapped the file: without its first thread, nobody has put breakpoints there. */
static int follow_leaderless(struct targets *targets, struct allocator_file *file,
			     const struct scope *scope, const char *name)
{
	int err;

	if (!scope->tgid || file->everywhere || !living_thread__leader_left(scope->tgid))
		return 0;
	err = put_everywhere(targets, file, scope, name);
	if (!err)
		file->attached_ns = monotonic_ns();
	return err;
}

/* Probes the allocator in that process, unless it is probed there. */
static int probe_in(struct targets *targets, struct allocator_file *file, pid_t tgid,
		    const char *name)
{
	pid_t wanted = tracer__probes_one_process(targets->tracer) ? tgid : 0;
	struct scope *grown;
	int err;

	for (size_t i = 0; i < file->nr_scopes; i++)
		if (file->scopes[i].tgid == wanted)
			return follow_leaderless(targets, file, &file->scopes[i], name);
	grown = realloc(file->scopes, (file->nr_scopes + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	file->scopes = grown;
	err = attach(targets, file, wanted, name);
	if (err)
		return err;
	if (!file->nr_scopes)
		file->attached_ns = monotonic_ns();
	file->scopes[file->nr_scopes] = (struct scope){ .tgid = wanted };
	if (process_uses_vfork(targets, tgid))
		attach_guests(targets, file, &file->scopes[file->nr_scopes]);
	file->nr_scopes++;
	return follow_leaderless(targets, file, &file->scopes[file->nr_scopes - 1], name);
}

/* What follows for a process that maps that file. Returns 0 or -errno. */
static int apply(struct targets *targets, const struct known_file *file, pid_t tgid,
		 const char *name)
{
	int err = file->uses_vfork ? note_vfork_user(targets, tgid) : 0;

	if (!err && file->allocator)
		err = probe_in(targets, &targets->allocators[file->allocator - 1], tgid, name);
	return err;
}

static size_t free_index(const struct targets *targets)
{
	size_t i = 0;

	while (i < targets->nr_allocators && targets->allocators[i].fd >= 0)
		i++;
	return i;
}

static void tell_probe(const char *file, const struct allocator_probe *probe)
{
	unsigned long long behind = probe->probe_offset - probe->file_offset;
	char where[48] = "";

	if (behind)
		snprintf(where, sizeof(where), ", probed %llu bytes behind that", behind);
	log__detail("%s: %s at file offset 0x%llx%s", file, probe->symbol,
		    (unsigned long long)probe->file_offset, where);
}

/* Keeps what was found in a file that defines an allocator. Returns its index + 1, or -errno. */
static long add_allocator(struct targets *targets, int fd, const struct allocator_probes *probes,
			  const char *name)
{
	size_t index = free_index(targets);
	struct allocator_file *grown;
	int kept;

	if (index == targets->nr_allocators) {
		grown = realloc(targets->allocators, (index + 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		targets->allocators = grown;
	}
	kept = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (kept < 0)
		return -errno;
	targets->nr_allocators += index == targets->nr_allocators;
	targets->allocators[index] = (struct allocator_file){ .fd = kept, .probes = *probes };
	targets->nr_functions += (unsigned int)probes->nr;
	if (targets->translators && translators__add_file(targets->translators, kept, probes))
		log__detail("%s: programs that translate its code are not guarded", name);
	for (size_t i = 0; i < probes->nr; i++)
		tell_probe(name, &probes->probe[i]);
	return (long)index + 1;
}

/* Takes a look at a file that is new. Returns the allocator's index + 1, 0 for none, or -errno. */
static long look_into(struct targets *targets, int fd, const char *name)
{
	struct allocator_probes probes;
	int err = allocators__find(fd, &probes);

	if (err == -ENOEXEC && elf_headers__is_32_bit(fd))
		log__detail("%s: not looked at: allocators of 32-bit programs are not probed",
			    name);
	else if (err && err != -ENOEXEC)
		log__detail("%s: not looked at: %s", name, strerror(-err));
	return err || !probes.nr ? 0 : add_allocator(targets, fd, &probes, name);
}

/* The number is reused when a file is deleted; an unknown generation says nothing. */
static bool is_same_file(const struct known_file *known, uint64_t generation)
{
	if (known->generation == GENERATION_OF_NONE)
		return false;
	return known->allocator || !known->generation || !generation ||
	       known->generation == generation;
}

static uint64_t read_generation(int fd)
{
	int generation = 0; /* the ioctl is declared to take a long, and writes an int */

	return ioctl(fd, FS_IOC_GETVERSION, &generation) ? 0 : (uint32_t)generation;
}

/* Finds out about an opened file, *file, and does what follows. Returns 0 or -errno. */
static int add_open_file(struct targets *targets, pid_t tgid, int fd, const char *name,
			 struct known_file *file)
{
	uint64_t generation = read_generation(fd);
	const struct known_file *known;
	struct stat status;
	long allocator;
	int err;

	memset(file, 0, sizeof(*file));
	if (fstat(fd, &status))
		return -errno;
	if (!S_ISREG(status.st_mode))
		return 0;
	known = find_file(targets, status.st_dev, status.st_ino);
	if (known && is_same_file(known, generation)) {
		*file = *known;
	} else {
		allocator = look_into(targets, fd, name);
		if (allocator < 0)
			return (int)allocator;
		file->device = status.st_dev;
		file->inode = status.st_ino;
		file->generation = generation;
		file->allocator = (size_t)allocator;
		file->uses_vfork = vfork_users__check(fd);
		err = remember_file(targets, file);
		if (err)
			return err;
	}
	return apply(targets, file, tgid, name);
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? -errno : fd;
}

struct closure_visit {
	struct targets *targets;
	pid_t tgid;
};

static int visit_closure(const char *path, void *context)
{
	const struct closure_visit *visit = context;
	struct known_file file;
	int fd = open_file(path);

	if (fd >= 0) {
		add_open_file(visit->targets, visit->tgid, fd, path, &file);
		close(fd);
	}
	return 0;
}

int targets__add_command(struct targets *targets, pid_t tgid, const char *executable,
			 const struct elf_closure_environment *environment)
{
	struct closure_visit visit = { .targets = targets, .tgid = tgid };

	return elf_closure__each(executable, environment, visit_closure, &visit);
}

int targets__add_mapping(struct targets *targets, pid_t tgid, const struct mapping *map)
{
	dev_t device = makedev(map->dev_major, map->dev_minor);
	const struct known_file *known;
	struct known_file file;
	char path[96];
	int fd, err;

	if (!map->inode)
		return 0;
	known = find_file(targets, device, map->inode);
	if (known && is_same_file(known, map->inode_generation))
		return apply(targets, known, tgid, map->path);
	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", (int)living_thread__of(tgid),
		 (unsigned long long)map->start, (unsigned long long)map->end);
	fd = open_file(path);
	if (fd < 0)
		fd = open_file(map->path);
	if (fd < 0)
		return fd;
	err = add_open_file(targets, tgid, fd, map->path, &file);
	close(fd);
	/* On overlayfs and btrfs stat names another device than the mapping does: know both. */
	known = find_file(targets, device, map->inode);
	if (err || (known && is_same_file(known, map->inode_generation)))
		return err;
	file.device = device;
	file.inode = map->inode;
	return remember_file(targets, &file);
}

void targets__attach_again(struct targets *targets, pid_t tgid)
{
	for (size_t i = 0; i < targets->nr_allocators; i++) {
		struct allocator_file *file = &targets->allocators[i];

		for (size_t j = 0; j < file->nr_scopes; j++) {
			if (file->scopes[j].tgid != tgid)
				continue;
			attach(targets, file, tgid, "the new program");
			if (!file->scopes[j].guests)
				continue;
			file->scopes[j].guests = false;
			attach_guests(targets, file, &file->scopes[j]);
		}
	}
}

void targets__leader_left(struct targets *targets, pid_t tgid)
{
	for (size_t i = 0; i < targets->nr_allocators; i++) {
		struct allocator_file *file = &targets->allocators[i];

		for (size_t j = 0; j < file->nr_scopes; j++)
			if (file->scopes[j].tgid == tgid)
				put_everywhere(targets, file, &file->scopes[j], "an allocator");
	}
}

static bool is_mapped(const struct targets *targets, size_t allocator,
		      const struct file_set *mapped)
{
	for (size_t i = 0; i < targets->capacity; i++) {
		const struct known_file *file = &targets->files[i];

		if (file->allocator == allocator + 1 &&
		    file_set__has(mapped, major(file->device), minor(file->device), file->inode))
			return true;
	}
	return false;
}

static void let_go(struct targets *targets, size_t allocator)
{
	struct allocator_file *file = &targets->allocators[allocator];

	tracer__detach_file(targets->tracer, file->fd);
	targets->nr_functions -= (unsigned int)file->probes.nr;
	close(file->fd);
	free(file->scopes);
	*file = (struct allocator_file){ .fd = -1 };
	/* Another file may get the inode: a generation that no file has makes it be looked at. */
	for (size_t i = 0; i < targets->capacity; i++) {
		if (targets->files[i].allocator != allocator + 1)
			continue;
		targets->files[i].allocator = 0;
		targets->files[i].generation = GENERATION_OF_NONE;
	}
}

void targets__forget_deleted(struct targets *targets, const struct file_set *mapped)
{
	for (size_t i = 0; i < targets->nr_allocators; i++) {
		struct stat status;

		if (targets->allocators[i].fd >= 0 && !fstat(targets->allocators[i].fd, &status) &&
		    !status.st_nlink && !is_mapped(targets, i, mapped))
			let_go(targets, i);
	}
}

struct coverage {
	const struct targets *targets;
	uint64_t since_ns;
};

static int note_coverage(const struct mapping *map, void *context)
{
	struct coverage *coverage = context;
	const struct targets *targets = coverage->targets;
	const struct known_file *file =
		find_file(targets, makedev(map->dev_major, map->dev_minor), map->inode);
	uint64_t attached_ns;

	if (!file || !file->allocator)
		return 0;
	attached_ns = targets->allocators[file->allocator - 1].attached_ns;
	if (attached_ns > coverage->since_ns)
		coverage->since_ns = attached_ns;
	return 0;
}

uint64_t targets__covers_since(const struct targets *targets, const struct mapping_set *mappings)
{
	struct coverage coverage = { .targets = targets };

	mapping_set__each(mappings, note_coverage, &coverage);
	return coverage.since_ns;
}

unsigned int targets__nr_files(const struct targets *targets)
{
	unsigned int nr = 0;

	for (size_t i = 0; i < targets->nr_allocators; i++)
		nr += targets->allocators[i].fd >= 0;
	return nr;
}

unsigned int targets__nr_functions(const struct targets *targets)
{
	return targets->nr_functions;
}

// SPDX-License-Identifier: GPL-2.0
/* See probed_files.h. */
#include "probes/probed_files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "elf/elf_headers.h"
#include "base/living_thread.h"
#include "base/log.h"
#include "probes/known_files.h"
#include "probes/mapped_file.h"
#include "probes/own_code.h"
#include "probes/guard/process_view.h"
#include "allocators/vfork_users.h"

/* A place where an allocator is probed. */
struct scope {
	pid_t tgid; /* 0: everywhere */
	bool guests; /* vfork children that share its memory are probed too */
};

/* A probed allocator, kept so that more processes can be probed later. */
struct allocator_file {
	int fd; /* < 0: released, and the slot is free */
	struct file_identity identity; /* unique while the file is open */
	struct allocator_probes probes;
	struct scope *scopes;
	size_t nr_scopes, scopes_capacity;
	bool everywhere; /* its breakpoints are in every process, only the scopes are recorded */
	uint64_t attached_ns; /* CLOCK_MONOTONIC: first probed, or last put everywhere */
	bool unmapped; /* no process had it mapped at the last look */
};

struct probed_files {
	struct tracer *tracer;
	struct translators *translators; /* may be NULL */
	struct known_files known;
	struct allocator_file *allocators;
	size_t nr_allocators, allocators_capacity;
	unsigned int nr_functions;
	pid_t *vfork_users; /* processes that map a file that uses vfork */
	size_t nr_vfork_users, vfork_users_capacity;
};

struct probed_files *probed_files__new(struct tracer *tracer, struct translators *translators)
{
	struct probed_files *probed = calloc(1, sizeof(*probed));

	if (!probed)
		return NULL;
	probed->tracer = tracer;
	probed->translators = translators;
	return probed;
}

void probed_files__free(struct probed_files *probed)
{
	if (!probed)
		return;
	for (size_t i = 0; i < probed->nr_allocators; i++) {
		if (probed->allocators[i].fd >= 0)
			close(probed->allocators[i].fd);
		free(probed->allocators[i].scopes);
	}
	free(probed->vfork_users);
	free(probed->allocators);
	known_files__free(&probed->known);
	free(probed);
}

/* Returns the index + 1 of a probed allocator; 0: not found. */
static size_t find_allocator(const struct probed_files *probed,
			     const struct file_identity *identity, bool certain)
{
	for (size_t i = 0; i < probed->nr_allocators; i++) {
		const struct allocator_file *file = &probed->allocators[i];

		if (file->fd >= 0 &&
		    !memcmp(&file->identity.key, &identity->key, sizeof(identity->key)) &&
		    (certain || file->identity.address == identity->address))
			return i + 1;
	}
	return 0;
}

/* Tells the guard of translators. Without a guard, or once it has ended, nothing is guarded. */
static void tell_guard(const struct probed_files *probed, bool everywhere,
		       int (*verb)(struct translators *translators))
{
	int err = probed->translators ? verb(probed->translators) : 0;

	if (err && everywhere)
		log__warning("programs such as Valgrind are not guarded and may be ended: %s",
			     strerror(-err));
	else if (err)
		log__detail("programs that translate code are not guarded: %s", strerror(-err));
}

/* Does that process translate code, and nothing can remove breakpoints from it? */
static bool would_harm(const struct probed_files *probed, pid_t tgid)
{
	int fd;

	if (!tgid || !process_view__translates(tgid))
		return false;
	fd = probed->translators ? process_view__open_memory(tgid) : -EPERM;
	if (fd < 0)
		return true;
	close(fd);
	return false;
}

static int attach(struct probed_files *probed, const struct allocator_file *file, pid_t tgid,
		  const char *name)
{
	int err;

	if (would_harm(probed, tgid)) {
		log__warning(
			"PID %d translates code: our breakpoints in %s would end it, and writing to its memory is not allowed; it is not probed",
			(int)tgid, name);
		return 0;
	}
	tell_guard(probed, !tgid, translators__attaching);
	err = tracer__attach_allocator(probed->tracer, file->fd, &file->probes, tgid);
	tell_guard(probed, !tgid, translators__attached);
	if (!err && !tgid &&
	    own_code__restore(tracer__identifier(probed->tracer), file->fd, &file->probes))
		log__detail("%s: the tracer's own calls are trapped too", name);
	if (err)
		log__warning("cannot probe the allocator in %s: %s; its blocks are not counted",
			     name, strerror(-err));
	return err;
}

static bool process_uses_vfork(const struct probed_files *probed, pid_t tgid)
{
	for (size_t i = 0; i < probed->nr_vfork_users; i++)
		if (probed->vfork_users[i] == tgid)
			return true;
	return false;
}

static void attach_guests(struct probed_files *probed, struct allocator_file *file,
			  struct scope *scope)
{
	int err;

	if (!scope->tgid || scope->guests)
		return;
	tell_guard(probed, false, translators__attaching);
	err = tracer__attach_guests(probed->tracer, file->fd, &file->probes,
				    living_thread__of(scope->tgid));
	tell_guard(probed, false, translators__attached);
	if (err)
		log__warning(
			"cannot probe vfork children of PID %d: %s; their calls are not counted",
			(int)scope->tgid, strerror(-err));
	scope->guests = true;
}

/* A process maps a file that uses vfork, so its children may allocate in its memory. */
static int note_vfork_user(struct probed_files *probed, pid_t tgid)
{
	int err;

	if (!tracer__probes_one_process(probed->tracer) || process_uses_vfork(probed, tgid))
		return 0;
	err = array__reserve(&probed->vfork_users, &probed->vfork_users_capacity,
			     probed->nr_vfork_users + 1);
	if (err)
		return err;
	probed->vfork_users[probed->nr_vfork_users++] = tgid;
	for (size_t i = 0; i < probed->nr_allocators; i++)
		for (size_t j = 0; j < probed->allocators[i].nr_scopes; j++)
			if (probed->allocators[i].scopes[j].tgid == tgid)
				attach_guests(probed, &probed->allocators[i],
					      &probed->allocators[i].scopes[j]);
	return 0;
}

/*
 * The kernel finds a process's memory through its first thread. After that has ended, new
 * breakpoints reach the process only if they go into every process.
 */
static int put_everywhere(struct probed_files *probed, struct allocator_file *file,
			  const struct scope *scope, const char *name)
{
	int err;

	if (!scope->tgid || file->everywhere)
		return 0;
	tell_guard(probed, true, translators__attaching);
	err = tracer__attach_breakpoints(probed->tracer, file->fd, &file->probes);
	tell_guard(probed, true, translators__attached);
	if (err) {
		log__warning(
			"cannot keep %s probed in PID %d, whose first thread has left: %s; its blocks may not be counted",
			name, (int)scope->tgid, strerror(-err));
		return err;
	}
	if (own_code__restore(tracer__identifier(probed->tracer), file->fd, &file->probes))
		log__detail("%s: the tracer's own calls are trapped too", name);
	file->everywhere = true;
	return 0;
}

/* A process without its first thread has mapped the file: its link put no breakpoints there. */
static int follow_leaderless(struct probed_files *probed, struct allocator_file *file,
			     const struct scope *scope, const char *name)
{
	int err;

	if (!scope->tgid || file->everywhere || !living_thread__leader_left(scope->tgid))
		return 0;
	err = put_everywhere(probed, file, scope, name);
	if (!err)
		file->attached_ns = clock__monotonic_ns();
	return err;
}

/* Probes the allocator in that process, unless it is probed there already. */
static int probe_in(struct probed_files *probed, struct allocator_file *file, pid_t tgid,
		    const char *name)
{
	pid_t wanted = tracer__probes_one_process(probed->tracer) ? tgid : 0;
	int err;

	for (size_t i = 0; i < file->nr_scopes; i++)
		if (file->scopes[i].tgid == wanted)
			return follow_leaderless(probed, file, &file->scopes[i], name);
	err = array__reserve(&file->scopes, &file->scopes_capacity, file->nr_scopes + 1);
	if (err)
		return err;
	err = attach(probed, file, wanted, name);
	if (err)
		return err;
	if (!file->nr_scopes)
		file->attached_ns = clock__monotonic_ns();
	file->scopes[file->nr_scopes] = (struct scope){ .tgid = wanted };
	if (process_uses_vfork(probed, tgid))
		attach_guests(probed, file, &file->scopes[file->nr_scopes]);
	file->nr_scopes++;
	return follow_leaderless(probed, file, &file->scopes[file->nr_scopes - 1], name);
}

static size_t free_index(const struct probed_files *probed)
{
	size_t i = 0;

	while (i < probed->nr_allocators && probed->allocators[i].fd >= 0)
		i++;
	return i;
}

static void tell_probe(const char *file, const struct allocator_probe *probe)
{
	unsigned long long behind = probe->probe_offset - probe->file_offset;
	char where[48] = "";

	if (behind)
		snprintf(where, sizeof(where), ", probed %llu bytes after that", behind);
	log__detail("%s: %s at file offset 0x%llx%s", file, probe->symbol,
		    (unsigned long long)probe->file_offset, where);
}

/* Keeps a file that defines an allocator, with its functions. Returns 0 or -errno. */
static int add_allocator(struct probed_files *probed, int fd, const struct file_identity *identity,
			 const struct allocator_probes *probes, const char *name)
{
	size_t index = free_index(probed);
	int err = array__reserve(&probed->allocators, &probed->allocators_capacity, index + 1);
	int kept;

	if (err)
		return err;
	kept = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (kept < 0)
		return -errno;
	probed->nr_allocators += index == probed->nr_allocators;
	probed->allocators[index] = (struct allocator_file){
		.fd = kept,
		.identity = *identity,
		.probes = *probes,
	};
	probed->nr_functions += (unsigned int)probes->nr;
	if (probed->translators && translators__add_file(probed->translators, kept, probes))
		log__detail("%s: programs that translate its code are not guarded", name);
	for (size_t i = 0; i < probes->nr; i++)
		tell_probe(name, &probes->probe[i]);
	return 0;
}

/* Looks into a new file. Returns 0 or -errno. */
static int look_into(struct probed_files *probed, int fd, const struct file_identity *identity,
		     const char *name, struct known_file *file)
{
	struct allocator_probes probes;
	int err = allocators__find(fd, &probes);

	file->look_error = err == -ENOEXEC && !elf_headers__is_32_bit(fd) ? 0 : err;
	if (file->look_error == -ENOEXEC)
		log__detail("%s: not looked at: allocators of 32-bit programs are not probed",
			    name);
	else if (file->look_error)
		log__detail("%s: not looked at: %s", name, strerror(-err));
	file->is_allocator = !err && probes.nr;
	file->uses_vfork = vfork_users__check(fd);
	return file->is_allocator ? add_allocator(probed, fd, identity, &probes, name) : 0;
}

/* Returns in *file what is known of an open file, after looking into it if needed. 0 or -errno. */
static int learn(struct probed_files *probed, int fd, const struct file_identity *identity,
		 const char *name, struct known_file *file)
{
	const struct known_file *known = known_files__find(&probed->known, &identity->key);
	struct stat status;
	int err;

	if (fstat(fd, &status))
		return -errno;
	if (known && (known->is_allocator ?
			      find_allocator(probed, identity, known_file__is_certain(known)) > 0 :
			      known_file__is_unchanged(known, &status))) {
		*file = *known;
		return 0;
	}
	*file = (struct known_file){
		.key = identity->key,
		.changed = status.st_ctim,
		.size_bytes = status.st_size,
		.shares_numbers = identity->filesystem == BTRFS_SUPER_MAGIC,
	};
	err = look_into(probed, fd, identity, name, file);
	return err ? err : known_files__remember(&probed->known, file);
}

/* Attaches the probes that a process needs because it maps that file. Returns 0 or -errno. */
static int apply(struct probed_files *probed, const struct known_file *file,
		 const struct file_identity *identity, pid_t tgid, const char *name)
{
	int err = file->uses_vfork ? note_vfork_user(probed, tgid) : 0;
	size_t allocator = !err && file->is_allocator ?
				   find_allocator(probed, identity, known_file__is_certain(file)) :
				   0;

	return allocator ? probe_in(probed, &probed->allocators[allocator - 1], tgid, name) : err;
}

struct closure_visit {
	struct probed_files *probed;
	pid_t tgid;
};

static int visit_closure(const char *path, int fd, void *context)
{
	const struct closure_visit *visit = context;
	struct file_identity identity;
	struct known_file file = { 0 };

	if (!file_identity__read(tracer__identifier(visit->probed->tracer), fd, &identity) &&
	    !learn(visit->probed, fd, &identity, path, &file))
		apply(visit->probed, &file, &identity, visit->tgid, path);
	return 0;
}

int probed_files__add_command(struct probed_files *probed, pid_t tgid, const char *executable,
			      const struct elf_closure_environment *environment)
{
	struct closure_visit visit = { .probed = probed, .tgid = tgid };

	return elf_closure__each(executable, environment, visit_closure, &visit);
}

void probed_files__complete(const struct probed_files *probed, struct mapping *map)
{
	struct unwind_file_key key = mapped_file__key(map);

	if (map->file.dev_major && !map->file.generation)
		map->file.generation = known_files__generation(&probed->known, &key);
}

bool probed_files__knows(const struct probed_files *probed, const struct mapping *map)
{
	struct unwind_file_key key = mapped_file__key(map);
	const struct known_file *known = known_files__find(&probed->known, &key);

	return known && known_file__is_certain(known);
}

int probed_files__look_error(const struct probed_files *probed, const struct mapping *map)
{
	struct unwind_file_key key = mapped_file__key(map);
	const struct known_file *known = known_files__find(&probed->known, &key);

	return known ? known->look_error : -ENOENT;
}

int probed_files__add_mapping(struct probed_files *probed, pid_t tgid, const struct mapping *map,
			      int fd, const struct file_identity *identity)
{
	struct file_identity known = { .key = mapped_file__key(map) };
	struct known_file file = { 0 };
	int err = 0;

	if (!identity && !probed_files__knows(probed, map))
		return -ENOENT;
	if (identity)
		err = learn(probed, fd, identity, map->path, &file);
	else
		file = *known_files__find(&probed->known, &known.key);
	return err ? err : apply(probed, &file, identity ? identity : &known, tgid, map->path);
}

void probed_files__attach_again(struct probed_files *probed, pid_t tgid)
{
	for (size_t i = 0; i < probed->nr_allocators; i++) {
		struct allocator_file *file = &probed->allocators[i];

		for (size_t j = 0; j < file->nr_scopes; j++) {
			if (file->scopes[j].tgid != tgid)
				continue;
			attach(probed, file, tgid, "the new program");
			if (!file->scopes[j].guests)
				continue;
			file->scopes[j].guests = false;
			attach_guests(probed, file, &file->scopes[j]);
		}
	}
}

void probed_files__leader_left(struct probed_files *probed, pid_t tgid)
{
	for (size_t i = 0; i < probed->nr_allocators; i++) {
		struct allocator_file *file = &probed->allocators[i];

		for (size_t j = 0; j < file->nr_scopes; j++)
			if (file->scopes[j].tgid == tgid)
				put_everywhere(probed, file, &file->scopes[j], "an allocator");
	}
}

static void forget_allocator(struct probed_files *probed, struct allocator_file *file)
{
	struct unwind_file_key key = file->identity.key;

	tracer__detach_file(probed->tracer, file->fd);
	if (probed->translators)
		translators__forget_file(probed->translators, file->fd);
	probed->nr_functions -= (unsigned int)file->probes.nr;
	close(file->fd);
	free(file->scopes);
	*file = (struct allocator_file){ .fd = -1 };
	/* Once the file is closed, its numbers may be given to another file. */
	known_files__forget(&probed->known, &key);
}

static uint64_t mount_of(int folder_fd, const char *path)
{
	struct statx status;

	return statx(folder_fd, path, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &status) ||
			       !(status.stx_mask & STATX_MNT_ID) ?
		       0 :
		       status.stx_mnt_id;
}

/* No one can want to unmount the file systems that the system runs from. */
static bool is_of_the_system(int fd)
{
	uint64_t mount = mount_of(fd, "");

	return mount && (mount == mount_of(AT_FDCWD, "/") || mount == mount_of(AT_FDCWD, "/usr"));
}

void probed_files__sweep(struct probed_files *probed, const struct file_set *mapped)
{
	bool were_unmapped;

	for (size_t i = 0; i < probed->nr_allocators; i++) {
		struct allocator_file *file = &probed->allocators[i];
		struct stat status;

		if (file->fd < 0)
			continue;
		were_unmapped = file->unmapped;
		file->unmapped = !mapped_file__is_in(mapped, &file->identity.key);
		if (!file->unmapped || fstat(file->fd, &status))
			continue;
		if (!status.st_nlink || (were_unmapped && !is_of_the_system(file->fd)))
			forget_allocator(probed, file);
	}
	known_files__sweep(&probed->known, mapped);
}

struct coverage {
	const struct probed_files *probed;
	uint64_t since_ns;
};

static int note_coverage(const struct mapping *map, void *context)
{
	struct coverage *coverage = context;
	const struct probed_files *probed = coverage->probed;
	struct file_identity identity = { map->inode_address, mapped_file__key(map), 0, 0 };
	const struct known_file *known = known_files__find(&probed->known, &identity.key);
	size_t allocator =
		known && known->is_allocator ?
			find_allocator(probed, &identity, known_file__is_certain(known)) :
			0;
	uint64_t attached_ns = allocator ? probed->allocators[allocator - 1].attached_ns : 0;

	if (attached_ns > coverage->since_ns)
		coverage->since_ns = attached_ns;
	return 0;
}

uint64_t probed_files__covers_since(const struct probed_files *probed,
				    const struct mapping_set *mappings)
{
	struct coverage coverage = { .probed = probed };

	mapping_set__each(mappings, note_coverage, &coverage);
	return coverage.since_ns;
}

unsigned int probed_files__nr_files(const struct probed_files *probed)
{
	unsigned int nr = 0;

	for (size_t i = 0; i < probed->nr_allocators; i++)
		nr += probed->allocators[i].fd >= 0;
	return nr;
}

unsigned int probed_files__nr_functions(const struct probed_files *probed)
{
	return probed->nr_functions;
}

// SPDX-License-Identifier: GPL-2.0
/* See probed_files.h. */
#include "probes/probed_files.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "allocators/file_functions.h"
#include "allocators/vfork_users.h"
#include "base/log.h"
#include "elf/elf_headers.h"
#include "probes/known_files.h"
#include "probes/mapped_file.h"
#include "probes/probed_allocators.h"
#include "probes/write_lease.h"

struct probed_files {
	struct tracer *tracer;
	struct known_files known;
	struct probed_allocators *allocators;
};

struct probed_files *probed_files__new(struct tracer *tracer, struct translators *translators)
{
	struct probed_files *probed = calloc(1, sizeof(*probed));

	if (!probed)
		return NULL;
	probed->tracer = tracer;
	probed->allocators = probed_allocators__new(tracer, translators);
	if (!probed->allocators) {
		free(probed);
		return NULL;
	}
	return probed;
}

void probed_files__free(struct probed_files *probed)
{
	if (!probed)
		return;
	probed_allocators__free(probed->allocators);
	known_files__free(&probed->known);
	free(probed);
}

void probed_files__stop_watching(struct probed_files *probed)
{
	if (probed)
		probed_allocators__stop_watching(probed->allocators);
}

/* Looks into a new file. Returns 0 or -errno. */
static int look_into(struct probed_files *probed, int fd, const struct file_identity *identity,
		     const char *name, struct known_file *file)
{
	struct allocator_probes probes;
	int lease = probed_allocators__lease(probed->allocators, fd);
	int err = file_functions__find(fd, name, &probes);

	file->look_error = err == -ENOEXEC && !elf_headers__is_32_bit(fd) ? 0 : err;
	if (file->look_error == -ENOEXEC)
		log__detail("%s: not looked at: allocators of 32-bit programs are not probed",
			    name);
	else if (file->look_error)
		log__detail("%s: not looked at: %s", name, strerror(-err));
	file->is_allocator = !err && probes.nr;
	file->uses_vfork = vfork_users__check(fd);
	if (file->is_allocator)
		return probed_allocators__add(probed->allocators, fd, lease, identity, &probes,
					      name);
	write_lease__release(lease);
	return 0;
}

/* known may be NULL. NULL: the file has no allocator, or its allocator is not probed. */
static struct probed_allocator *allocator_in(const struct probed_files *probed,
					     const struct known_file *known,
					     const struct file_identity *identity)
{
	if (!known || !known->is_allocator)
		return NULL;
	return probed_allocators__find(probed->allocators, identity, known_file__is_certain(known));
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
	if (known && (known->is_allocator ? allocator_in(probed, known, identity) != NULL :
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
	struct probed_allocator *allocator;
	int err = 0;

	if (file->uses_vfork)
		err = probed_allocators__note_vfork_user(probed->allocators, tgid);
	if (err)
		return err;
	allocator = allocator_in(probed, file, identity);
	return allocator ? probed_allocators__probe(probed->allocators, allocator, tgid, name) : 0;
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

int probed_files__add_file(struct probed_files *probed, int fd,
			   const struct file_identity *identity, const char *name)
{
	struct probed_allocator *allocator;
	struct known_file file = { 0 };
	int err = learn(probed, fd, identity, name, &file);

	if (err)
		return err;
	allocator = allocator_in(probed, &file, identity);
	return allocator ? probed_allocators__probe(probed->allocators, allocator, 0, name) : 0;
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
	struct file_identity identity = { .key = key };

	if (!known || !known_file__is_certain(known))
		return false;
	/* An allocator that has gone was written to: it is another one now. */
	return !known->is_allocator || allocator_in(probed, known, &identity);
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
	probed_allocators__attach_again(probed->allocators, tgid);
}

void probed_files__leader_left(struct probed_files *probed, pid_t tgid)
{
	probed_allocators__leader_left(probed->allocators, tgid);
}

/* Once a file is closed, its numbers may be given to another file. */
static void forget_known(const struct unwind_file_key *key, void *context)
{
	known_files__forget(context, key);
}

void probed_files__sweep(struct probed_files *probed, const struct file_set *mapped)
{
	probed_allocators__sweep(probed->allocators, mapped, forget_known, &probed->known);
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
	uint64_t attached_ns = 0;

	if (known && known->is_allocator)
		attached_ns = probed_allocators__attached_ns(probed->allocators, &identity,
							     known_file__is_certain(known));
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
	return probed_allocators__nr_files(probed->allocators);
}

unsigned int probed_files__nr_functions(const struct probed_files *probed)
{
	return probed_allocators__nr_functions(probed->allocators);
}

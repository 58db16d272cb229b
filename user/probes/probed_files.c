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

/* Before any code of the file ran in the process. */
#define SINCE_EVER 1

struct probed_files {
	struct tracer *tracer;
	struct known_files known;
	struct probed_allocators *allocators;
	struct holds *holds; /* not owned; NULL: nobody is held back */
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

void probed_files__set_holds(struct probed_files *probed, struct holds *holds)
{
	if (probed)
		probed->holds = holds;
}

void probed_files__stop_watching(struct probed_files *probed)
{
	if (probed)
		probed_allocators__stop_watching(probed->allocators);
}

/* Who makes a file of interest. map NULL: a command that will map it. */
struct mapper {
	pid_t tgid;
	const struct mapping *map;
};

/*
 * A file that is open for writing gets no lease. Is it to be probed all the same? When nobody maps
 * it, it is being written: breakpoints would land in what comes next.
 */
static bool is_in_use(const struct probed_files *probed, const struct mapper *mapper)
{
	return mapper && (!mapper->map || mapped_file__is_mapped(tracer__identifier(probed->tracer),
								 mapper->tgid, mapper->map));
}

static void find_functions(int fd, const char *name, struct allocator_probes *probes,
			   struct known_file *file)
{
	int err = file_functions__find(fd, name, probes);

	file->look_error = err == -ENOEXEC && !elf_headers__is_32_bit(fd) ? 0 : err;
	if (file->look_error == -ENOEXEC)
		log__detail("%s: not looked at: allocators of 32-bit programs are not probed",
			    name);
	else if (file->look_error)
		log__detail("%s: not looked at: %s", name, strerror(-err));
	file->is_allocator = !err && probes->nr;
	file->uses_vfork = vfork_users__check(fd);
}

/* Looks into a new file; takes over the lease. Returns 0 or -errno. */
static int look_into(struct probed_files *probed, int fd, int lease,
		     const struct file_identity *identity, const char *name,
		     struct known_file *file)
{
	struct allocator_probes probes;

	find_functions(fd, name, &probes, file);
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

static struct known_file new_file(const struct file_identity *identity, const struct stat *status)
{
	struct known_file file = known_file__new(&identity->key, status);

	file.shares_numbers = identity->filesystem == BTRFS_SUPER_MAGIC;
	return file;
}

/*
 * Is the open file still the one that was looked into? Who writes to a leased file waits until it
 * is forgotten; without a lease its size and times have to tell.
 */
static bool is_current(const struct probed_files *probed, const struct known_file *known,
		       const struct file_identity *identity, const struct stat *status)
{
	bool certain = known_file__is_certain(known);

	if (!known->is_allocator)
		return known_file__is_unchanged(known, status);
	return allocator_in(probed, known, identity) &&
	       (probed_allocators__is_leased(probed->allocators, identity, certain) ||
		known_file__has_status(known, status));
}

/*
 * Returns in *file what is known of an open file, after looking into it if needed. mapper NULL:
 * nobody maps it. Returns 0, -ETXTBSY when it is being written, or -errno.
 */
static int learn(struct probed_files *probed, int fd, const struct mapper *mapper,
		 const struct file_identity *identity, const char *name, struct known_file *file)
{
	const struct known_file *known = known_files__find(&probed->known, &identity->key);
	struct stat status;
	int lease, err;

	if (fstat(fd, &status))
		return -errno;
	if (known && is_current(probed, known, identity, &status)) {
		*file = *known;
		return 0;
	}
	if (known && known->is_allocator)
		probed_allocators__forget_file(probed->allocators, identity,
					       known_file__is_certain(known));
	lease = probed_allocators__lease(probed->allocators, fd);
	if (lease == -EAGAIN && !is_in_use(probed, mapper))
		return -ETXTBSY;
	*file = new_file(identity, &status);
	err = look_into(probed, fd, lease, identity, name, file);
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
	const struct mapper mapper = { visit->tgid, NULL };
	struct file_identity identity;
	struct known_file file = { 0 };

	if (!file_identity__read(tracer__identifier(visit->probed->tracer), fd, &identity) &&
	    !learn(visit->probed, fd, &mapper, &identity, path, &file))
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
	int err = learn(probed, fd, NULL, identity, name, &file);

	if (err)
		return err;
	allocator = allocator_in(probed, &file, identity);
	return allocator ? probed_allocators__probe(probed->allocators, allocator, 0, name) : 0;
}

/*
 * Whoever is writing to it again will close it, and so bring it here again. Only an allocator is
 * worth more than a moment's lease.
 */
static bool is_open_for_writing(const struct probed_files *probed, int fd)
{
	int lease = probed_allocators__lease(probed->allocators, fd);

	write_lease__release(lease);
	return lease == -EAGAIN;
}

/* It is looked into once more: it may have changed. */
static bool look_under_lease(struct probed_files *probed, int fd,
			     const struct file_identity *identity, const char *name,
			     struct known_file *file)
{
	int lease = probed_allocators__lease(probed->allocators, fd);

	return lease >= 0 && !look_into(probed, fd, lease, identity, name, file) &&
	       !known_files__remember(&probed->known, file) && file->is_allocator;
}

bool probed_files__look_at_written(struct probed_files *probed, int fd,
				   const struct file_identity *identity, const char *name)
{
	const struct known_file *known = known_files__find(&probed->known, &identity->key);
	struct allocator_probes probes;
	struct known_file file;
	struct stat status;

	if (fstat(fd, &status))
		return false;
	/* Its numbers don't suffice: it was written to. */
	if (known && is_current(probed, known, identity, &status) &&
	    (known->is_allocator || known_file__has_status(known, &status)))
		return known->is_allocator;
	file = new_file(identity, &status);
	find_functions(fd, name, &probes, &file);
	if (is_open_for_writing(probed, fd))
		return false;
	/* Processes that mapped it before: was_overlooked, or a file that is not probed any more. */
	if (known && known->is_allocator)
		probed_allocators__forget_file(probed->allocators, identity,
					       known_file__is_certain(known));
	else
		known_files__forget(&probed->known, &identity->key);
	if (file.is_allocator)
		return look_under_lease(probed, fd, identity, name, &file);
	if (!file.look_error)
		known_files__remember(&probed->known, &file);
	return false;
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
	/* One that has gone was written to: it is another one now. One without a lease may be. */
	return !known->is_allocator ||
	       probed_allocators__is_leased(probed->allocators, &identity, true);
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
	const struct mapper mapper = { tgid, map };
	struct known_file file = { 0 };
	int err = 0;

	if (!identity && !probed_files__knows(probed, map))
		return -ENOENT;
	if (identity)
		err = learn(probed, fd, &mapper, identity, map->path, &file);
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
static void forget_known(const struct file_identity *identity, void *context)
{
	struct probed_files *probed = context;

	known_files__forget(&probed->known, &identity->key);
	holds__forget(probed->holds, identity);
}

bool probed_files__sweep(struct probed_files *probed, const struct file_set *mapped)
{
	bool done = probed_allocators__sweep(probed->allocators, mapped, forget_known, probed);

	known_files__sweep(&probed->known, mapped);
	return done;
}

struct coverage {
	const struct probed_files *probed;
	const struct image_holds *holds;
	uint64_t since_ns;
	bool overlooked; /* a file: it may be an allocator, too */
};

/*
 * Could the file not be looked into, or was it written to after it was mapped, so that it was
 * another one? known may be NULL. Devices and 32-bit files are no allocators of ours.
 */
static bool was_overlooked(const struct mapping *map, const struct known_file *known)
{
	if (known && map->since_ns && map->since_ns < known->written_ns)
		return true;
	return map->file.inode && map->look_error && map->look_error != -EINVAL &&
	       map->look_error != -ENOEXEC;
}

static int note_coverage(const struct mapping *map, void *context)
{
	struct coverage *coverage = context;
	const struct probed_files *probed = coverage->probed;
	struct file_identity identity = { map->inode_address, mapped_file__key(map), 0, 0 };
	const struct known_file *known = known_files__find(&probed->known, &identity.key);
	uint64_t attached_ns = 0;

	coverage->overlooked |= was_overlooked(map, known);
	if (known && known->is_allocator)
		attached_ns = probed_allocators__attached_ns(probed->allocators, &identity,
							     known_file__is_certain(known));
	if (attached_ns && attached_ns != UINT64_MAX &&
	    attached_ns <= image_holds__unused_until(coverage->holds, map))
		attached_ns = SINCE_EVER;
	if (attached_ns > coverage->since_ns)
		coverage->since_ns = attached_ns;
	return 0;
}

uint64_t probed_files__covers_since(const struct probed_files *probed, const struct image *image)
{
	struct coverage coverage = { .probed = probed, .holds = &image->holds };

	mapping_set__each(image->mappings, note_coverage, &coverage);
	return coverage.since_ns && coverage.overlooked ? UINT64_MAX : coverage.since_ns;
}

unsigned int probed_files__nr_files(const struct probed_files *probed)
{
	return probed_allocators__nr_files(probed->allocators);
}

unsigned int probed_files__nr_functions(const struct probed_files *probed)
{
	return probed_allocators__nr_functions(probed->allocators);
}

// SPDX-License-Identifier: GPL-2.0
/* See probed_allocators.h. Used by probed_files.c. */
#include "probes/probed_allocators.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/living_thread.h"
#include "base/log.h"
#include "probes/guard/process_view.h"
#include "probes/mapped_file.h"
#include "probes/own_code.h"
#include "probes/write_lease.h"

/* Reports wait while probes are removed. */
#define SWEEP_NS 50000000ULL
/* A program may run again and again. */
#define IDLE_NS 1000000000ULL

/* A place where an allocator is probed. */
struct scope {
	pid_t tgid; /* 0: everywhere */
	bool guests; /* vfork children that share its memory are probed too */
};

/* A probed allocator, kept so that more processes can be probed later. */
struct probed_allocator {
	int fd; /* < 0: released, and the slot is free */
	int lease; /* < 0: none */
	bool written; /* or about to be: it has no probes any more */
	struct file_identity identity; /* unique while the file is open */
	struct allocator_probes probes;
	struct scope *scopes;
	size_t nr_scopes, scopes_capacity;
	bool everywhere; /* its breakpoints are in every process, only the scopes are recorded */
	/* CLOCK_MONOTONIC: first probed, or last put everywhere; UINT64_MAX: not yet */
	uint64_t attached_ns;
	uint64_t unmapped_ns; /* CLOCK_MONOTONIC: first found mapped by nobody; 0: somebody maps it */
};

struct probed_allocators {
	struct tracer *tracer;
	struct translators *translators; /* may be NULL */
	struct probed_allocator *list;
	size_t nr, capacity;
	unsigned int nr_functions;
	pid_t *vfork_users; /* processes that map a file that uses vfork */
	size_t nr_vfork_users, vfork_users_capacity;
	struct lease_watcher *watcher; /* NULL: there are no leases */
	/* Held by all that attach or detach, and by who changes the list: the watcher's thread. */
	pthread_mutex_t lock;
};

static bool was_written(const struct probed_allocator *file)
{
	return __atomic_load_n(&file->written, __ATOMIC_ACQUIRE);
}

/* Removes the probes of files that somebody waits to write to. */
static void give_way(void *context)
{
	struct probed_allocators *allocators = context;

	pthread_mutex_lock(&allocators->lock);
	for (size_t i = 0; i < allocators->nr; i++) {
		struct probed_allocator *file = &allocators->list[i];

		if (file->fd < 0 || file->lease < 0 || !write_lease__is_asked_for(file->lease))
			continue;
		__atomic_store_n(&file->written, true, __ATOMIC_RELEASE);
		tracer__detach_file(allocators->tracer, file->fd);
		file->nr_scopes = 0;
		write_lease__release(file->lease);
		file->lease = -1;
	}
	pthread_mutex_unlock(&allocators->lock);
}

struct probed_allocators *probed_allocators__new(struct tracer *tracer,
						 struct translators *translators)
{
	struct probed_allocators *allocators = calloc(1, sizeof(*allocators));

	if (!allocators)
		return NULL;
	allocators->tracer = tracer;
	allocators->translators = translators;
	pthread_mutex_init(&allocators->lock, NULL);
	allocators->watcher = lease_watcher__start(give_way, allocators);
	if (!allocators->watcher)
		log__detail("no thread for leases could be created: %s", strerror(errno));
	return allocators;
}

void probed_allocators__stop_watching(struct probed_allocators *allocators)
{
	lease_watcher__stop(allocators->watcher);
	allocators->watcher = NULL;
}

void probed_allocators__free(struct probed_allocators *allocators)
{
	if (!allocators)
		return;
	probed_allocators__stop_watching(allocators);
	for (size_t i = 0; i < allocators->nr; i++) {
		if (allocators->list[i].fd >= 0) {
			close(allocators->list[i].fd);
			write_lease__release(allocators->list[i].lease);
		}
		free(allocators->list[i].scopes);
	}
	pthread_mutex_destroy(&allocators->lock);
	free(allocators->vfork_users);
	free(allocators->list);
	free(allocators);
}

static bool is_file(const struct probed_allocator *file, const struct file_identity *identity,
		    bool certain)
{
	return file->fd >= 0 &&
	       !memcmp(&file->identity.key, &identity->key, sizeof(identity->key)) &&
	       (certain || file->identity.address == identity->address);
}

struct probed_allocator *probed_allocators__find(const struct probed_allocators *allocators,
						 const struct file_identity *identity, bool certain)
{
	for (size_t i = 0; i < allocators->nr; i++)
		if (is_file(&allocators->list[i], identity, certain) &&
		    !was_written(&allocators->list[i]))
			return &allocators->list[i];
	return NULL;
}

/* Tells the guard of translators. Without a guard, or once it has ended, nothing is guarded. */
static void tell_guard(const struct probed_allocators *allocators, bool everywhere,
		       int (*verb)(struct translators *translators))
{
	int err = allocators->translators ? verb(allocators->translators) : 0;

	if (err && everywhere)
		log__warning("programs such as Valgrind are not guarded and may be ended: %s",
			     strerror(-err));
	else if (err)
		log__detail("programs that translate code are not guarded: %s", strerror(-err));
}

/* Does that process translate code, and nothing can remove breakpoints from it? */
static bool would_harm(const struct probed_allocators *allocators, pid_t tgid)
{
	int fd;

	if (!tgid || !process_view__translates(tgid))
		return false;
	fd = allocators->translators ? process_view__open_memory(tgid) : -EPERM;
	if (fd < 0)
		return true;
	close(fd);
	return false;
}

static int attach(struct probed_allocators *allocators, const struct probed_allocator *file,
		  pid_t tgid, const char *name)
{
	int err;

	if (would_harm(allocators, tgid)) {
		log__warning(
			"PID %d translates code: our breakpoints in %s would end it, and writing to its memory is not allowed; it is not probed",
			(int)tgid, name);
		return 0;
	}
	tell_guard(allocators, !tgid, translators__attaching);
	err = tracer__attach_allocator(allocators->tracer, file->fd, &file->probes, tgid);
	tell_guard(allocators, !tgid, translators__attached);
	if (!err && !tgid &&
	    own_code__restore(tracer__identifier(allocators->tracer), file->fd, &file->probes))
		log__detail("%s: the tracer's own calls are trapped too", name);
	if (err)
		log__warning("cannot probe the allocator in %s: %s; its blocks are not counted",
			     name, strerror(-err));
	return err;
}

static bool process_uses_vfork(const struct probed_allocators *allocators, pid_t tgid)
{
	for (size_t i = 0; i < allocators->nr_vfork_users; i++)
		if (allocators->vfork_users[i] == tgid)
			return true;
	return false;
}

static void attach_guests(struct probed_allocators *allocators, struct probed_allocator *file,
			  struct scope *scope)
{
	int err;

	if (!scope->tgid || scope->guests)
		return;
	/* Before the guard is told: it works without a pause while probes are being attached. */
	err = tracer__load_guests(allocators->tracer);
	if (!err) {
		tell_guard(allocators, false, translators__attaching);
		err = tracer__attach_guests(allocators->tracer, file->fd, &file->probes,
					    living_thread__of(scope->tgid));
		tell_guard(allocators, false, translators__attached);
	}
	if (err)
		log__warning(
			"cannot probe vfork children of PID %d: %s; their calls are not counted",
			(int)scope->tgid, strerror(-err));
	scope->guests = true;
}

static int note_vfork_user(struct probed_allocators *allocators, pid_t tgid)
{
	int err;

	if (!tracer__probes_one_process(allocators->tracer) || process_uses_vfork(allocators, tgid))
		return 0;
	err = array__reserve(&allocators->vfork_users, &allocators->vfork_users_capacity,
			     allocators->nr_vfork_users + 1);
	if (err)
		return err;
	allocators->vfork_users[allocators->nr_vfork_users++] = tgid;
	for (size_t i = 0; i < allocators->nr; i++)
		for (size_t j = 0; j < allocators->list[i].nr_scopes; j++)
			if (allocators->list[i].scopes[j].tgid == tgid)
				attach_guests(allocators, &allocators->list[i],
					      &allocators->list[i].scopes[j]);
	return 0;
}

int probed_allocators__note_vfork_user(struct probed_allocators *allocators, pid_t tgid)
{
	int err;

	pthread_mutex_lock(&allocators->lock);
	err = note_vfork_user(allocators, tgid);
	pthread_mutex_unlock(&allocators->lock);
	return err;
}

/*
 * The kernel finds a process's memory through its first thread. After that has ended, new
 * breakpoints reach the process only if they go into every process.
 */
static int put_everywhere(struct probed_allocators *allocators, struct probed_allocator *file,
			  const struct scope *scope, const char *name)
{
	int err;

	if (!scope->tgid || file->everywhere)
		return 0;
	tell_guard(allocators, true, translators__attaching);
	err = tracer__attach_breakpoints(allocators->tracer, file->fd, &file->probes);
	tell_guard(allocators, true, translators__attached);
	if (err) {
		log__warning(
			"cannot keep %s probed in PID %d, whose first thread has left: %s; its blocks may not be counted",
			name, (int)scope->tgid, strerror(-err));
		return err;
	}
	if (own_code__restore(tracer__identifier(allocators->tracer), file->fd, &file->probes))
		log__detail("%s: the tracer's own calls are trapped too", name);
	file->everywhere = true;
	return 0;
}

/* A process without its first thread has mapped the file: its link put no breakpoints there. */
static int follow_leaderless(struct probed_allocators *allocators, struct probed_allocator *file,
			     const struct scope *scope, const char *name)
{
	int err;

	if (!scope->tgid || file->everywhere || !living_thread__leader_left(scope->tgid))
		return 0;
	err = put_everywhere(allocators, file, scope, name);
	if (!err)
		file->attached_ns = clock__monotonic_ns();
	return err;
}

static int probe(struct probed_allocators *allocators, struct probed_allocator *file, pid_t tgid,
		 const char *name)
{
	pid_t wanted = tracer__probes_one_process(allocators->tracer) ? tgid : 0;
	int err;

	if (was_written(file))
		return 0;
	for (size_t i = 0; i < file->nr_scopes; i++)
		if (file->scopes[i].tgid == wanted)
			return follow_leaderless(allocators, file, &file->scopes[i], name);
	err = array__reserve(&file->scopes, &file->scopes_capacity, file->nr_scopes + 1);
	if (err)
		return err;
	err = attach(allocators, file, wanted, name);
	if (err)
		return err;
	if (!file->nr_scopes)
		file->attached_ns = clock__monotonic_ns();
	file->scopes[file->nr_scopes] = (struct scope){ .tgid = wanted };
	if (process_uses_vfork(allocators, tgid))
		attach_guests(allocators, file, &file->scopes[file->nr_scopes]);
	file->nr_scopes++;
	return follow_leaderless(allocators, file, &file->scopes[file->nr_scopes - 1], name);
}

int probed_allocators__probe(struct probed_allocators *allocators, struct probed_allocator *file,
			     pid_t tgid, const char *name)
{
	int err;

	pthread_mutex_lock(&allocators->lock);
	err = probe(allocators, file, tgid, name);
	pthread_mutex_unlock(&allocators->lock);
	return err;
}

int probed_allocators__lease(const struct probed_allocators *allocators, int fd)
{
	return allocators->watcher ? write_lease__take(allocators->watcher, fd) : -ENOSYS;
}

static void forget(struct probed_allocators *allocators, struct probed_allocator *file)
{
	tracer__detach_file(allocators->tracer, file->fd);
	if (allocators->translators)
		translators__forget_file(allocators->translators, file->fd);
	allocators->nr_functions -= allocator_probes__nr_functions(&file->probes);
	write_lease__release(file->lease);
	close(file->fd);
	free(file->scopes);
	*file = (struct probed_allocator){ .fd = -1, .lease = -1 };
}

bool probed_allocators__is_leased(struct probed_allocators *allocators,
				  const struct file_identity *identity, bool certain)
{
	struct probed_allocator *file;
	bool leased;

	pthread_mutex_lock(&allocators->lock);
	file = probed_allocators__find(allocators, identity, certain);
	leased = file && file->lease >= 0;
	pthread_mutex_unlock(&allocators->lock);
	return leased;
}

void probed_allocators__forget_file(struct probed_allocators *allocators,
				    const struct file_identity *identity, bool certain)
{
	struct probed_allocator *file;

	pthread_mutex_lock(&allocators->lock);
	file = probed_allocators__find(allocators, identity, certain);
	if (file)
		forget(allocators, file);
	pthread_mutex_unlock(&allocators->lock);
}

/* Also before a file is added: it can be the same one, as it is now. */
static void forget_written(struct probed_allocators *allocators)
{
	pthread_mutex_lock(&allocators->lock);
	for (size_t i = 0; i < allocators->nr; i++)
		if (allocators->list[i].fd >= 0 && was_written(&allocators->list[i]))
			forget(allocators, &allocators->list[i]);
	pthread_mutex_unlock(&allocators->lock);
}

static size_t free_index(const struct probed_allocators *allocators)
{
	size_t i = 0;

	while (i < allocators->nr && allocators->list[i].fd >= 0)
		i++;
	return i;
}

static void tell_probe(const char *file, const struct allocator_probe *probe)
{
	unsigned long long behind = probe->probe_offset - probe->file_offset;
	char where[48] = "";

	if (behind)
		snprintf(where, sizeof(where), ", probed %llu bytes after that", behind);
	log__detail("%s: %s %s file offset 0x%llx (%s)%s", file, probe->symbol,
		    probe->function == FUNCTION_NEW_RETURN ? "returns at" : "at",
		    (unsigned long long)probe->file_offset, probe->found_in, where);
}

static int add(struct probed_allocators *allocators, int fd, int lease,
	       const struct file_identity *identity, const struct allocator_probes *probes,
	       const char *name)
{
	size_t index = free_index(allocators);
	int err = array__reserve(&allocators->list, &allocators->capacity, index + 1);
	int kept;

	if (err)
		return err;
	kept = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (kept < 0)
		return -errno;
	allocators->nr += index == allocators->nr;
	allocators->list[index] = (struct probed_allocator){
		.fd = kept,
		.lease = lease,
		.identity = *identity,
		.probes = *probes,
		.attached_ns = UINT64_MAX,
	};
	allocators->nr_functions += allocator_probes__nr_functions(probes);
	if (allocators->translators && translators__add_file(allocators->translators, kept, probes))
		log__detail("%s: programs that translate its code are not guarded", name);
	if (lease < 0)
		log__detail("%s: no lease: %s; if it is overwritten, its next process may crash",
			    name, strerror(-lease));
	for (size_t i = 0; i < probes->nr; i++)
		tell_probe(name, &probes->probe[i]);
	return 0;
}

int probed_allocators__add(struct probed_allocators *allocators, int fd, int lease,
			   const struct file_identity *identity,
			   const struct allocator_probes *probes, const char *name)
{
	int err;

	forget_written(allocators);
	pthread_mutex_lock(&allocators->lock);
	err = add(allocators, fd, lease, identity, probes, name);
	pthread_mutex_unlock(&allocators->lock);
	if (err)
		write_lease__release(lease);
	else
		give_way(allocators); /* the thread may have looked for who asked before */
	return err;
}

void probed_allocators__attach_again(struct probed_allocators *allocators, pid_t tgid)
{
	pthread_mutex_lock(&allocators->lock);
	for (size_t i = 0; i < allocators->nr; i++) {
		struct probed_allocator *file = &allocators->list[i];

		for (size_t j = 0; j < file->nr_scopes; j++) {
			if (file->scopes[j].tgid != tgid)
				continue;
			attach(allocators, file, tgid, "the new program");
			if (!file->scopes[j].guests)
				continue;
			file->scopes[j].guests = false;
			attach_guests(allocators, file, &file->scopes[j]);
		}
	}
	pthread_mutex_unlock(&allocators->lock);
}

void probed_allocators__leader_left(struct probed_allocators *allocators, pid_t tgid)
{
	pthread_mutex_lock(&allocators->lock);
	for (size_t i = 0; i < allocators->nr; i++) {
		struct probed_allocator *file = &allocators->list[i];

		for (size_t j = 0; j < file->nr_scopes; j++)
			if (file->scopes[j].tgid == tgid)
				put_everywhere(allocators, file, &file->scopes[j], "an allocator");
	}
	pthread_mutex_unlock(&allocators->lock);
}

bool probed_allocators__sweep(struct probed_allocators *allocators, const struct file_set *mapped,
			      void (*closed)(const struct file_identity *identity, void *context),
			      void *context)
{
	uint64_t now_ns = clock__monotonic_ns(), until_ns = now_ns + SWEEP_NS;
	bool in_time = true;

	forget_written(allocators);
	pthread_mutex_lock(&allocators->lock);
	for (size_t i = 0; i < allocators->nr && in_time; i++) {
		struct probed_allocator *file = &allocators->list[i];
		struct file_identity identity = file->identity;
		struct stat status;

		if (file->fd < 0)
			continue;
		if (mapped_file__is_in(mapped, &identity.key))
			file->unmapped_ns = 0;
		else if (!file->unmapped_ns)
			file->unmapped_ns = now_ns;
		if (!file->unmapped_ns || fstat(file->fd, &status))
			continue;
		if (!status.st_nlink || (now_ns - file->unmapped_ns >= IDLE_NS &&
					 !file_identity__is_of_the_system(file->fd))) {
			forget(allocators, file);
			closed(&identity, context);
			in_time = clock__monotonic_ns() < until_ns;
		}
	}
	pthread_mutex_unlock(&allocators->lock);
	return in_time;
}

uint64_t probed_allocators__attached_ns(const struct probed_allocators *allocators,
					const struct file_identity *identity, bool certain)
{
	for (size_t i = 0; i < allocators->nr; i++)
		if (is_file(&allocators->list[i], identity, certain))
			return allocators->list[i].attached_ns;
	return certain ? UINT64_MAX : 0;
}

unsigned int probed_allocators__nr_files(const struct probed_allocators *allocators)
{
	unsigned int nr = 0;

	for (size_t i = 0; i < allocators->nr; i++)
		nr += allocators->list[i].fd >= 0;
	return nr;
}

unsigned int probed_allocators__nr_functions(const struct probed_allocators *allocators)
{
	return allocators->nr_functions;
}

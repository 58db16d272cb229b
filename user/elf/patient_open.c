// SPDX-License-Identifier: GPL-2.0
/* See patient_open.h. Used by elf_file.c for every file that somebody else controls. */
#include "elf/patient_open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/scan_budget.h"

/* Larger than any executable or debug file, and small enough that offsets can't overflow. */
#define MAX_FILE_BYTES (1LL << 35)
/* A working file system answers much sooner, once its thread gets a CPU. */
#define PATIENCE_NS 50000000ULL
/* The patience that is left once the budget for waiting is used up. */
#define LITTLE_PATIENCE_NS 1000000ULL
/* For callers that can't go on without the file, and for threads that wait for a CPU. */
#define LONG_PATIENCE_NS 10000000000ULL
/* Warn no sooner: the machine may only be busy. */
#define TOLD_AFTER_NS 1000000000ULL
/* Each overdue job is a thread that hangs in one file system. */
#define MAX_OVERDUE 256
#define WORKER_STACK_BYTES (128 << 10)
/* At most this much of a remote file is read ahead, so that it need not be fetched again. */
#define MAX_FETCHED_BYTES (64 << 20)
/*
 * The kernel gives up a look-up below a root (EAGAIN) when anything on the machine is renamed
 * meanwhile.
 */
#define MAX_ATTEMPTS 16

struct job {
	char *path, *file_system;
	int root_fd; /* the job's own copy, or -1 */
	struct expected_file expected; /* inode 0: any */
	int result; /* a descriptor or -errno */
	struct stat status;
	atomic_bool answered; /* the file system has answered; the thread only needs the lock */
	bool done;
	bool overdue; /* nobody waits for it any more */
	bool told;
	int state_fd; /* its thread's /proc/thread-self/stat; -1: no thread has taken the job yet */
	uint64_t since_ns; /* when it was given out, CLOCK_MONOTONIC */
	struct job *next; /* to do */
	struct job *next_overdue;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t work, done; /* a job is to be done, was done */
	struct job *to_do, *overdue;
	unsigned int nr_idle, nr_overdue;
	bool answers_again;
	bool told_of_limit;
	bool has_time;
	struct scan_budget waiting;
} workshop = { .lock = PTHREAD_MUTEX_INITIALIZER,
	       .work = PTHREAD_COND_INITIALIZER,
	       .done = PTHREAD_COND_INITIALIZER };

static int open_path(int root_fd, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = -1;

	if (root_fd < 0) {
		fd = open(path, O_PATH | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	for (int i = 0; i < MAX_ATTEMPTS; i++) {
		fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd < 0 ? -errno : fd;
}

/*
 * Whether the file is on the machine's own disks or in its memory, whose content can always be
 * read.
 */
static bool is_local(int fd)
{
	static const unsigned int local[] = { EXT4_SUPER_MAGIC,	 XFS_SUPER_MAGIC,
					      BTRFS_SUPER_MAGIC, TMPFS_MAGIC,
					      RAMFS_MAGIC,	 OVERLAYFS_SUPER_MAGIC,
					      SQUASHFS_MAGIC,	 F2FS_SUPER_MAGIC,
					      HUGETLBFS_MAGIC,	 ISOFS_SUPER_MAGIC };
	struct statfs filesystem;

	if (fstatfs(fd, &filesystem))
		return false;
	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		if ((unsigned int)filesystem.f_type == local[i])
			return true;
	return false;
}

/* Reads a remote file through, so that the next reader finds it in the page cache. */
static void fetch(int fd)
{
	char bytes[16384];
	off_t at = 0;
	ssize_t nr;

	while (at < MAX_FETCHED_BYTES && (nr = pread(fd, bytes, sizeof(bytes), at)) > 0)
		at += nr;
}

bool expected_file__is(const struct expected_file *expected, int fd, const struct stat *status)
{
	struct file_key key = file_key__of_stat(status);
	struct statfs filesystem;

	if (file_key__same_numbers(&key, &expected->key))
		return true;
	if (key.inode != expected->key.inode)
		return false;
	return expected->any_stacked && !fstatfs(fd, &filesystem) &&
	       (filesystem.f_type == OVERLAYFS_SUPER_MAGIC ||
		filesystem.f_type == BTRFS_SUPER_MAGIC);
}

/*
 * The path may lead to a FIFO, or to a device where merely opening has an effect (a tape, a
 * watchdog). O_PATH touches nothing. Only a file that proved to be regular is opened for real,
 * through /proc, so that nobody can swap it in between.
 */
static int open_regular(const struct job *job, struct stat *status)
{
	char link[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
	int path_fd = open_path(job->root_fd, job->path), fd = -1, err = 0;

	if (path_fd < 0)
		return path_fd;
	if (fstat(path_fd, status))
		err = -errno;
	else if (!S_ISREG(status->st_mode))
		err = -EINVAL;
	else if (status->st_size > MAX_FILE_BYTES)
		err = -EFBIG;
	else if (job->expected.key.inode && !expected_file__is(&job->expected, path_fd, status))
		err = -ESTALE;
	if (!err) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", path_fd);
		/* O_NONBLOCK: a lease that someone holds on the file must not make us wait. */
		fd = open(link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd < 0)
			err = -errno;
	}
	close(path_fd);
	if (!err && !is_local(fd))
		fetch(fd);
	return err ? err : fd;
}

static void free_job(struct job *job)
{
	if (!job)
		return;
	if (job->root_fd >= 0)
		close(job->root_fd);
	free(job->path);
	free(job->file_system);
	free(job);
}

/* The path itself stands for its file system where that is unknown. */
static struct job *new_job(const struct patient_request *request)
{
	const char *file_system = request->file_system ? request->file_system : request->path;
	int root_fd = request->root_fd;
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->path = strdup(request->path);
	job->file_system = strdup(file_system);
	if (request->expected)
		job->expected = *request->expected;
	job->state_fd = -1;
	job->root_fd = root_fd < 0 ? -1 : fcntl(root_fd, F_DUPFD_CLOEXEC, 3);
	if (job->path && job->file_system && (root_fd < 0 || job->root_fd >= 0))
		return job;
	free_job(job);
	return NULL;
}

/* With the lock. */
static bool is_overdue(const char *file_system)
{
	for (const struct job *job = workshop.overdue; job; job = job->next_overdue)
		if (!strcmp(job->file_system, file_system))
			return true;
	return false;
}

/* With the lock. */
static void forget_overdue(struct job *job)
{
	struct job **at = &workshop.overdue;

	while (*at != job)
		at = &(*at)->next_overdue;
	*at = job->next_overdue;
	workshop.nr_overdue--;
	workshop.answers_again = true;
}

/* With the lock. give_out, not this thread, counts an idle thread off when it has a job for it. */
static struct job *wait_for_job(void)
{
	struct job *job;

	if (!workshop.to_do)
		workshop.nr_idle++;
	while (!workshop.to_do)
		pthread_cond_wait(&workshop.work, &workshop.lock);
	job = workshop.to_do;
	workshop.to_do = job->next;
	return job;
}

static void *work(void *unused)
{
	int state_fd = open("/proc/thread-self/stat", O_RDONLY | O_CLOEXEC);
	(void)unused;

	pthread_mutex_lock(&workshop.lock);
	for (;;) {
		struct job *job = wait_for_job();

		job->state_fd = state_fd;
		pthread_mutex_unlock(&workshop.lock);
		job->result = open_regular(job, &job->status);
		job->answered = true;
		pthread_mutex_lock(&workshop.lock);
		job->done = true;
		if (!job->overdue) {
			pthread_cond_signal(&workshop.done);
			continue;
		}
		forget_overdue(job);
		if (job->result >= 0)
			close(job->result);
		free_job(job);
	}
	return NULL;
}

static int start_worker(void)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int err = pthread_attr_init(&attributes);

	if (err)
		return -err;
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, WORKER_STACK_BYTES);
	err = pthread_create(&thread, &attributes, work, NULL);
	pthread_attr_destroy(&attributes);
	return -err;
}

/* With the lock. */
static int give_out(struct job *job)
{
	struct job **at = &workshop.to_do;
	int err = 0;

	while (*at)
		at = &(*at)->next;
	*at = job;
	if (workshop.nr_idle) {
		workshop.nr_idle--;
		pthread_cond_signal(&workshop.work);
	} else {
		err = start_worker();
	}
	if (err)
		*at = NULL;
	return err;
}

/*
 * With the lock. Whether the job lacks a CPU, not an answer: its thread has not begun, or needs
 * only the lock, or is runnable (state R, which proc(5) has after the name).
 */
static bool lacks_cpu(const struct job *job)
{
	char line[128];
	const char *state;
	ssize_t length;

	if (job->state_fd < 0 || job->answered)
		return true;
	length = pread(job->state_fd, line, sizeof(line) - 1, 0);
	line[length > 0 ? length : 0] = '\0';
	state = strrchr(line, ')');
	return state && state[1] == ' ' && state[2] == 'R';
}

/* With the lock. Returns false when the job was not done by then. */
static bool wait_until(const struct job *job, uint64_t until_ns)
{
	const struct timespec until = clock__timespec(until_ns);
	int err = 0;

	while (!job->done && !err)
		err = pthread_cond_clockwait(&workshop.done, &workshop.lock, CLOCK_MONOTONIC,
					     &until);
	return job->done;
}

/* With the lock. Returns false when the job is overdue: then the thread that does it frees it. */
static bool wait_for(struct job *job)
{
	uint64_t began_ns = clock__monotonic_ns(), now_ns = began_ns;
	uint64_t patience_ns = scan_budget__wait_ns(&workshop.waiting, began_ns) ?
				       LITTLE_PATIENCE_NS :
				       PATIENCE_NS;

	while (!wait_until(job, now_ns + patience_ns)) {
		now_ns = clock__monotonic_ns();
		if (now_ns - began_ns >= LONG_PATIENCE_NS ||
		    (!workshop.has_time && !lacks_cpu(job)))
			break;
	}
	if (job->done)
		return true;
	scan_budget__charge(&workshop.waiting, began_ns, now_ns, now_ns - began_ns);
	job->overdue = true;
	job->since_ns = began_ns;
	return false;
}

/* With the lock. Takes ownership of the job. */
static int do_job(struct job *job, struct stat *status)
{
	int result = give_out(job);

	if (!result && !wait_for(job)) {
		job->next_overdue = workshop.overdue;
		workshop.overdue = job;
		workshop.nr_overdue++;
		return -ETIMEDOUT;
	}
	if (!result)
		result = job->result;
	*status = job->status;
	free_job(job);
	return result;
}

/* With the lock. Whether it is no use to ask this file system now. */
static bool is_hopeless(const char *file_system)
{
	if (is_overdue(file_system))
		return true;
	if (workshop.nr_overdue < MAX_OVERDUE)
		return false;
	if (!workshop.told_of_limit)
		log__warning("%d file systems do not answer: no file is opened until one does",
			     MAX_OVERDUE);
	workshop.told_of_limit = true;
	return true;
}

int patient_open__regular(const struct patient_request *request, struct stat *status)
{
	struct job *job;
	int result = -ETIMEDOUT;

	pthread_mutex_lock(&workshop.lock);
	if (!is_hopeless(request->file_system ? request->file_system : request->path)) {
		job = new_job(request);
		result = job ? do_job(job, status) : -ENOMEM;
	}
	pthread_mutex_unlock(&workshop.lock);
	return result;
}

void patient_open__take_time(bool has_time)
{
	pthread_mutex_lock(&workshop.lock);
	workshop.has_time = has_time;
	pthread_mutex_unlock(&workshop.lock);
}

static void tell_overdue(const struct job *job)
{
	char target[PATH_MAX];
	ssize_t length = -1;

	/*
	 * Links in map_files can be read without access to the file; a look at any other path would
	 * hang.
	 */
	if (strstr(job->path, "/map_files/"))
		length = readlink(job->path, target, sizeof(target) - 1);
	target[length > 0 ? length : 0] = '\0';
	log__warning("the file system of %s does not answer: until it does, allocators of its "
		     "programs are not probed, and their functions have no names",
		     length > 0 ? target : job->path);
}

/* With the lock. */
static void tell_all_overdue(void)
{
	uint64_t now_ns = clock__monotonic_ns();

	for (struct job *job = workshop.overdue; job; job = job->next_overdue) {
		if (job->told || now_ns - job->since_ns < TOLD_AFTER_NS)
			continue;
		job->told = true;
		tell_overdue(job);
	}
}

bool patient_open__answers_again(void)
{
	bool answers_again;

	pthread_mutex_lock(&workshop.lock);
	tell_all_overdue();
	answers_again = workshop.answers_again;
	workshop.answers_again = false;
	pthread_mutex_unlock(&workshop.lock);
	return answers_again;
}

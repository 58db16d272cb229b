// SPDX-License-Identifier: GPL-2.0
/* See holder_scan.h. The programs are in bpf/holders.bpf.c. */
#include "stays/holder_scan.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "stays/holder_maps.h"
#include "holders.skel.h"
#include "base/log.h"
#include "base/scan_budget.h"

#define RECORDS_AT_ONCE 512
/* A report waits at most this long for the next look. */
#define MAX_WAIT_NS 20000000ULL

struct holder_scan {
	struct holders_bpf *skeleton; /* NULL: not loaded yet */
	int load_error, look_error; /* -errno of the only try to load, of the last look */
	struct holders holders;
	struct scan_budget budget;
};

struct holder_scan *holder_scan__new(void)
{
	return calloc(1, sizeof(struct holder_scan));
}

void holder_scan__free(struct holder_scan *scan)
{
	if (!scan)
		return;
	holders_bpf__destroy(scan->skeleton);
	holders__free(&scan->holders);
	free(scan);
}

static int try_load(struct holder_scan *scan, bool mappings)
{
	int err;

	scan->skeleton = holders_bpf__open();
	if (!scan->skeleton)
		return -errno;
	bpf_program__set_autoload(scan->skeleton->progs.mapped_files, mappings);
	err = holders_bpf__load(scan->skeleton);
	if (!err)
		err = holders_bpf__attach(scan->skeleton);
	if (err) {
		holders_bpf__destroy(scan->skeleton);
		scan->skeleton = NULL;
	}
	return err;
}

/*
 * Loads once: a kernel that refused the programs will refuse them again. Kernels before 5.12 have
 * no iterator over mappings, so the second try leaves it out.
 */
static int load(struct holder_scan *scan)
{
	if (scan->skeleton || scan->load_error)
		return scan->load_error;
	scan->load_error = try_load(scan, true);
	if (scan->load_error)
		scan->load_error = try_load(scan, false);
	if (scan->load_error)
		log__detail("cannot look for processes that hold shared memory: %s",
			    strerror(-scan->load_error));
	return scan->load_error;
}

/* Reading runs the iterator; each read returns whole records. */
static int read_all(const struct bpf_link *link, struct holders *holders)
{
	struct holder records[RECORDS_AT_ONCE];
	int fd = bpf_iter_create(bpf_link__fd(link)), err = 0;
	ssize_t size;

	if (fd < 0)
		return -errno;
	do {
		size = read(fd, records, sizeof(records));
		if (size < 0 && errno != EAGAIN && errno != EINTR)
			err = -errno;
		for (ssize_t i = 0; !err && i < size / (ssize_t)sizeof(*records); i++)
			/* Skip files that we hold open for symbols; they close when we exit. */
			if (records[i].tgid != (uint32_t)getpid())
				err = holders__add(holders, &records[i]);
	} while (!err && size);
	close(fd);
	return err;
}

int holder_scan__look(struct holder_scan *scan, uint64_t since_ns, const struct holders **holders)
{
	uint64_t began_ns = clock__monotonic_ns(), began_cpu_ns, wait_ns;
	int err = load(scan);

	*holders = &scan->holders;
	if (err)
		return err;
	if (scan_budget__is_fresh(&scan->budget, since_ns, began_ns))
		return scan->look_error;
	wait_ns = scan_budget__wait_ns(&scan->budget, began_ns);
	if (wait_ns > MAX_WAIT_NS)
		return -EBUSY;
	if (wait_ns)
		nanosleep(&(struct timespec){ .tv_nsec = (long)wait_ns }, NULL);
	holders__clear(&scan->holders);
	began_ns = clock__monotonic_ns();
	began_cpu_ns = clock__thread_cpu_ns();
	err = read_all(scan->skeleton->links.open_files, &scan->holders);
	if (!err && scan->skeleton->links.mapped_files)
		err = read_all(scan->skeleton->links.mapped_files, &scan->holders);
	else if (!err)
		err = holder_maps__read(&scan->holders);
	scan_budget__charge(&scan->budget, began_ns, clock__monotonic_ns(),
			    clock__thread_cpu_ns() - began_cpu_ns);
	scan->look_error = err;
	if (err)
		log__detail("cannot look for processes that hold shared memory: %s",
			    strerror(-err));
	holders__sort(&scan->holders);
	return err;
}

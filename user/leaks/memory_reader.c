// SPDX-License-Identifier: GPL-2.0
/* The memory of a living process, copied by the kernel out of its pages into our buffers. */
#include <stdint.h>
#include <sys/uio.h>

#include "leaks/memory_reader.h"

/*
 * A range of which only a part can be read gives that part: the kernel stops at the first page that
 * is not there. It says so by a smaller result, and by EFAULT when it is the first page.
 */
static size_t read_thread(void *context, uint64_t address, void *buffer, size_t size)
{
	const pid_t *tid = context;
	struct iovec local = { .iov_base = buffer, .iov_len = size };
	struct iovec remote = { .iov_len = size };
	ssize_t nr_read;

	/* A pointer of the other process: it is only carried. */
	_Static_assert(sizeof(remote.iov_base) == sizeof(address), "64 bits");
	remote.iov_base = (void *)(uintptr_t)address;
	nr_read = process_vm_readv(*tid, &local, 1, &remote, 1, 0);
	return nr_read > 0 ? (size_t)nr_read : 0;
}

struct memory_reader memory_reader__of_thread(const pid_t *tid)
{
	return (struct memory_reader){ .read = read_thread, .context = (void *)tid };
}

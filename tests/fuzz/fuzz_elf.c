// SPDX-License-Identifier: GPL-2.0
/*
 * libFuzzer over what reads files that others wrote: an ELF file's allocators, its closure and its
 * use of vfork, and ld.so.cache. Built and run by make fuzz.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "allocators.h"
#include "elf_closure.h"
#include "ldso_cache.h"
#include "vfork_users.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nr_bytes);

static int ignore_path(const char *path, void *context)
{
	(void)context;
	return path[0] ? 0 : -1;
}

static void check_cache(const uint8_t *bytes, size_t nr_bytes)
{
	struct ldso_cache *cache;

	if (ldso_cache__parse(bytes, nr_bytes, &cache))
		return;
	ldso_cache__each(cache, "libc.so.6", ignore_path, NULL);
	ldso_cache__each(cache, "", ignore_path, NULL);
	ldso_cache__free(cache);
}

static void check_elf(int fd, size_t nr_bytes)
{
	/* /proc is the root: nothing but these bytes is to be found there. */
	struct elf_closure_environment environment = {
		.library_path = "/nowhere:$ORIGIN/${LIB}",
		.preload = "a.so:b.so",
		.root = "/proc",
		.search_path = "/bin",
	};
	struct allocator_probes probes;
	char path[64];

	if (!allocators__find(fd, &probes))
		for (size_t i = 0; i < probes.nr; i++)
			if (probes.probe[i].file_offset >= nr_bytes ||
			    probes.probe[i].probe_offset >= nr_bytes ||
			    probes.probe[i].probe_offset < probes.probe[i].file_offset)
				abort();
	vfork_users__check(fd);
	snprintf(path, sizeof(path), "/self/fd/%d", fd);
	elf_closure__each(path, &environment, ignore_path, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nr_bytes)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	check_cache(bytes, nr_bytes);
	if (fd < 0)
		abort();
	if (write(fd, bytes, nr_bytes) == (ssize_t)nr_bytes)
		check_elf(fd, nr_bytes);
	close(fd);
	return 0;
}

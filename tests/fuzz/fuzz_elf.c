// SPDX-License-Identifier: GPL-2.0
/*
 * libFuzzer over the readers of other programs' files: an ELF file's allocators, its closure and
 * its use of vfork, and ld.so.cache. Built and run by make fuzz.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "allocators/allocators.h"
#include "elf/elf_closure.h"
#include "elf/ldso_cache.h"
#include "allocators/vfork_users.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nr_bytes);

static int ignore_path(const char *path, void *context)
{
	(void)context;
	return path[0] ? 0 : -1;
}

static int ignore_file(const char *path, int fd, void *context)
{
	(void)context;
	return path[0] && fd >= 0 ? 0 : -1;
}

static char folder[] = "/tmp/memleak-fuzz-XXXXXX";

static void remove_folder(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/input", folder);
	unlink(path);
	rmdir(folder);
}

/* A root of its own, in which only these bytes are to be found. */
static int make_input(void)
{
	static bool made;
	char path[64];

	if (!made && (!mkdtemp(folder) || atexit(remove_folder)))
		abort();
	made = true;
	snprintf(path, sizeof(path), "%s/input", folder);
	return open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
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
	struct elf_closure_environment environment = {
		.library_path = "/nowhere:$ORIGIN/${LIB}",
		.preload = "a.so:b.so",
		.root = folder,
		.search_path = "/bin",
	};
	struct allocator_probes probes;

	if (!allocators__find(fd, &probes))
		for (size_t i = 0; i < probes.nr; i++)
			if (probes.probe[i].file_offset >= nr_bytes ||
			    probes.probe[i].probe_offset >= nr_bytes ||
			    probes.probe[i].probe_offset < probes.probe[i].file_offset)
				abort();
	vfork_users__check(fd);
	elf_closure__each("/input", &environment, ignore_file, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nr_bytes)
{
	int fd = make_input();

	check_cache(bytes, nr_bytes);
	if (fd < 0)
		abort();
	if (write(fd, bytes, nr_bytes) == (ssize_t)nr_bytes)
		check_elf(fd, nr_bytes);
	close(fd);
	return 0;
}

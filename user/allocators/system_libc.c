// SPDX-License-Identifier: GPL-2.0
/* See system_libc.h. */
#include "allocators/system_libc.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int system_libc__probes(const char **path, struct allocator_probes *probes)
{
	/* A preloaded allocator defines malloc too, but none defines __libc_start_main. */
	void *start = dlsym(RTLD_DEFAULT, "__libc_start_main");
	Dl_info info;
	int fd, err;

	if (!start || !dladdr(start, &info) || !info.dli_fname)
		return -ENOENT;
	*path = info.dli_fname;
	fd = open(*path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = allocators__find(fd, probes);
	close(fd);
	return err;
}

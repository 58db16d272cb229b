// SPDX-License-Identifier: GPL-2.0
/* See system_libc.h. */
#include "allocators/system_libc.h"

#include <dlfcn.h>
#include <stddef.h>

const char *system_libc__path(void)
{
	/* A preloaded allocator defines malloc too, but none defines __libc_start_main. */
	void *start = dlsym(RTLD_DEFAULT, "__libc_start_main");
	Dl_info info;

	return start && dladdr(start, &info) ? info.dli_fname : NULL;
}

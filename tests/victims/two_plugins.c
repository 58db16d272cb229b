// SPDX-License-Identifier: GPL-2.0
/*
 * Opens and closes two libraries by turns, each at the address where the other one was: knowledge
 * of that address must not outlive the library. Fails if they didn't land at one address.
 */
#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>

#include "truth.h"

static uintptr_t use(const char *folder, const char *name, bool first)
{
	void *(*keep)(size_t);
	struct link_map *map;
	void *library;
	char path[4096];
	uintptr_t address;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	library = dlopen(path, RTLD_NOW);
	if (!library || dlinfo(library, RTLD_DI_LINKMAP, &map))
		die("dlopen");
	address = map->l_addr;
	*(void **)&keep = dlsym(library, "plugin_keep");
	if (!keep)
		die("dlsym");
	truth_allocated(keep(600), 600);
	/* Time for a tracer to learn of a library that it meets here. */
	if (first)
		usleep(300000);
	for (int i = 0; i < 3; i++)
		truth_allocated(keep(600), 600);
	dlclose(library);
	return address;
}

int main(void)
{
	char folder[4000];
	ssize_t n = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
	unsigned int nr_elsewhere = 0;

	if (n <= 0)
		die("/proc/self/exe");
	folder[n] = '\0';
	*strrchr(folder, '/') = '\0';
	for (int i = 0; i < 20; i++)
		nr_elsewhere += use(folder, "libplugin_small.so", !i) !=
				use(folder, "libplugin_large.so", !i);
	return nr_elsewhere > 10;
}

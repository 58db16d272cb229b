// SPDX-License-Identifier: GPL-2.0
/*
 * Opens libplugin.so from its own folder, lets it allocate, and closes it: its code is gone then.
 */
#include <dlfcn.h>

#include "truth.h"

int main(void)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 32);
	void *(*keep)(size_t);
	void *library;

	if (n <= 0)
		die("/proc/self/exe");
	path[n] = '\0';
	strcpy(strrchr(path, '/') + 1, "libplugin.so");
	library = dlopen(path, RTLD_NOW);
	if (!library)
		die("dlopen");
	*(void **)&keep = dlsym(library, "plugin_keep");
	if (!keep)
		die("dlsym");
	for (int i = 0; i < 9; i++)
		truth_allocated(keep(600), 600);
	dlclose(library);
	truth_print();
	return 0;
}

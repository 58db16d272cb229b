/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The files that a dynamic loader, glibc's or musl's, maps for one program: the program, the loader
 * itself, preloaded libraries, and the libraries that these need, breadth first.
 */
#ifndef PROGRAM_LOADER_H
#define PROGRAM_LOADER_H

#include "base/file_key.h"
#include "elf/elf_closure.h"
#include "elf/process_root.h"

struct loaded_file {
	const char *path; /* with the root in front */
	struct file_key key;
};

/*
 * Calls visit once for each file, the program first. path leads to an ELF file, with the root in
 * front. Stops when visit returns non-zero and returns that; 0 at the end; -ENOEXEC or -EBADMSG
 * when the program is no ELF file of this machine or damaged; -E2BIG when a bound is exceeded;
 * -errno otherwise.
 */
int program_loader__each(const char *path, const struct path_root *root,
			 const struct elf_closure_environment *environment,
			 int (*visit)(const struct loaded_file *file, void *context),
			 void *context);

#endif

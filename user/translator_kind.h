/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Does a program run the code that it maps, or translate it? Valgrind and qemu-user read the
 * machine code of their guest's libraries as data: a breakpoint there is nothing that the kernel
 * takes care of, but an instruction of the guest, which ends it by SIGTRAP. Pure recognition.
 */
#ifndef TRANSLATOR_KIND_H
#define TRANSLATOR_KIND_H

#include <stddef.h>
#include <stdint.h>

enum translator_kind {
	TRANSLATOR_NO,
	/*
	 * No dynamic loader began this program, so it has no shared libraries of its own: should it
	 * map one, then perhaps to translate it.
	 */
	TRANSLATOR_PERHAPS,
	TRANSLATOR_YES,
};

/*
 * By the path of the executable, as /proc/PID/exe has it: YES for the known translators, NO for
 * dynamic loaders run by hand (they have no loader of their own, and what they map does run), else
 * PERHAPS: the beginning of the file decides.
 */
enum translator_kind translator_kind__of_path(const char *path);

/* By the first bytes of the executable: NO when it names a dynamic loader, else PERHAPS. */
enum translator_kind translator_kind__of_file(const void *bytes, size_t nr);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The files that a command will map before its first instruction runs: the executable (through
 * #! lines), its interpreter, and the shared libraries it needs, found as ld.so finds them. ELF
 * bytes are hostile input: everything is bounded.
 */
#ifndef ELF_CLOSURE_H
#define ELF_CLOSURE_H

/*
 * Finds the executable that execvp(command) would run in an environment with that PATH (NULL: the
 * default one). Writes an owned path to *executable. Returns 0, -ENOENT, -EACCES, or -errno.
 */
int elf_closure__find_executable(const char *command, const char *search_path, char **executable);

struct elf_closure_environment {
	const char *library_path; /* LD_LIBRARY_PATH, or NULL */
	const char *preload; /* LD_PRELOAD, or NULL */
	const char *root; /* where absolute paths begin; "" or NULL: ours; no link leads out */
	const char *search_path; /* PATH, or NULL: where a program searches for those that it runs */
	const char *const *arguments; /* of the executable, ends with NULL; or NULL */
};

/*
 * Calls visit, with a descriptor to read from, once for each distinct file (by device and inode) of
 * the closure, executable first: for a script, its interpreter. Programs named by the arguments, or
 * by a "#!" line, come after that with their files, since the executable may run them in turn, as
 * env does. At most 16 words are looked up. A library that can't be found is skipped: the program
 * will say so itself. Where ld.so's choice depends on the processor or on how libc was built, every
 * candidate is visited. An executable of another class or machine is visited alone.
 *
 * Stops when visit returns non-zero and returns that; 0 when all were visited; -ENOEXEC when the
 * executable is neither ELF nor a script; -EBADMSG when it is a damaged ELF; -ELOOP when scripts
 * are nested deeper than the kernel goes; -E2BIG beyond 4096 files; -errno otherwise.
 */
int elf_closure__each(const char *executable, const struct elf_closure_environment *environment,
		      int (*visit)(const char *path, int fd, void *context), void *context);

#endif

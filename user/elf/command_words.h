/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which words of a command may name a program that it runs in turn, as env, nice, timeout, setpriv
 * or a shell does, and with which variables. No program's options are known here, apart from -c and
 * -S and those of dynamic loaders that stand for a variable: the caller, which knows what files
 * there are, is asked about every word that could be a program's name.
 */
#ifndef COMMAND_WORDS_H
#define COMMAND_WORDS_H

#include "elf/elf_closure.h"

/*
 * Calls look, in order, for each word after the command's own name that may name a program, with
 * the environment that the NAME=VALUE words before it make. The strings live until look returns.
 * arguments ends with NULL, and may be NULL. Stops when look returns non-zero and returns that; 0
 * at the end; -ENOMEM.
 */
int command_words__each(const char *const *arguments,
			const struct elf_closure_environment *environment,
			int (*look)(const char *word,
				    const struct elf_closure_environment *environment,
				    void *context),
			void *context);

#endif

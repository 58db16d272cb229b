/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which words of a command may be a program that it runs in its turn, as env, nice, timeout,
 * setpriv or a shell does, and with what variables. No text of any program's options is known here:
 * every word is asked for that could be a program's name, by whoever knows what files there are.
 */
#ifndef COMMAND_WORDS_H
#define COMMAND_WORDS_H

#include "elf/elf_closure.h"

/*
 * Calls look for each word after the command's own name that may name a program, in their order,
 * with the environment that the NAME=VALUE words before it make. The strings live until look
 * returns. arguments may be NULL, and ends with NULL. Stops when look returns non-zero and returns
 * that; 0 at the end; -ENOMEM.
 */
int command_words__each(const char *const *arguments,
			const struct elf_closure_environment *environment,
			int (*look)(const char *word,
				    const struct elf_closure_environment *environment,
				    void *context),
			void *context);

#endif

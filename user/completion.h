/* SPDX-License-Identifier: GPL-2.0 */
/* Scripts that complete the command line in a shell, made from the table of options. */
#ifndef COMPLETION_H
#define COMPLETION_H

#include <stdbool.h>
#include <stdio.h>

#define COMPLETION_SHELLS "bash, zsh or fish"

/* Prints the script for that shell. Returns false, and prints nothing, for another one. */
bool completion__print(FILE *out, const char *shell);
bool completion__knows(const char *shell);

#endif

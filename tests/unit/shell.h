/* SPDX-License-Identifier: GPL-2.0 */
/* Shell commands, for tests of scripts and of the Makefile. */
#ifndef SHELL_H
#define SHELL_H

/* Runs a command and keeps its output in shell__output. Returns its exit status, or -1. */
int shell__run(const char *command);
extern char shell__output[16384];

/* A folder for the tests of one program: its path is in $FOLDER. */
int shell__make_folder(void);
int shell__remove_folder(void);

#endif

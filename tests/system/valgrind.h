/* SPDX-License-Identifier: GPL-2.0 */
/* Programs in Valgrind: what it counts of their heaps, and the environment that it gives them. */
#ifndef VALGRIND_H
#define VALGRIND_H

#include "harness.h"
#include "heap_counts.h"

/*
 * Learns the environment that Valgrind gives to a program with that folder and environment, in its
 * order: less than max variables, each to be freed. Returns how many; 0: Valgrind does not work
 * here.
 */
size_t valgrind__environment(const struct child_options *program, char **variables, size_t max);
/*
 * Runs the program in Valgrind, with more options. Its log goes to a file that is not in the
 * program's folder, and %p in its name is the PID.
 */
struct run *valgrind__run(const struct child_options *program, const char *log,
			  const char *const *more);
/* What a log says, its numbers without commas; to be freed. The file is removed. */
char *valgrind__take_log(const char *path);
/* Runs the program with its arguments, folder, environment and stdout. */
struct run *valgrind__count(const struct child_options *program, struct heap_counts *heap);
/* The same with each copy that a fork makes. Returns the first process's PID. */
pid_t valgrind__count_family(const struct child_options *program, struct held_list *list);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Valgrind's counts of programs, recorded in one JSON file on a machine that has Valgrind and the
 * programs. They are for a machine that has the same files and no Valgrind: a guest in an emulator.
 */
#ifndef RECORDED_H
#define RECORDED_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct recorded;

struct recorded *recorded__new(char *const *environment);
/* NULL when there is no such file. */
struct recorded *recorded__read(const char *path);
int recorded__write(const struct recorded *recorded, const char *path);
void recorded__free(struct recorded *recorded);

/* Takes counts over. The program's file is recognized by its content. */
void recorded__add(struct recorded *recorded, const char *name, const char *file, json_t *counts);
/*
 * The counts; NULL unless the program was counted and its file here has the same content as there.
 */
json_t *recorded__find(const struct recorded *recorded, const char *name, const char *file);
/* The n-th variable of the environment that the programs had, NULL after the last. */
const char *recorded__variable(const struct recorded *recorded, size_t n);

#endif

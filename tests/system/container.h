/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Containers as far as a tracer can tell: roots made by overlay mounts over one image, or by a copy
 * of it, and victims that run in them and do what a test tells them.
 */
#ifndef CONTAINER_H
#define CONTAINER_H

#include "harness.h"

/* Group setup and teardown: mounts of the tests are seen by their own processes alone. */
int container__begin(void **state);
int container__end(void **state);

/* Makes a folder with the victims obey and hello, and what they map. Good until the end. */
const char *container__image(const char *name);
/* Mounts an overlay over the image; skips the test where that can't be done. */
const char *container__overlay(const char *image, const char *name);

struct container {
	char root[4096];
	int fifo; /* where obey reads */
	char pid_file[4096];
	pid_t pid; /* of obey; 0: not started */
};

void container__new(struct container *container, const char *root, const char *name);
/* A shell's line that runs obey in it, in the background. */
void container__append_command(const struct container *container, char *script, size_t size);
/* Waits until it runs. */
void container__wait(struct container *container);
/* Until breakpoints are in its libc. */
void container__wait_probed(const struct container *container);
/* Lines for obey. */
void container__tell(const struct container *container, const char *lines);
void container__free(struct container *container);

#endif

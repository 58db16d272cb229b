/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Containers as far as a tracer can tell: roots made by overlay mounts over one image, or by copies
 * of it, and victims that run in them and do what a test tells them.
 */
#ifndef CONTAINER_H
#define CONTAINER_H

#include "harness.h"

/*
 * Group setup and teardown. Mounts of the tests are seen only by this test program and its
 * children.
 */
int container__begin(void **state);
int container__end(void **state);

/*
 * Makes a folder with the victims obey and hello, and the files that they map. Good until the end.
 */
const char *container__image(const char *name);
/* Mounts an overlay over the image; skips the test where that can't be done. */
const char *container__overlay(const char *image, const char *name);

struct container {
	char root[4096];
	int fifo; /* obey reads its lines here */
	char pid_file[4096];
	pid_t pid; /* obey's; 0: not started */
};

void container__new(struct container *container, const char *root, const char *name);
/* Appends shell code to script that runs obey in the container, in the background. */
void container__append_command(const struct container *container, char *script, size_t size);
/* Waits until obey runs. */
void container__wait(struct container *container);
/* Waits until breakpoints are in its libc. */
void container__wait_probed(const struct container *container);
/* Sends lines to obey. */
void container__tell(const struct container *container, const char *lines);
void container__free(struct container *container);

#endif

// SPDX-License-Identifier: GPL-2.0
/* See fresh_watch.h. */
#include "fresh_watch.h"

struct exit_watch *watch;

int fresh_watch__start(void **state)
{
	(void)state;
	watch = exit_watch__new(false);
	return watch ? 0 : -1;
}

int fresh_watch__start_following(void **state)
{
	(void)state;
	watch = exit_watch__new(true);
	return watch ? 0 : -1;
}

int fresh_watch__end(void **state)
{
	(void)state;
	exit_watch__free(watch);
	return 0;
}

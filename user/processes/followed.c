// SPDX-License-Identifier: GPL-2.0
/* See followed.h. monitor_targets.c and monitor_command.c fill it; monitor_targets.c asks. */
#include "processes/followed.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/living_thread.h"

int followed__add(struct followed *followed, pid_t tgid)
{
	int err = array__reserve(&followed->process, &followed->capacity, followed->nr + 1);
	int pidfd;

	if (err)
		return err;
	pidfd = (int)syscall(SYS_pidfd_open, tgid, 0);
	if (pidfd < 0 && errno == ESRCH)
		return -ESRCH;
	followed->process[followed->nr++] = (struct followed_process){ tgid, pidfd };
	return 0;
}

bool followed__has(const struct followed *followed, pid_t tgid)
{
	for (size_t i = 0; i < followed->nr; i++)
		if (followed->process[i].tgid == tgid)
			return true;
	return false;
}

bool followed__has_ended(const struct followed *followed, size_t index)
{
	const struct followed_process *process = &followed->process[index];
	char path[64], state = 0;
	FILE *file;

	/*
	 * A pidfd is readable as soon as the process is a zombie; sending signal 0 would need the
	 * right to signal it.
	 */
	if (process->pidfd >= 0) {
		struct pollfd end = { .fd = process->pidfd, .events = POLLIN };

		return poll(&end, 1, 0) > 0;
	}
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)living_thread__of(process->tgid));
	file = fopen(path, "re");
	if (!file)
		return true;
	if (fscanf(file, "%*d (%*[^)]%*[)] %c", &state) != 1)
		state = 0;
	fclose(file);
	/* A zombie has ended, though its parent has not waited for it. */
	return state == 'Z' || state == 'X';
}

void followed__forget(struct followed *followed, size_t index)
{
	if (followed->process[index].pidfd >= 0)
		close(followed->process[index].pidfd);
	followed->process[index] = followed->process[--followed->nr];
}

void followed__free(struct followed *followed)
{
	while (followed->nr)
		followed__forget(followed, followed->nr - 1);
	free(followed->process);
	*followed = (struct followed){ 0 };
}

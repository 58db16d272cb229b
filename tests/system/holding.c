// SPDX-License-Identifier: GPL-2.0
/* See holding.h. */
#include "holding.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_TRIES 30
#define KEEPER_NAME "memleak-hold"

int holding__begin(void **state)
{
	int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (terminal >= 0) {
		ioctl(terminal, TIOCNOTTY);
		close(terminal);
	}
	return harness__begin(state);
}

void skip_unless_held_here(void)
{
	if (!kernel_has("unwind"))
		SKIP("the kernel has no bpf_find_vma");
}

const char *new_copy(const char *from, const char *to)
{
	struct run *run;

	unlink(to);
	run = run_plain(ARGS("/bin/cp", "-L", from, to));
	assert_int_equal(run->exit_status, 0);
	run__free(run);
	return to;
}

int lead_session(void *context)
{
	(void)context;
	return setsid() < 0;
}

struct run *run_as_service(const char *const *argv)
{
	struct child_options options = { .argv = argv, .prepare = lead_session };

	return run_with(&options, HOLD_PATIENCE_S);
}

static void map_code(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	_exit(fd < 0 || mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED);
}

bool is_held_after(int (*prepare)(void *context), void *context)
{
	static unsigned int nr;
	const char *path = new_copy(victim("libplugin.so"), scratch(words("mapped%u", nr++)));
	double end_s = now_s() + HOLD_PATIENCE_S;
	bool held = false;
	int status = 0;
	pid_t pid = fork(), found;

	if (!pid) {
		if (prepare && prepare(context))
			_exit(96);
		map_code(path);
	}
	assert_true(pid > 0);
	do {
		found = waitpid(pid, &status, WUNTRACED | WNOHANG);
		held |= found == pid && WIFSTOPPED(status);
		if (!found)
			usleep(100);
	} while ((!found || WIFSTOPPED(status)) && now_s() < end_s);
	if (!found || WIFSTOPPED(status)) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		fail_msg("it did not go on");
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	return held;
}

bool is_ever_held_after(int (*prepare)(void *context), void *context)
{
	bool held = false;

	for (unsigned int i = 0; i < MAX_TRIES && !held; i++)
		held = is_held_after(prepare, context);
	return held;
}

pid_t keeper_of(pid_t tracer)
{
	pid_t keeper = 0;
	glob_t found;

	if (glob("/proc/[0-9]*/stat", 0, NULL, &found))
		return 0;
	for (size_t i = 0; i < found.gl_pathc && !keeper; i++) {
		FILE *file = fopen(found.gl_pathv[i], "re");
		char name[17];
		int pid, parent;

		if (!file)
			continue;
		if (fscanf(file, "%d (%16[^)]) %*c %d", &pid, name, &parent) == 3 &&
		    parent == tracer && !strcmp(name, KEEPER_NAME))
			keeper = pid;
		fclose(file);
	}
	globfree(&found);
	return keeper;
}

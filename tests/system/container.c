// SPDX-License-Identifier: GPL-2.0
/* See container.h. Containers are made by mount, chroot and a shell, without a container engine. */
#include "container.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WAIT_S 60
#define MAX_MOUNTS 32

static char *mounts[MAX_MOUNTS];
static size_t nr_mounts;

int container__begin(void **state)
{
	int err = harness__begin(state);

	if (err)
		return err;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -1;
	return chmod(scratch("."), 0755);
}

int container__end(void **state)
{
	while (nr_mounts) {
		umount2(mounts[--nr_mounts], MNT_DETACH);
		free(mounts[nr_mounts]);
	}
	return harness__end(state);
}

static void run_script(const char *format, ...)
{
	char script[16384];
	va_list arguments;
	struct run *run;

	va_start(arguments, format);
	vsnprintf(script, sizeof(script), format, arguments);
	va_end(arguments);
	run = run_plain(ARGS("sh", "-e", "-c", script));
	if (run->exit_status)
		fail_msg("%s: %s", script, run->err);
	run__free(run);
}

const char *container__image(const char *name)
{
	const char *image = scratch(name);

	run_script("mkdir -p '%s/bin'; cd '%s'; cp '%s' '%s' bin; "
		   "for file in $(LD_TRACE_LOADED_OBJECTS=1 bin/obey | grep -o '/[^ ]*'); do "
		   "mkdir -p \".${file%%/*}\"; cp -L \"$file\" \".$file\"; done",
		   image, image, victim("obey"), victim("hello"));
	return image;
}

const char *container__overlay(const char *image, const char *name)
{
	const char *folder = scratch(name);
	char options[16384], root[4200];

	snprintf(root, sizeof(root), "%s/root", folder);
	run_script("mkdir -p '%s/upper' '%s/work' '%s'", folder, folder, root);
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s/upper,workdir=%s/work", image,
		 folder, folder);
	if (mount("overlay", root, "overlay", 0, options))
		SKIP("cannot mount an overlay here: %s", strerror(errno));
	assert_true(nr_mounts < MAX_MOUNTS);
	mounts[nr_mounts] = strdup(root);
	assert_non_null(mounts[nr_mounts]);
	return mounts[nr_mounts++];
}

void container__new(struct container *container, const char *root, const char *name)
{
	char file[256];

	*container = (struct container){ 0 };
	snprintf(container->root, sizeof(container->root), "%s", root);
	snprintf(file, sizeof(file), "%s.pid", name);
	snprintf(container->pid_file, sizeof(container->pid_file), "%s", scratch(file));
	unlink(container->pid_file);
	snprintf(file, sizeof(file), "%s.fifo", name);
	unlink(scratch(file));
	assert_int_equal(mkfifo(scratch(file), 0600), 0);
	container->fifo = open(scratch(file), O_RDWR | O_CLOEXEC);
	assert_true(container->fifo >= 0);
}

void container__append_command(const struct container *container, char *script, size_t size)
{
	size_t length = strlen(script);

	snprintf(script + length, size - length,
		 "sh -c 'echo $$ >%s; exec chroot %s /bin/obey' <%.*s.fifo & ", container->pid_file,
		 container->root, (int)(strlen(container->pid_file) - 4), container->pid_file);
	assert_true(strlen(script) + 1 < size);
}

/* Whether obey waits for its first line. */
static bool reads_commands(pid_t pid)
{
	char path[64], line[4096];
	bool program = false, reads = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "r");
	if (file)
		program = fgets(line, sizeof(line), file) && !strcmp(line, "obey\n");
	if (file)
		fclose(file);
	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	file = fopen(path, "r");
	if (file)
		reads = fgets(line, sizeof(line), file) && atol(line) == SYS_read &&
			strstr(line, " 0x0 ");
	if (file)
		fclose(file);
	return program && reads;
}

void container__wait(struct container *container)
{
	double end_s = now_s() + WAIT_S;

	while (now_s() < end_s) {
		FILE *file = fopen(container->pid_file, "r");
		bool known = file && fscanf(file, "%d", &container->pid) == 1;

		if (file)
			fclose(file);
		if (known && reads_commands(container->pid))
			return;
		pause_ms(10);
	}
	fail_msg("obey did not begin in %s", container->root);
}

void container__wait_probed(const struct container *container)
{
	double end_s = now_s() + WAIT_S;

	while (!mapping_is_touched(container->pid, "/libc.so.6"))
		if (now_s() > end_s)
			fail_msg("libc in %s was not probed", container->root);
		else
			pause_ms(20);
}

void container__tell(const struct container *container, const char *lines)
{
	assert_int_equal(write(container->fifo, lines, strlen(lines)), strlen(lines));
}

void container__free(struct container *container)
{
	close(container->fifo);
}

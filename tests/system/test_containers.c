// SPDX-License-Identifier: GPL-2.0
/*
 * Processes in roots of their own. Each call is counted once, however many mounts show the
 * allocator's file. Nothing is remembered of a file that was not read, nothing is opened by a path
 * that others chose, and no mount is kept busy.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container.h"
#include "harness.h"

#define MAX_CONTAINERS 5
/* A probe that is attached once too often comes within that time. */
#define SETTLE_MS 700

static bool has(const char *feature)
{
	struct run *run = run_tracer(ARGS("--features", "--json"));
	json_t *features = json_loads(run->out, 0, NULL);
	bool it_has = features && truth_value(features, feature);

	json_decref(features);
	run__free(run);
	return it_has;
}

static void need_way(const char *way)
{
	char feature[64];

	snprintf(feature, sizeof(feature), "has.uprobe_%s", way);
	if (!has(feature))
		SKIP("this kernel has no --attach %s", way);
}

/* ---- containers of one image ---- */

static const char *image(void)
{
	static char path[4096];

	if (!path[0])
		snprintf(path, sizeof(path), "%s", container__image("image"));
	return path;
}

static void make_containers(struct container *containers, size_t nr, char *script, size_t size)
{
	script[0] = '\0';
	for (size_t i = 0; i < nr; i++) {
		char name[32];

		snprintf(name, sizeof(name), "overlay%zu", i);
		container__new(&containers[i], container__overlay(image(), name), name);
		container__append_command(&containers[i], script, size);
	}
	strncat(script, "wait", size - strlen(script) - 1);
}

static void wait_for_all(struct container *containers, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		container__wait(&containers[i]);
	for (size_t i = 0; i < nr; i++)
		container__wait_probed(&containers[i]);
	pause_ms(SETTLE_MS);
}

/* Gives each container different figures. */
static void use_all(struct container *containers, size_t nr)
{
	char lines[128];

	for (size_t i = 0; i < nr; i++) {
		snprintf(lines, sizeof(lines), "alloc %zu 200\nfree %zu\ntruth\nexit 0\n", 150 + i,
			 50 + 2 * i);
		container__tell(&containers[i], lines);
	}
}

static void assert_counts(const struct run *run, const struct container *containers, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		long long held = (long long)(150 + i - (50 + 2 * i)), freed = 50 + 2 * (long long)i;
		const struct truth truth = {
			.held_bytes = held * 200,
			.held_blocks = held,
			.allocated_bytes = (held + freed) * 200,
			.allocated_blocks = held + freed,
			.freed_bytes = freed * 200,
			.freed_blocks = freed,
		};

		assert_exact(last_exit_record_of(run, containers[i].pid), &truth);
	}
}

static void umount_all(struct container *containers, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		umount2(containers[i].root, MNT_DETACH);
		container__free(&containers[i]);
	}
}

static struct child *start_script(const char *script)
{
	return child__start(&(struct child_options){ .argv = ARGS("sh", "-c", script) });
}

/*
 * A container that ran before has the file probed from the tracer's start on: nobody else's calls
 * can be missed.
 */
static void check_system(const char *way, size_t nr)
{
	struct container first, containers[MAX_CONTAINERS];
	struct child *shells[2], *tracer;
	char script[16384] = "";
	struct run *run;

	need_way(way);
	container__new(&first, container__overlay(image(), "first"), "first");
	container__append_command(&first, script, sizeof(script));
	shells[0] = start_script(strcat(script, "wait"));
	container__wait(&first);
	tracer = start_tracer(ARGS("--attach", way));
	make_containers(containers, nr, script, sizeof(script));
	shells[1] = start_script(script);
	wait_for_all(containers, nr);
	use_all(containers, nr);
	run__free(child__finish(shells[1], RUN_TIMEOUT_S));
	container__tell(&first, "exit 0\n");
	run__free(child__finish(shells[0], RUN_TIMEOUT_S));
	kill(child__pid(tracer), SIGINT);
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_counts(run, containers, nr);
	run__free(run);
	umount_all(containers, nr);
	umount_all(&first, 1);
}

static void test_system_session(void **state)
{
	(void)state;
	check_system("session", 5);
}

static void test_system_multi(void **state)
{
	(void)state;
	check_system("multi", 2);
}

static void test_system_perf(void **state)
{
	(void)state;
	check_system("perf", 2);
}

/* By perf events the functions are probed one after the other, and slowly. */
static void check_command(const char *way, size_t nr)
{
	struct container containers[MAX_CONTAINERS];
	char script[16384];
	struct child *tracer;
	struct run *run;

	need_way(way);
	make_containers(containers, nr, script, sizeof(script));
	tracer = start_tracer(ARGS("--attach", way, "-f", "--", "sh", "-c", script));
	wait_for_all(containers, nr);
	for (size_t i = 0; i < nr; i++)
		container__wait_probed(&containers[i]);
	/* One function is. By perf events each of the others takes a grace period or two. */
	pause_ms((strcmp(way, "perf") ? 2 : 6) * SETTLE_MS);
	use_all(containers, nr);
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 0);
	assert_counts(run, containers, nr);
	run__free(run);
	umount_all(containers, nr);
}

static void test_command_session(void **state)
{
	(void)state;
	check_command("session", 2);
}

static void test_command_multi(void **state)
{
	(void)state;
	check_command("multi", 3);
}

static void test_command_perf(void **state)
{
	(void)state;
	check_command("perf", 2);
}

/* ---- a root with a libc of its own ---- */

/* A process that ends at once leaves nothing to look at: the tracer must look at the next one. */
static void test_ended_at_once(void **state)
{
	struct container container;
	char script[16384] = "";
	struct child *tracer;
	struct run *run;
	(void)state;

	container__new(&container, container__image("copy"), "copy");
	for (int i = 0; i < 3; i++)
		snprintf(script + strlen(script), sizeof(script) - strlen(script),
			 "chroot %s /bin/hello; ", container.root);
	container__append_command(&container, script, sizeof(script));
	tracer = start_tracer(ARGS("-f", "--", "sh", "-c", strcat(script, "wait")));
	container__wait(&container);
	container__wait_probed(&container);
	pause_ms(2 * SETTLE_MS);
	use_all(&container, 1);
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_counts(run, &container, 1);
	run__free(run);
	container__free(&container);
}

/* ---- what others chose ---- */

/* Watches the host's files that an unprivileged user tries to make the tracer open. */
static int watch_canaries(void)
{
	static const char *const names[] = { "attack/canary", "attack/secret", "canary", "secret" };
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	assert_true(fd >= 0);
	mkdir(scratch("attack"), 0755);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *path = scratch(names[i]);
		struct run *run = NULL;

		if (strstr(names[i], "canary"))
			assert_int_equal(mkfifo(path, 0644), 0);
		else
			run = run_plain(ARGS("cp", victim("obey"), path));
		run__free(run);
		assert_true(inotify_add_watch(fd, path, IN_OPEN) >= 0);
	}
	return fd;
}

static void assert_unopened(int fd)
{
	char event[4096];
	ssize_t nr = read(fd, event, sizeof(event));

	if (nr > 0)
		fail_msg("a file of the host was opened (watch %d)",
			 ((const struct inotify_event *)event)->wd);
	assert_int_equal(errno, EAGAIN);
	close(fd);
}

/*
 * These processes are in a mount namespace of their own. There, the host's paths lead to other
 * files, and the root's links lead to the host's paths. A process that ends at once can be found by
 * its path alone.
 */
static void test_foreign_paths(void **state)
{
	static const char format[] =
		"cd /; mount -t tmpfs none %s || exit 77; cd %s; "
		"cp -r %s root; cp root/bin/hello canary; cp root/bin/obey secret; "
		"mkdir root/etc; ln -s %s root/etc/ld.so.cache; ln -s %s root/etc/ld.so.preload; "
		"for i in 1 2 3 4 5; do ./canary; $PWD/canary; $PWD/secret </dev/null; done; "
		"sleep 0.5 | chroot root /bin/obey; "
		"rm root/etc/*; echo %s >root/etc/ld.so.preload; ln -s %s root/secret; "
		"cp root/bin/obey root/bin/again; "
		"sleep 0.5 | chroot root /bin/again; true";
	char script[32768], attack[4096], canary[4096], secret[4096];
	struct child *tracer;
	struct run *run;
	int canaries;
	(void)state;

	if (!have_program("setpriv") || !have_program("unshare"))
		SKIP("no setpriv or unshare here");
	snprintf(attack, sizeof(attack), "%s", scratch("attack"));
	snprintf(canary, sizeof(canary), "%s", scratch("canary"));
	snprintf(secret, sizeof(secret), "%s", scratch("secret"));
	snprintf(script, sizeof(script), format, attack, attack, image(), canary, canary, secret,
		 secret);
	canaries = watch_canaries();
	tracer = start_tracer(NO_ARGS);
	run = run_plain(ARGS("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
			     "unshare", "-Urm", "sh", "-c", script));
	kill(child__pid(tracer), SIGINT);
	run__free(child__finish(tracer, RUN_TIMEOUT_S));
	if (run->exit_status == 1 || run->exit_status == 77) {
		char *why = strdup(run->err);

		run__free(run);
		SKIP("no user namespace with mounts for nobody here: %s", why);
	}
	run__print(run);
	assert_int_equal(run->exit_status, 0);
	run__free(run);
	assert_unopened(canaries);
}

/* ---- mounts that go ---- */

static void test_mount_is_free(void **state)
{
	struct container container;
	struct child *tracer, *shell;
	char script[16384];
	double end_s;
	(void)state;

	make_containers(&container, 1, script, sizeof(script));
	tracer = start_tracer(NO_ARGS);
	shell = start_script(script);
	wait_for_all(&container, 1);
	container__tell(&container, "alloc 10 10\nexit 0\n");
	run__free(child__finish(shell, RUN_TIMEOUT_S));
	/* The tracer checks twice whether anybody maps the file. */
	end_s = now_s() + RUN_TIMEOUT_S;
	while (umount2(container.root, 0)) {
		assert_int_equal(errno, EBUSY);
		assert_true(now_s() < end_s);
		pause_ms(200);
	}
	assert_true(child__is_running(tracer));
	kill(child__pid(tracer), SIGINT);
	run__free(child__finish(tracer, RUN_TIMEOUT_S));
	container__free(&container);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_system_session), SYSTEM_TEST(test_system_multi),
		SYSTEM_TEST(test_system_perf),	  SYSTEM_TEST(test_command_session),
		SYSTEM_TEST(test_command_multi),  SYSTEM_TEST(test_command_perf),
		SYSTEM_TEST(test_ended_at_once),  SYSTEM_TEST(test_foreign_paths),
		SYSTEM_TEST(test_mount_is_free),
	};

	return cmocka_run_group_tests(tests, container__begin, container__end);
}

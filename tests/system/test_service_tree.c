// SPDX-License-Identifier: GPL-2.0
/*
 * A service is a tree of processes, forked before anybody looks: with -f the whole tree is traced,
 * and the pages that its members share are accounted for. A process that ends before it can be
 * traced is named.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"
#include "options.h"

#define NR_WORKERS 4

struct service {
	struct child *master;
	pid_t worker[NR_WORKERS]; /* one of them is the child of another */
};

static void start_service(struct service *service)
{
	const char *argv[] = { victim("prefork"), "3", NULL };
	struct child_options options = { .argv = argv };
	const char *at;
	char *output;

	service->master = child__start(&options);
	child__wait_output(service->master, "worker ", NR_WORKERS, 30);
	child__wait_output(service->master, "master ", 1, 30);
	output = child__output(service->master);
	at = output;
	for (int i = 0; i < NR_WORKERS; i++) {
		at = strstr(at, "worker ");
		service->worker[i] = atoi(at + strlen("worker "));
		at++;
		assert_true(service->worker[i] > 0);
	}
	free(output);
}

/* Makes each worker take its blocks. */
static void work(const struct service *service)
{
	for (int i = 0; i < NR_WORKERS; i++)
		kill(service->worker[i], SIGUSR1);
	kill(child__pid(service->master), SIGUSR1);
	child__wait_output(service->master, "worked\n", NR_WORKERS + 1, 30);
}

static void end_workers(const struct service *service)
{
	for (int i = 0; i < NR_WORKERS; i++)
		kill(service->worker[i], SIGUSR2);
}

static void end_master(const struct service *service)
{
	kill(child__pid(service->master), SIGUSR2);
	run__free(child__finish(service->master, 30));
}

static void check_member(const struct run *run, pid_t pid)
{
	const json_t *record = last_exit_record_of(run, pid);

	assert_true(truth_value(record, "late_attach"));
	assert_held(record, 500, 5);
	assert_int_equal(stacks_with(record, "keep").blocks, 5);
	assert_nothing_lost(record);
	assert_true(truth_value(record, "verified"));
}

static void test_whole_tree(void **state)
{
	struct service service;
	struct child *tracer;
	struct run *run;
	pid_t master;
	(void)state;

	start_service(&service);
	master = child__pid(service.master);
	tracer = start_tracer(ARGS("-f", "-p", pid_text(service.master)));
	work(&service);
	/* The master's end is not the end of its service. */
	end_master(&service);
	child__wait_event(tracer, "exit", 1, 30);
	end_workers(&service);
	run = child__finish(tracer, 60);
	assert_false(run->timed_out);
	assert_int_equal(run->exit_status, STATUS_OK);
	assert_lacks(run->err, "not traced");
	check_member(run, master);
	for (int i = 0; i < NR_WORKERS; i++)
		check_member(run, service.worker[i]);
	run__free(run);
}

/*
 * The children are not traced, and a warning says so; nothing has ended, so no sum of ends is
 * shown.
 */
static void test_children_are_not_traced_unasked(void **state)
{
	struct service service;
	struct run *run;
	(void)state;

	start_service(&service);
	run = run_tracer(ARGS("-p", pid_text(service.master), "0.1", "1"));
	assert_int_equal(run->exit_status, STATUS_OK);
	assert_one_line(run->err);
	assert_contains(run->err, "3 child processes");
	assert_contains(run->err, "-f traces them too");
	assert_contains(run->out, "total: 0 processes ended\n");
	assert_lacks(run->out, "held at the end");
	run__free(run);
	end_workers(&service);
	end_master(&service);
}

/* The worker shares pages with a process whose fork came before us. */
static void test_worker_of_before(void **state)
{
	struct service service;
	struct child *tracer;
	const json_t *record;
	struct run *run = NULL;
	char pid[16];
	(void)state;

	for (int i = 0; i < 10; i++) {
		start_service(&service);
		snprintf(pid, sizeof(pid), "%d", service.worker[NR_WORKERS - 1]);
		tracer = start_tracer(ARGS("-p", pid));
		end_workers(&service);
		run = child__finish(tracer, 60);
		end_master(&service);
		record = exit_record(run);
		assert_true(truth_value(record, "verified"));
		/* Page frames are not counted when a reader of its maps frees them. */
		if (!is_null(record, "reclaimed.freed_page_bytes"))
			break;
		run__free(run);
		run = NULL;
	}
	assert_non_null(run);
	assert_contains(text(record, "verified_why"), "shared with PID ");
	assert_in_range(number(record, "stays.shared_bytes"), 1 * MIB, 4 * MIB);
	run__free(run);
}

static void test_one_of_two_is_gone(void **state)
{
	struct child *daemon = start_daemon("obey");
	char pids[64];
	struct run *run;
	(void)state;

	snprintf(pids, sizeof(pids), "%d,2147483647", child__pid(daemon));
	run = run_tracer(ARGS("-p", pids, "0.1", "1"));
	assert_int_equal(run->exit_status, STATUS_OK);
	assert_one_line(run->err);
	assert_contains(run->err, "2147483647");
	assert_contains(run->out, "outstanding");
	run__free(run);
	end_daemon(daemon);

	run = run_tracer(ARGS("-p", "2147483646,2147483647"));
	assert_int_equal(run->exit_status, STATUS_TARGET);
	assert_one_line(run->err);
	run__free(run);
}

static bool has_bpf_objects(pid_t pid)
{
	char path[64], target[64] = "";
	struct dirent *entry;
	bool found = false;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	fds = opendir(path);
	while (fds && !found && (entry = readdir(fds))) {
		ssize_t nr = readlinkat(dirfd(fds), entry->d_name, target, sizeof(target) - 1);

		target[nr > 0 ? nr : 0] = '\0';
		found = strstr(target, "bpf-map") || strstr(target, "bpf-prog");
	}
	if (fds)
		closedir(fds);
	return found;
}

/* At that moment the tracer has looked at the process, and loads its programs. */
static void test_end_while_attaching(void **state)
{
	struct child *daemon = start_daemon("obey");
	const char *argv[16];
	struct child_options options = { .argv = argv };
	size_t n = tracer_words(argv);
	struct child *tracer;
	char pid[16];
	struct run *run;
	(void)state;

	snprintf(pid, sizeof(pid), "%d", child__pid(daemon));
	argv[n++] = "-p";
	argv[n++] = pid;
	argv[n] = NULL;
	tracer = child__start(&options);
	while (!has_bpf_objects(child__pid(tracer)) && child__is_running(tracer))
		pause_ms(1);
	kill(child__pid(tracer), SIGSTOP);
	end_daemon(daemon);
	kill(child__pid(tracer), SIGCONT);
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, STATUS_TARGET);
	assert_one_line(run->err);
	assert_contains(run->err, pid);
	assert_contains(run->err, "ended before it was attached");
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_whole_tree),
		SYSTEM_TEST(test_children_are_not_traced_unasked),
		SYSTEM_TEST(test_worker_of_before),
		SYSTEM_TEST(test_one_of_two_is_gone),
		SYSTEM_TEST(test_end_while_attaching),
	};

	return cmocka_run_group_tests_name("service_tree", tests, harness__begin, harness__end);
}

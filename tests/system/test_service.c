// SPDX-License-Identifier: GPL-2.0
/*
 * The demands of a service manager on a daemon: it tells when it is ready, and works with few
 * capabilities.
 */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon.h"
#include "harness.h"
#include "options.h"

/* ---- the service manager ---- */

extern char **environ;

/* Returns our environment with one more variable. */
static char **environment_with(const char *variable)
{
	size_t nr = 0;
	char **environment;

	while (environ[nr])
		nr++;
	environment = calloc(nr + 2, sizeof(*environment));
	assert_non_null(environment);
	memcpy(environment, environ, nr * sizeof(*environment));
	environment[nr] = (char *)variable;
	return environment;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	unlink(path);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* The next message; "" when none came in time. */
static const char *next_message(int fd, int timeout_ms)
{
	static char message[64];
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	ssize_t size = 0;

	if (poll(&readable, 1, timeout_ms) == 1)
		size = recv(fd, message, sizeof(message) - 1, 0);
	message[size > 0 ? size : 0] = '\0';
	return message;
}

static void test_readiness_is_told(void **state)
{
	const char *path = scratch("notify");
	char variable[4200], **environment;
	int fd = listen_at(path);
	struct child *daemon = start_daemon("obey_static");
	const char *argv[] = { tracer_path(), "-p", pid_text(daemon), NULL };
	struct child_options options = { .argv = argv };
	struct child *tracer;
	struct run *run;
	(void)state;

	snprintf(variable, sizeof(variable), "NOTIFY_SOCKET=%s", path);
	environment = environment_with(variable);
	options.environment = environment;
	tracer = child__start(&options);
	assert_string_equal(next_message(fd, 30000), "READY=1");
	/* It was not ready before its probes were in. */
	assert_true(text_is_touched(child__pid(daemon), victim("obey_static")));
	assert_string_equal(next_message(fd, 300), "");
	kill(child__pid(tracer), SIGTERM);
	assert_string_equal(next_message(fd, 30000), "STOPPING=1");
	run = child__finish(tracer, 30);
	assert_int_equal(run->exit_status, STATUS_OK);
	assert_int_equal(run->err_size, 0);
	run__free(run);
	free(environment);
	close(fd);
	end_daemon(daemon);
}

/* The command may be a daemon that tells by itself: it has the socket, and the tracer is silent. */
static void test_readiness_of_a_command(void **state)
{
	const char *path = scratch("notify");
	char variable[4200], **environment;
	int fd = listen_at(path);
	const char *argv[] = { tracer_path(), "--", "sh", "-c", "echo \"$NOTIFY_SOCKET\"", NULL };
	struct child_options options = { .argv = argv };
	struct run *run;
	(void)state;

	snprintf(variable, sizeof(variable), "NOTIFY_SOCKET=%s", path);
	environment = environment_with(variable);
	options.environment = environment;
	run = run_with(&options, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 0);
	assert_contains(run->out, path);
	assert_string_equal(next_message(fd, 0), "");
	run__free(run);
	free(environment);
	close(fd);
}

/* ---- few capabilities ---- */

static const struct {
	const char *name;
	int number;
	bool needed; /* by -p of another user's process, and not included in CAP_SYS_ADMIN */
	const char *missed; /* the message there without it */
} capabilities[] = {
	{ "CAP_BPF", CAP_BPF, true, "CAP_BPF" },
	{ "CAP_PERFMON", CAP_PERFMON, true, "CAP_PERFMON" },
	{ "CAP_SYS_PTRACE", CAP_SYS_PTRACE, true, "CAP_SYS_PTRACE" },
	{ "CAP_CHECKPOINT_RESTORE", CAP_CHECKPOINT_RESTORE, false, "CAP_CHECKPOINT_RESTORE" },
	{ "CAP_DAC_OVERRIDE", CAP_DAC_OVERRIDE, false, "CAP_DAC_READ_SEARCH" },
	{ "CAP_SYS_ADMIN", CAP_SYS_ADMIN, false, NULL },
	/* These are only for files that are written. */
	{ "CAP_DAC_READ_SEARCH", CAP_DAC_READ_SEARCH, false, NULL },
	{ "CAP_LEASE", CAP_LEASE, false, NULL },
};

#define NR_CAPABILITIES (sizeof(capabilities) / sizeof(capabilities[0]))
#define BIT_OF(capability) (1ULL << (capability))
#define ADMIN BIT_OF(CAP_SYS_ADMIN)
#define NOBODY 65534
#define BESIDE_RUNS 25

static uint64_t capability_named(const char *name)
{
	for (size_t i = 0; i < NR_CAPABILITIES; i++)
		if (!strcmp(capabilities[i].name, name))
			return BIT_OF(capabilities[i].number);
	fail_msg("the service is given %s, which these tests don't know", name);
	return 0;
}

/* The capabilities that the service file gives, without CAP_SYS_ADMIN. */
static uint64_t small_set(void)
{
	static const char key[] = "CapabilityBoundingSet=";
	FILE *file = fopen("service/memleak-bpf.service.in", "re");
	char line[512], *rest, *name;
	uint64_t set = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, sizeof(key) - 1))
			continue;
		rest = line + sizeof(key) - 1;
		while ((name = strsep(&rest, " \n")))
			set |= *name ? capability_named(name) : 0;
	}
	fclose(file);
	assert_true(set & ADMIN);
	return set & ~ADMIN;
}

/*
 * Prepares a child as a service manager does: root, but with no capability that is not in the set
 * at *context, and with LimitMEMLOCK=infinity, which kernels before 5.11 require for BPF maps.
 */
static int keep_capabilities(void *context)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	uint64_t set = *(uint64_t *)context;

	if (setrlimit(RLIMIT_MEMLOCK, &unlimited) && errno != EPERM)
		return 1;

	for (int number = 0; number < 64; number++)
		if (!(set & 1ULL << number) && prctl(PR_CAPBSET_READ, number) == 1 &&
		    prctl(PR_CAPBSET_DROP, number))
			return 1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static struct run *run_tracer_with(uint64_t set, const char *const *arguments)
{
	const char *report = scratch("few.jsonl");
	const char *argv[16] = { tracer_path(), "--json", "-w", report };
	struct child_options options = {
		.argv = argv,
		.report_path = report,
		.prepare = keep_capabilities,
		.prepare_context = &set,
	};

	for (size_t i = 0; arguments[i]; i++)
		argv[4 + i] = arguments[i];
	unlink(report);
	return run_with(&options, RUN_TIMEOUT_S);
}

/* Whether this kernel requires CAP_SYS_ADMIN. Then the tracer must say so. */
static bool asks_for_admin(void)
{
	static int known = -1;
	struct run *run;

	if (known >= 0)
		return known;
	run = run_tracer_with(small_set(), ARGS("--", victim("hello")));
	known = run->exit_status != 0;
	if (known) {
		assert_int_equal(run->exit_status, STATUS_PRIVILEGE);
		assert_contains(run->err, "CAP_SYS_ADMIN");
		assert_one_line(run->err);
		assert_int_equal(run->out_size, 0);
	}
	run__free(run);
	return known;
}

static uint64_t whole_set(void)
{
	return small_set() | (asks_for_admin() ? ADMIN : 0);
}

static int become_nobody(void *context)
{
	(void)context;
	return setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY);
}

/* Makes a program that only another user may read, in a folder that only this user may enter. */
static const char *make_private_program(const char *source)
{
	static char path[4200];
	const char *folder = scratch("private");
	struct run *run;

	make_folder(folder);
	snprintf(path, sizeof(path), "%s/program", folder);
	run = run_plain(ARGS("sh", "-c", "cat \"$0\" >\"$1\"", source, path));
	assert_int_equal(run->exit_status, 0);
	run__free(run);
	assert_int_equal(chmod(path, 0700) || chown(path, NOBODY, NOBODY), 0);
	assert_int_equal(chmod(folder, 0700) || chown(folder, NOBODY, NOBODY), 0);
	return path;
}

static struct child *start_private_daemon(const char *source)
{
	const char *argv[] = { make_private_program(source), NULL };
	struct child_options options = { .argv = argv,
					 .stdin_pipe = true,
					 .prepare = become_nobody };
	struct child *daemon = child__start(&options);

	child__wait_output(daemon, "ready\n", 1, 30);
	return daemon;
}

/*
 * The daemon is another user's, its file is no longer there under its name, and its allocator is
 * inside.
 */
static void test_service_set_with_a_daemon(void **state)
{
	uint64_t set = whole_set();
	const char *report = scratch("few.jsonl");
	struct child *daemon = start_private_daemon(victim("obey_static"));
	const char *argv[] = { tracer_path(), "--json", "-w", report, "-p", pid_text(daemon), NULL };
	struct child_options options = {
		.argv = argv,
		.report_path = report,
		.prepare = keep_capabilities,
		.prepare_context = &set,
	};
	const json_t *record;
	struct child *tracer;
	struct run *run;
	(void)state;

	assert_int_equal(unlink(scratch("private/program")), 0);
	unlink(report);
	tracer = child__start(&options);
	child__wait_event(tracer, "start", 1, RUN_TIMEOUT_S);
	child__send(daemon, "alloc 7 100\n");
	end_daemon(daemon);
	run = child__finish(tracer, 60);
	assert_int_equal(run->exit_status, STATUS_OK);
	assert_lacks(run->err, "CAP_");
	record = exit_record(run);
	assert_held(record, 700, 7);
	assert_int_equal(stacks_with(record, "keep").blocks, 7);
	assert_int_equal(number(record, "uid"), NOBODY);
	assert_reclaimed(record);
	run__free(run);
}

static void test_service_set_with_a_command(void **state)
{
	struct run *run = run_tracer_with(whole_set(), ARGS("--", victim("leak64")));
	(void)state;

	assert_int_equal(run->exit_status, 0);
	assert_int_equal(run->err_size, 0);
	assert_held(exit_record(run), 64 * MIB, 1);
	assert_reclaimed(exit_record(run));
	run__free(run);
}

/* Without any one of the capabilities something is missing, and the message names it. */
static void test_each_capability_is_needed(void **state)
{
	struct child *daemon = start_private_daemon(victim("obey_static"));
	(void)state;

	for (size_t i = 0; capabilities[i].missed; i++) {
		int number = capabilities[i].number;
		/* To read other users' files, either one of two will do. */
		uint64_t either = number == CAP_DAC_OVERRIDE ? BIT_OF(CAP_DAC_READ_SEARCH) : 0;
		uint64_t set = whole_set() & ~BIT_OF(number) & ~either;
		struct run *run = run_tracer_with(set, ARGS("-p", pid_text(daemon), "0.1", "1"));
		/*
		 * Where probes go into every process, the tracer's user must be able to take them
		 * out.
		 */
		bool everybody = number == CAP_DAC_OVERRIDE && !kernel_has("uprobe_session");
		bool needed = capabilities[i].needed || everybody;
		const char *next = capabilities[i + 1].missed;

		/* A capability that CAP_SYS_ADMIN includes is not missed when that is there. */
		if (asks_for_admin() && number != CAP_SYS_PTRACE && number != CAP_DAC_OVERRIDE) {
			assert_int_equal(run->exit_status, STATUS_OK);
			assert_lacks(run->err, "CAP_");
			run__free(run);
			continue;
		}
		assert_contains(run->err, capabilities[i].missed);
		assert_lacks(run->err, next ? next : capabilities[0].name);
		assert_int_equal(run->exit_status, needed ? STATUS_PRIVILEGE : STATUS_OK);
		if (capabilities[i].needed)
			assert_one_line(run->err);
		run__free(run);
	}
	end_daemon(daemon);
}

/*
 * Breakpoints in everybody's processes, without a way to take them out of other users' processes,
 * are refused.
 */
static void test_unguarded_tracing_is_refused(void **state)
{
	const char *const *const modes[] = {
		ARGS("1", "1"),
		ARGS("-f", "--", victim("hello")),
	};
	uint64_t set = whole_set() & ~BIT_OF(CAP_DAC_OVERRIDE);
	(void)state;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct run *run = run_tracer_with(set | BIT_OF(CAP_DAC_READ_SEARCH), modes[i]);

		assert_int_equal(run->exit_status, STATUS_PRIVILEGE);
		assert_contains(run->err, "CAP_DAC_OVERRIDE");
		assert_one_line(run->err);
		assert_int_equal(run->out_size, 0);
		run__free(run);
	}
}

/* Another user's Valgrind reads probed code as its guest's, and lives. */
static void test_service_set_beside_valgrind(void **state)
{
	uint64_t set = whole_set();
	const char *report = scratch("beside.jsonl");
	struct child_options service = {
		.argv = ARGS(tracer_path(), "--json", "-w", report),
		.report_path = report,
		.prepare = keep_capabilities,
		.prepare_context = &set,
	};
	struct child_options valgrind = {
		.argv = ARGS("valgrind", "-q", "--tool=none", "true"),
		.prepare = become_nobody,
		.directory = "/",
	};
	struct child *tracer;
	struct run *run;
	(void)state;

	if (!have_program("valgrind"))
		SKIP("no valgrind");
	if (!kernel_has("write_text"))
		SKIP("the kernel forbids writing to code");
	tracer = child__start(&service);
	child__wait_event(tracer, "start", 1, RUN_TIMEOUT_S);
	for (unsigned int i = 0; i < scaled(BESIDE_RUNS); i++) {
		run = run_with(&valgrind, RUN_TIMEOUT_S);
		if (run->wait_status)
			run__print(run);
		assert_int_equal(run->wait_status, 0);
		run__free(run);
	}
	kill(child__pid(tracer), SIGINT);
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, STATUS_OK);
	if (run->err_size)
		print_whole(run->err);
	assert_int_equal(run->err_size, 0);
	run__free(run);
}

static void test_becoming_a_user_takes_more(void **state)
{
	struct run *run = run_tracer_with(whole_set(), ARGS("-u", "nobody", "--", victim("hello")));
	(void)state;

	assert_int_equal(run->exit_status, STATUS_PRIVILEGE);
	assert_contains(run->err, "CAP_SETUID, CAP_SETGID, CAP_KILL");
	assert_one_line(run->err);
	assert_int_equal(run->out_size, 0);
	run__free(run);
}

static uint64_t effective_capabilities(pid_t pid)
{
	unsigned long long set = 0;
	char path[64], line[256];
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	status = fopen(path, "r");
	assert_non_null(status);
	while (fgets(line, sizeof(line), status) && sscanf(line, "CapEff: %llx", &set) != 1)
		;
	fclose(status);
	return set;
}

/* The service's command line, except for the place of its report, from start to stop. */
static void test_the_service(void **state)
{
	uint64_t set = small_set() | ADMIN;
	char *report = strdup(scratch("service.jsonl")), *moved = strdup(scratch("service.1"));
	const char *socket_path = scratch("notify");
	const char *argv[] = { tracer_path(), "--json", "--append", "-w", report, NULL };
	char variable[4200], **environment;
	int fd = listen_at(socket_path);
	struct child_options options = {
		.argv = argv,
		.report_path = report,
		.prepare = keep_capabilities,
		.prepare_context = &set,
	};
	struct run *service, *run[2];
	struct child *child;
	(void)state;

	snprintf(variable, sizeof(variable), "NOTIFY_SOCKET=%s", socket_path);
	environment = environment_with(variable);
	options.environment = environment;
	child = child__start(&options);
	if (strcmp(next_message(fd, 60000), "READY=1")) {
		service = child__finish(child, 10);
		if (service->exit_status == STATUS_USAGE)
			SKIP("all processes at once are not supported yet");
		run__print(service);
		fail_msg("the service did not get ready");
	}
	/* It has given up the capability that it doesn't need. */
	assert_true(effective_capabilities(child__pid(child)) == whole_set());
	run[0] = run_plain(ARGS(victim("leak64")));
	child__wait_event(child, "exit", 1, 30);
	pause_ms(500);
	assert_int_equal(rename(report, moved), 0);
	kill(child__pid(child), SIGHUP);
	wait_for_file(report);
	run[1] = run_plain(ARGS(victim("leak64")));
	pause_ms(500);
	kill(child__pid(child), SIGTERM);
	assert_string_equal(next_message(fd, 30000), "STOPPING=1");
	service = child__finish(child, 60);
	assert_int_equal(service->exit_status, STATUS_OK);
	/* The first record of each PID is of our own copy, which became the program by exec. */
	assert_held(exit_record_of(service, run[1]->pid, 1), 64 * MIB, 1);
	json_decref(service->events);
	service->events = records_in(moved);
	assert_held(exit_record_of(service, run[0]->pid, 1), 64 * MIB, 1);
	run__free(service);
	run__free(run[0]);
	run__free(run[1]);
	free(environment);
	free(report);
	free(moved);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_readiness_is_told),
		SYSTEM_TEST(test_readiness_of_a_command),
		SYSTEM_TEST(test_service_set_with_a_daemon),
		SYSTEM_TEST(test_service_set_with_a_command),
		SYSTEM_TEST(test_each_capability_is_needed),
		SYSTEM_TEST(test_unguarded_tracing_is_refused),
		SYSTEM_TEST(test_service_set_beside_valgrind),
		SYSTEM_TEST(test_becoming_a_user_takes_more),
		SYSTEM_TEST(test_the_service),
	};

	return cmocka_run_group_tests_name("service", tests, harness__begin, harness__end);
}

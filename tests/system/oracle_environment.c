// SPDX-License-Identifier: GPL-2.0
/* See oracle_environment.h. */
#include "oracle_environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "valgrind.h"

#define LAST_PID "/proc/sys/kernel/ns_last_pid"
#define MAX_PIDS_OF_TWO_RUNS 2000

static const char *const fixed[] = {
	"PATH=/usr/bin:/bin",
	"LC_ALL=C",
	"TZ=UTC",
	"GIT_CONFIG_NOSYSTEM=1",
	"GIT_AUTHOR_NAME=A",
	"GIT_AUTHOR_EMAIL=a@example.org",
	"GIT_AUTHOR_DATE=2026-01-01T00:00:00Z",
	"GIT_COMMITTER_NAME=A",
	"GIT_COMMITTER_EMAIL=a@example.org",
	"GIT_COMMITTER_DATE=2026-01-01T00:00:00Z",
	"PYTHONHASHSEED=0",
	"PYTHONMALLOC=malloc",
	"PYTHONDONTWRITEBYTECODE=1",
	"PERL_HASH_SEED=0",
	/* Valgrind's CPU has no AVX-512, and the loader's search path grows with the CPU. */
	"GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX512F,-AVX512BW,-AVX512CD,-AVX512DQ,-AVX512VL",
};

void oracle_environment__make(struct oracle_environment *environment, const char *folder)
{
	size_t n = 0;

	memset(environment, 0, sizeof(*environment));
	for (; n < sizeof(fixed) / sizeof(fixed[0]); n++)
		environment->base[n] = strdup(fixed[n]);
	if (asprintf(&environment->base[n], "HOME=%s", folder) < 0)
		fail_msg("%s", strerror(errno));
}

bool oracle_environment__learn(struct oracle_environment *environment, const char *folder)
{
	struct child_options options = { .directory = folder, .environment = environment->base };

	return valgrind__environment(&options, environment->full, ORACLE_MAX_VARIABLES) > 0;
}

void oracle_environment__free(struct oracle_environment *environment)
{
	for (size_t i = 0; i < ORACLE_MAX_VARIABLES; i++) {
		free(environment->base[i]);
		free(environment->full[i]);
	}
	memset(environment, 0, sizeof(*environment));
}

void use_pids_like(long long pid)
{
	FILE *file = fopen(LAST_PID, "w");

	if (!file)
		SKIP("the kernel has no " LAST_PID);
	fprintf(file, "%lld\n", pid);
	fclose(file);
}

/* Returns 0 when the file is not there. */
static long long read_number(const char *path)
{
	FILE *file = fopen(path, "r");
	long long value = 0;

	if (file && fscanf(file, "%lld", &value) != 1)
		fail_msg("%s has no number", path);
	if (file)
		fclose(file);
	return value;
}

void keep_length_of_pids(void)
{
	const long long longest = read_number("/proc/sys/kernel/pid_max");
	long long last = read_number(LAST_PID), power = 10;

	if (access(LAST_PID, W_OK) != 0)
		return;
	while (power <= last)
		power *= 10;
	if (last + MAX_PIDS_OF_TWO_RUNS >= longest)
		use_pids_like(longest / 2);
	else if (last + MAX_PIDS_OF_TWO_RUNS >= power)
		use_pids_like(power);
}

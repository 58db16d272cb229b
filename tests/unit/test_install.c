// SPDX-License-Identifier: GPL-2.0
/*
 * make install and uninstall, into folders of this test and with an empty file in place of the
 * program: where files land, what the service says, and that nothing is left.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/memleak-unit.XXXXXX";
static char output[16384];

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

static int remove_folder(void **state)
{
	(void)state;
	return nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* Runs a shell command with $FOLDER; what it prints is in output. */
static int run(const char *command)
{
	FILE *pipe = popen(command, "r");
	size_t size;
	int status;

	assert_non_null(pipe);
	size = fread(output, 1, sizeof(output) - 1, pipe);
	output[size] = '\0';
	status = pclose(pipe);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int make_folder(void **state)
{
	(void)state;
	if (access("Makefile", R_OK) || !mkdtemp(folder))
		return -1;
	setenv("FOLDER", folder, 1);
	/* A make of its own, whatever the one that runs the tests was told. */
	unsetenv("MAKEFLAGS");
	unsetenv("MFLAGS");
	unsetenv("MAKELEVEL");
	unsetenv("PREFIX");
	unsetenv("DESTDIR");
	unsetenv("SYSCONFDIR");
	return run("mkdir $FOLDER/build && echo '#!/bin/sh' >$FOLDER/build/memleak-bpf");
}

#define MAKE "make -s BUILD=$FOLDER/build -o $FOLDER/build/memleak-bpf "
#define LIST(where) "cd " where " && find . ! -type d -printf '%P %m\\n' | sort"

static void test_install_and_uninstall(void **state)
{
	(void)state;
	assert_int_equal(run(MAKE "DESTDIR=$FOLDER/root PREFIX=/usr install 2>&1"), 0);
	assert_string_equal(output, "");
	assert_int_equal(run(LIST("$FOLDER/root")), 0);
	assert_string_equal(output, "etc/logrotate.d/memleak-bpf 644\n"
				    "usr/lib/systemd/system/memleak-bpf.service 644\n"
				    "usr/sbin/memleak-bpf 755\n"
				    "usr/share/man/man8/memleak-bpf.8 644\n");
	/* Others' files stay. */
	run("touch $FOLDER/root/usr/sbin/other $FOLDER/root/etc/logrotate.d/other");
	assert_int_equal(run(MAKE "DESTDIR=$FOLDER/root PREFIX=/usr uninstall"), 0);
	assert_int_equal(run(LIST("$FOLDER/root")), 0);
	assert_string_equal(output, "etc/logrotate.d/other 644\nusr/sbin/other 644\n");
}

static void test_other_prefixes(void **state)
{
	(void)state;
	assert_int_equal(run(MAKE "DESTDIR=$FOLDER/local install"), 0);
	assert_int_equal(run(LIST("$FOLDER/local")), 0);
	assert_string_equal(output, "etc/logrotate.d/memleak-bpf 644\n"
				    "usr/local/lib/systemd/system/memleak-bpf.service 644\n"
				    "usr/local/sbin/memleak-bpf 755\n"
				    "usr/local/share/man/man8/memleak-bpf.8 644\n");
	assert_int_equal(run("grep -h ^ExecStart= $(find $FOLDER/local -name '*.service')"), 0);
	assert_non_null(strstr(output, "ExecStart=/usr/local/sbin/memleak-bpf "));
	assert_int_equal(run(MAKE "DESTDIR=$FOLDER/local uninstall; " LIST("$FOLDER/local")), 0);
	assert_string_equal(output, "");

	/* Somebody's own place: nothing goes to the system's. */
	assert_int_equal(run(MAKE "PREFIX=$FOLDER/own install"), 0);
	assert_int_equal(run(LIST("$FOLDER/own")), 0);
	assert_string_equal(output, "etc/logrotate.d/memleak-bpf 644\n"
				    "lib/systemd/system/memleak-bpf.service 644\n"
				    "sbin/memleak-bpf 755\n"
				    "share/man/man8/memleak-bpf.8 644\n");
	assert_int_equal(run(MAKE "PREFIX=$FOLDER/own uninstall; " LIST("$FOLDER/own")), 0);
	assert_string_equal(output, "");
}

static void test_service(void **state)
{
	(void)state;
	assert_int_equal(run(MAKE "DESTDIR=$FOLDER/unit PREFIX=/usr install"), 0);
	assert_int_equal(run("cat $FOLDER/unit/usr/lib/systemd/system/memleak-bpf.service"), 0);
	assert_null(strstr(output, "@SBINDIR@"));
	assert_non_null(strstr(output, "\nExecStart=/usr/sbin/memleak-bpf --json --append -w "
				       "/var/log/memleak-bpf/memleak-bpf.jsonl\n"));
	assert_non_null(strstr(output, "\nType=notify\n"));
	assert_non_null(strstr(output, "\nLogsDirectory=memleak-bpf\n"));
	/* tests/system/test_service.c runs with these. */
	assert_non_null(strstr(
		output,
		"\nCapabilityBoundingSet=CAP_BPF CAP_PERFMON CAP_SYS_PTRACE "
		"CAP_CHECKPOINT_RESTORE CAP_DAC_OVERRIDE\nCapabilityBoundingSet=CAP_SYS_ADMIN\n"));
	/* The files that are rotated are those that it writes. */
	assert_int_equal(run("head -2 $FOLDER/unit/etc/logrotate.d/memleak-bpf"), 0);
	assert_non_null(strstr(output, "\n/var/log/memleak-bpf/*.jsonl {\n"));
}

/* Installed where it says that it is, since the program must be there. */
static void test_systemd_accepts_the_service(void **state)
{
	(void)state;
	if (run("command -v systemd-analyze"))
		skip();
	assert_int_equal(run(MAKE "PREFIX=$FOLDER/verified install"), 0);
	assert_int_equal(run("systemd-analyze verify --man=no "
			     "$FOLDER/verified/lib/systemd/system/memleak-bpf.service 2>&1"),
			 0);
	assert_string_equal(output, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_install_and_uninstall),
		cmocka_unit_test(test_other_prefixes),
		cmocka_unit_test(test_service),
		cmocka_unit_test(test_systemd_accepts_the_service),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

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

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shell.h"

static int remove_folder(void **state)
{
	(void)state;
	return shell__remove_folder();
}

static int make_folder(void **state)
{
	(void)state;
	if (access("Makefile", R_OK) || shell__make_folder())
		return -1;
	/* Runs a make of its own, independent of the flags of the make that runs the tests. */
	unsetenv("MAKEFLAGS");
	unsetenv("MFLAGS");
	unsetenv("MAKELEVEL");
	unsetenv("PREFIX");
	unsetenv("DESTDIR");
	unsetenv("SYSCONFDIR");
	return shell__run("mkdir $FOLDER/build && echo '#!/bin/sh' >$FOLDER/build/memleak-bpf && "
			  "chmod +x $FOLDER/build/memleak-bpf");
}

#define MAKE "make -s BUILD=$FOLDER/build -o $FOLDER/build/memleak-bpf "
#define LIST(where) "cd " where " && find . ! -type d -printf '%P %m\\n' | sort"

static void test_install_and_uninstall(void **state)
{
	(void)state;
	assert_int_equal(shell__run(MAKE "DESTDIR=$FOLDER/root PREFIX=/usr install 2>&1"), 0);
	assert_string_equal(shell__output, "");
	assert_int_equal(shell__run(LIST("$FOLDER/root")), 0);
	assert_string_equal(shell__output,
			    "etc/logrotate.d/memleak-bpf 644\n"
			    "usr/lib/systemd/system/memleak-bpf.service 644\n"
			    "usr/sbin/memleak-bpf 755\n"
			    "usr/share/bash-completion/completions/memleak-bpf 644\n"
			    "usr/share/fish/vendor_completions.d/memleak-bpf.fish 644\n"
			    "usr/share/man/man8/memleak-bpf.8 644\n"
			    "usr/share/zsh/vendor-completions/_memleak-bpf 644\n");
	/* Others' files stay. */
	shell__run("touch $FOLDER/root/usr/sbin/other $FOLDER/root/etc/logrotate.d/other");
	assert_int_equal(shell__run(MAKE "DESTDIR=$FOLDER/root PREFIX=/usr uninstall"), 0);
	assert_int_equal(shell__run(LIST("$FOLDER/root")), 0);
	assert_string_equal(shell__output, "etc/logrotate.d/other 644\nusr/sbin/other 644\n");
}

static void test_other_prefixes(void **state)
{
	(void)state;
	assert_int_equal(shell__run(MAKE "DESTDIR=$FOLDER/local install"), 0);
	assert_int_equal(shell__run(LIST("$FOLDER/local")), 0);
	assert_string_equal(shell__output,
			    "etc/logrotate.d/memleak-bpf 644\n"
			    "usr/local/lib/systemd/system/memleak-bpf.service 644\n"
			    "usr/local/sbin/memleak-bpf 755\n"
			    "usr/local/share/bash-completion/completions/memleak-bpf 644\n"
			    "usr/local/share/fish/vendor_completions.d/memleak-bpf.fish 644\n"
			    "usr/local/share/man/man8/memleak-bpf.8 644\n"
			    "usr/local/share/zsh/vendor-completions/_memleak-bpf 644\n");
	assert_int_equal(shell__run("grep -h ^ExecStart= $(find $FOLDER/local -name '*.service')"),
			 0);
	assert_non_null(strstr(shell__output, "ExecStart=/usr/local/sbin/memleak-bpf "));
	assert_int_equal(shell__run(MAKE "DESTDIR=$FOLDER/local uninstall; " LIST("$FOLDER/local")),
			 0);
	assert_string_equal(shell__output, "");

	/* A prefix of the user's own: nothing goes to the system's folders. */
	assert_int_equal(shell__run(MAKE "PREFIX=$FOLDER/own install"), 0);
	assert_int_equal(shell__run(LIST("$FOLDER/own")), 0);
	assert_string_equal(shell__output, "etc/logrotate.d/memleak-bpf 644\n"
					   "lib/systemd/system/memleak-bpf.service 644\n"
					   "sbin/memleak-bpf 755\n"
					   "share/bash-completion/completions/memleak-bpf 644\n"
					   "share/fish/vendor_completions.d/memleak-bpf.fish 644\n"
					   "share/man/man8/memleak-bpf.8 644\n"
					   "share/zsh/vendor-completions/_memleak-bpf 644\n");
	assert_int_equal(shell__run(MAKE "PREFIX=$FOLDER/own uninstall; " LIST("$FOLDER/own")), 0);
	assert_string_equal(shell__output, "");
}

static void test_service(void **state)
{
	(void)state;
	assert_int_equal(shell__run(MAKE "DESTDIR=$FOLDER/unit PREFIX=/usr install"), 0);
	assert_int_equal(shell__run("cat $FOLDER/unit/usr/lib/systemd/system/memleak-bpf.service"),
			 0);
	assert_null(strstr(shell__output, "@SBINDIR@"));
	assert_non_null(strstr(shell__output,
			       "\nExecStart=/usr/sbin/memleak-bpf --json --append -w "
			       "/var/log/memleak-bpf/memleak-bpf.jsonl\n"));
	assert_non_null(strstr(shell__output, "\nType=notify\n"));
	assert_non_null(strstr(shell__output, "\nLogsDirectory=memleak-bpf\n"));
	/* tests/system/test_service.c runs with these. */
	assert_non_null(strstr(shell__output,
			       "\nCapabilityBoundingSet=CAP_BPF CAP_PERFMON CAP_SYS_PTRACE "
			       "CAP_CHECKPOINT_RESTORE CAP_DAC_OVERRIDE\n"
			       "CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_LEASE\n"
			       "CapabilityBoundingSet=CAP_SYS_ADMIN\n"));
	/* The files that are rotated are those that it writes. */
	assert_int_equal(shell__run("head -2 $FOLDER/unit/etc/logrotate.d/memleak-bpf"), 0);
	assert_non_null(strstr(shell__output, "\n/var/log/memleak-bpf/*.jsonl {\n"));
}

/* Installed where it says that it is, since the program must be there. */
static void test_systemd_accepts_the_service(void **state)
{
	(void)state;
	if (shell__run("command -v systemd-analyze"))
		skip();
	assert_int_equal(shell__run(MAKE "PREFIX=$FOLDER/verified install"), 0);
	assert_int_equal(shell__run("systemd-analyze verify --man=no "
				    "$FOLDER/verified/lib/systemd/system/memleak-bpf.service 2>&1"),
			 0);
	assert_string_equal(shell__output, "");
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

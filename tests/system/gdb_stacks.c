// SPDX-License-Identifier: GPL-2.0
/* See gdb_stacks.h. tests/oracle/malloc_stacks.gdb.py does the work. */
#include "gdb_stacks.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "wire.h"

#define MAX_WORDS 32
#define GDB_WORDS 7
#define GDB_TIMEOUT_S 600.0
#define STRING_OF(words) #words
#define STRING(words) STRING_OF(words)

/*
 * Makes gdb's own environment, which says where to write, and how to run the program in the
 * program's.
 */
static void make_environment(char *variables[5], char *const *of_program, const char *list)
{
	static char wrapper[16384], out[4200];
	size_t used = (size_t)snprintf(wrapper, sizeof(wrapper), "WRAPPER=env -i");

	for (size_t i = 0; of_program[i]; i++) {
		used += (size_t)snprintf(wrapper + used, sizeof(wrapper) - used, " '%s'",
					 of_program[i]);
		assert_true(used < sizeof(wrapper));
	}
	snprintf(out, sizeof(out), "STACKS_OUT=%s", list);
	variables[0] = wrapper;
	variables[1] = out;
	variables[2] = (char *)"PATH=/usr/bin:/bin";
	variables[3] = (char *)"STACKS_MAX_FRAMES=" STRING(WIRE_MAX_FRAMES);
	variables[4] = NULL;
}

void gdb_stacks__list(struct stack_set *set, const struct child_options *program)
{
	static char script[4096];
	const char *argv[GDB_WORDS + MAX_WORDS] = { "gdb", "-q",   "-batch", "-nx",
						    "-x",  script, "--args" };
	const char *list = scratch("stacks.gdb");
	char *variables[5];
	struct child_options child = { .argv = argv,
				       .directory = program->directory,
				       .environment = variables,
				       .stdout_path = "/dev/null" };
	struct run *run;

	assert_non_null(realpath("tests/oracle/malloc_stacks.gdb.py", script));
	make_environment(variables, program->environment, list);
	for (size_t i = 0; program->argv[i]; i++) {
		assert_true(i + 1 < MAX_WORDS);
		argv[GDB_WORDS + i] = program->argv[i];
	}
	unlink(list);
	run = run_with(&child, GDB_TIMEOUT_S);
	if (access(list, R_OK)) {
		run__print(run);
		fail_msg("gdb wrote no list");
	}
	run__free(run);
	stack_set__of_file(set, list);
}

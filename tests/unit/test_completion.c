// SPDX-License-Identifier: GPL-2.0
/* The scripts for shells: each option is in them, and bash completes with its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "completion.h"
#include "option_table.h"
#include "shell.h"

static int make_folder(void **state)
{
	(void)state;
	return shell__make_folder();
}

static int remove_folder(void **state)
{
	(void)state;
	return shell__remove_folder();
}

static char *script_for(const char *shell)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_true(completion__print(out, shell));
	assert_int_equal(fclose(out), 0);
	return text;
}

/* Writes it into a file, and has the shell read that without running it. */
static void check(const char *shell, const char *option_format)
{
	char *text = script_for(shell), path[4096], word[64];
	FILE *file;

	for (size_t i = 0; option_table__at(i); i++) {
		snprintf(word, sizeof(word), option_format, option_table__at(i)->name);
		if (!strstr(text, word))
			fail_msg("%s is not in the script for %s", word, shell);
	}
	snprintf(path, sizeof(path), "%s/%s", getenv("FOLDER"), shell);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	free(text);
	snprintf(path, sizeof(path), "command -v %s >/dev/null || exit 9; %s -n $FOLDER/%s 2>&1",
		 shell, shell, shell);
	switch (shell__run(path)) {
	case 0:
		break;
	case 9:
		print_message("%s is not installed: its script was not read by it\n", shell);
		skip();
		break;
	default:
		fail_msg("%s: %s", shell, shell__output);
	}
}

static void test_bash(void **state)
{
	(void)state;
	check("bash", " --%s");
}

static void test_zsh(void **state)
{
	(void)state;
	check("zsh", "'--%s");
}

static void test_fish(void **state)
{
	(void)state;
	check("fish", " -l %s");
}

/* What bash offers after these words, one a line; it has no bash-completion there. */
static const char *offered(const char *words)
{
	char command[1024];

	snprintf(command, sizeof(command),
		 "bash --norc -c '. $FOLDER/bash; COMP_WORDS=(memleak-bpf %s); "
		 "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _memleak_bpf; "
		 "printf \"%%s \" \"${COMPREPLY[@]}\"' 2>&1",
		 words);
	assert_int_equal(shell__run(command), 0);
	return shell__output;
}

static void test_bash_completes(void **state)
{
	(void)state;
	check("bash", " --%s");
	assert_string_equal(offered("--so"), "--sort ");
	assert_string_equal(offered("--sort \"\""), "growth held old blocks rate ");
	assert_string_equal(offered("--sort = o"), "old ");
	assert_string_equal(offered("--sort ="), "growth held old blocks rate ");
	assert_string_equal(offered("-u roo"), "root ");
	assert_string_equal(offered("-T \"\""), " ");
	assert_string_equal(offered("--stack-walk t"), "tables ");
	assert_non_null(strstr(offered("-p \"\""), "1 "));
	/* After -- stands a command. */
	assert_non_null(strstr(offered("-f -- printen"), "printenv"));
	assert_null(strstr(offered("-- ls --so"), "--sort"));
}

static void test_fish_completes(void **state)
{
	(void)state;
	check("fish", " -l %s");
	assert_int_equal(shell__run("HOME=$FOLDER fish -c 'source $FOLDER/fish; "
				    "complete -C \"memleak-bpf --sort o\"; "
				    "complete -C \"memleak-bpf --stack-walk=t\"; "
				    "complete -C \"memleak-bpf -f -- printen\"' 2>&1"),
			 0);
	assert_int_equal(strncmp(shell__output, "old\t", 4), 0);
	assert_non_null(strstr(shell__output, "\n--stack-walk=tables\t"));
	assert_non_null(strstr(shell__output, "\nprintenv"));
}

static void test_other_shells(void **state)
{
	(void)state;
	assert_false(completion__knows("sh"));
	assert_false(completion__print(stdout, "csh"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bash),	       cmocka_unit_test(test_zsh),
		cmocka_unit_test(test_fish),	       cmocka_unit_test(test_bash_completes),
		cmocka_unit_test(test_fish_completes), cmocka_unit_test(test_other_shells),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

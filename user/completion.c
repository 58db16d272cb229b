// SPDX-License-Identifier: GPL-2.0
/*
 * See completion.h. Used by main.c. The kind of a value is known by its name in the help: FILE,
 * USER, PID; others have a list to choose from, or nothing to offer.
 */
#include "completion.h"

#include <string.h>

#include "option_table.h"

static bool begins_with(const char *text, const char *start)
{
	return text && !strncmp(text, start, strlen(start));
}

/* Prints the choices of "growth, held or old" as words between blanks. */
static void print_choices(FILE *out, const char *choices)
{
	const char *gap = "";

	while (*choices) {
		size_t length = strcspn(choices, ", ");

		if (length && (length != 2 || strncmp(choices, "or", 2) != 0)) {
			fprintf(out, "%s%.*s", gap, (int)length, choices);
			gap = " ";
		}
		choices += length;
		choices += strspn(choices, ", ");
	}
}

/* ---- bash ---- */

static void print_bash_value(FILE *out, const struct option_entry *entry)
{
	fputs("\t", out);
	if (entry->letter < OPTION_LONG_ONLY)
		fprintf(out, "-%c | ", entry->letter);
	fprintf(out, "--%s) ", entry->name);
	if (entry->choices) {
		fputs("COMPREPLY=($(compgen -W '", out);
		print_choices(out, entry->choices);
		fputs("' -- \"$cur\"));", out);
	} else if (begins_with(entry->value, "FILE")) {
		fputs("COMPREPLY=($(compgen -f -- \"$cur\"));", out);
	} else if (begins_with(entry->value, "USER")) {
		fputs("COMPREPLY=($(compgen -u -- \"$cur\"));", out);
	} else if (begins_with(entry->value, "PID")) {
		fputs("COMPREPLY=($(compgen -W \"$(cd /proc && echo [0-9]*)\" -- \"$cur\"));", out);
	}
	fputs(" return ;;\n", out);
}

static void print_bash(FILE *out)
{
	fputs("# bash completion of memleak-bpf; made by memleak-bpf --completion bash\n"
	      "_memleak_bpf() {\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} i\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\t[[ ${COMP_WORDS[i]} == -- ]] || continue\n"
	      "\t\tif declare -F _command_offset >/dev/null; then\n"
	      "\t\t\t_command_offset $((i + 1))\n"
	      "\t\telif ((i + 1 == COMP_CWORD)); then\n"
	      "\t\t\tCOMPREPLY=($(compgen -c -- \"$cur\"))\n"
	      "\t\telse\n"
	      "\t\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n"
	      "\t\tfi\n"
	      "\t\treturn\n"
	      "\tdone\n"
	      "\t[[ $cur != = ]] || cur=\n"
	      "\t[[ $prev != = ]] || prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	      "\t[[ ${COMP_WORDS[COMP_CWORD]} != = ]] || prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	      "\tcase $prev in\n",
	      out);
	for (size_t i = 0; option_table__at(i); i++)
		if (option_table__at(i)->value)
			print_bash_value(out, option_table__at(i));
	fputs("\tesac\n\tCOMPREPLY=($(compgen -W '--", out);
	for (size_t i = 0; option_table__at(i); i++)
		fprintf(out, " --%s", option_table__at(i)->name);
	fputs("' -- \"$cur\"))\n"
	      "}\n"
	      "complete -F _memleak_bpf memleak-bpf\n",
	      out);
}

/* ---- zsh ---- */

/* In single quotes; [ ] and : have a meaning there. */
static void print_zsh_help(FILE *out, const char *help)
{
	for (; *help; help++) {
		if (*help == '\'')
			fputs("'\\''", out);
		else if (strchr("[]:\\", *help))
			fprintf(out, "\\%c", *help);
		else
			fputc(*help, out);
	}
}

static void print_zsh_value(FILE *out, const struct option_entry *entry)
{
	if (!entry->value)
		return;
	fputs(": :", out);
	if (entry->choices) {
		fputs("(", out);
		print_choices(out, entry->choices);
		fputs(")", out);
	} else if (begins_with(entry->value, "FILE")) {
		fputs("_files", out);
	} else if (begins_with(entry->value, "USER")) {
		fputs("_users", out);
	} else if (begins_with(entry->value, "PID")) {
		fputs("_pids", out);
	}
}

static void print_zsh(FILE *out)
{
	fputs("#compdef memleak-bpf\n"
	      "# zsh completion of memleak-bpf; made by memleak-bpf --completion zsh\n"
	      "_arguments -S \\\n",
	      out);
	for (size_t i = 0; option_table__at(i); i++) {
		const struct option_entry *entry = option_table__at(i);

		if (entry->letter < OPTION_LONG_ONLY) {
			fprintf(out, "\t'-%c%s[", entry->letter, entry->value ? "+" : "");
			print_zsh_help(out, entry->help);
			fputs("]", out);
			print_zsh_value(out, entry);
			fputs("' \\\n", out);
		}
		fprintf(out, "\t'--%s%s[", entry->name, entry->value ? "=" : "");
		print_zsh_help(out, entry->help);
		fputs("]", out);
		print_zsh_value(out, entry);
		fputs("' \\\n", out);
	}
	fputs("\t'*::command:_normal'\n", out);
}

/* ---- fish ---- */

static void print_fish_help(FILE *out, const char *help)
{
	for (; *help; help++) {
		if (strchr("'\\", *help))
			fputc('\\', out);
		fputc(*help, out);
	}
}

static void print_fish(FILE *out)
{
	fputs("# fish completion of memleak-bpf; made by memleak-bpf --completion fish\n"
	      "function __memleak_bpf_options\n"
	      "\tnot contains -- -- (commandline -opc)\n"
	      "end\n"
	      "complete -c memleak-bpf -f\n"
	      "complete -c memleak-bpf -n 'not __memleak_bpf_options' "
	      "-a '(__fish_complete_subcommand --commandline (string split -m 1 -- \" -- \" "
	      "(commandline -cp))[2])'\n",
	      out);
	for (size_t i = 0; option_table__at(i); i++) {
		const struct option_entry *entry = option_table__at(i);

		fputs("complete -c memleak-bpf -n __memleak_bpf_options", out);
		if (entry->letter < OPTION_LONG_ONLY)
			fprintf(out, " -s %c", entry->letter);
		fprintf(out, " -l %s", entry->name);
		if (entry->value)
			fputs(" -x", out);
		if (entry->choices) {
			fputs(" -a '", out);
			print_choices(out, entry->choices);
			fputs("'", out);
		} else if (begins_with(entry->value, "FILE")) {
			fputs(" -a '(__fish_complete_path)'", out);
		} else if (begins_with(entry->value, "USER")) {
			fputs(" -a '(__fish_complete_users)'", out);
		} else if (begins_with(entry->value, "PID")) {
			fputs(" -a '(__fish_complete_pids)'", out);
		}
		fputs(" -d '", out);
		print_fish_help(out, entry->help);
		fputs("'\n", out);
	}
}

static const struct {
	const char *shell;
	void (*print)(FILE *out);
} scripts[] = { { "bash", print_bash }, { "zsh", print_zsh }, { "fish", print_fish } };

#define NR_SCRIPTS (sizeof(scripts) / sizeof(scripts[0]))

bool completion__knows(const char *shell)
{
	for (size_t i = 0; i < NR_SCRIPTS; i++)
		if (!strcmp(shell, scripts[i].shell))
			return true;
	return false;
}

bool completion__print(FILE *out, const char *shell)
{
	for (size_t i = 0; i < NR_SCRIPTS; i++) {
		if (strcmp(shell, scripts[i].shell) != 0)
			continue;
		scripts[i].print(out);
		return true;
	}
	return false;
}

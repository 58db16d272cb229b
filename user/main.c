// SPDX-License-Identifier: GPL-2.0
/* Wires the command line to one run. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "allocators/allocator_names.h"
#include "allocators/file_functions.h"
#include "base/log.h"
#include "completion.h"
#include "features_report.h"
#include "monitor.h"
#include "option_definitions.h"
#include "option_table.h"
#include "options.h"

/*
 * If a standard stream is closed, its number would go to the next file that we open, and messages
 * would land in that file. The descriptor that takes its place fails like a closed stream, and is
 * closed for a command.
 */
static void keep_standard_streams_apart(void)
{
	int fd;

	do
		fd = open("/dev/null", O_PATH | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	struct options options;
	char error[256];
	int status = STATUS_OK;

	keep_standard_streams_apart();
	if (options__parse(&options, argc, argv, error, sizeof(error))) {
		log__error("%s", error);
		status = STATUS_USAGE;
	} else if (options.help || options.version || options.completion) {
		if (options.help)
			option_table__print_help(stdout);
		else if (options.completion)
			completion__print(stdout, options.completion);
		else
			printf("memleak-bpf %s\n", MEMLEAK_VERSION);
		/* A text that is longer than the buffer may have failed before. */
		if (fflush(stdout) || ferror(stdout)) {
			log__error("cannot write to standard output: %s", strerror(errno));
			status = STATUS_OUTPUT;
		}
	} else {
		log__set_verbose(options.verbose);
		for (size_t i = 0; i < options.nr_symbol_prefixes; i++)
			allocator_names__add_prefix(options.symbol_prefixes[i]);
		for (size_t i = 0; i < options.nr_objects; i++)
			file_functions__choose(options.objects[i]);
		status = option_definitions__take(&options);
		if (status == STATUS_OK)
			status = options.features ? features_report__print(&options) :
						    monitor__run(&options);
	}
	options__free(&options);
	return status;
}

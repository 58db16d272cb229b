// SPDX-License-Identifier: GPL-2.0
/* Wires the command line to one run. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "features_report.h"
#include "log.h"
#include "monitor.h"
#include "options.h"

int main(int argc, char **argv)
{
	struct options options;
	char error[256];
	int status = STATUS_OK;

	if (options__parse(&options, argc, argv, error, sizeof(error))) {
		log__error("%s", error);
		status = STATUS_USAGE;
	} else if (options.help || options.version) {
		if (options.help)
			options__print_help(stdout);
		else
			printf("memleak-bpf %s\n", MEMLEAK_VERSION);
		if (fflush(stdout)) {
			log__error("cannot write to standard output: %s", strerror(errno));
			status = STATUS_OUTPUT;
		}
	} else if (options.features) {
		log__set_verbose(options.verbose);
		status = features_report__print(&options);
	} else {
		log__set_verbose(options.verbose);
		status = monitor__run(&options);
	}
	options__free(&options);
	return status;
}

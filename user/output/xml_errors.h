/* SPDX-License-Identifier: GPL-2.0 */
/* Loss records as the errors of Valgrind's XML. */
#ifndef XML_ERRORS_H
#define XML_ERRORS_H

#include <stdbool.h>
#include <stdio.h>

#include "report/report.h"

/*
 * Prints the shown records of a checked process. is_other: each says which process it is of. Errors
 * are numbered in a document: nr were printed before. Returns how many there are now.
 */
uint64_t xml_errors__print(FILE *out, const struct process_report *process, bool is_other,
			   uint64_t nr);

#endif

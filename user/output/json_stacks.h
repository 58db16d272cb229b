/* SPDX-License-Identifier: GPL-2.0 */
/* The stacks of a report as JSON: their frames, their blocks, and how their walks ended. */
#ifndef JSON_STACKS_H
#define JSON_STACKS_H

#include <jansson.h>
#include <stdint.h>

#include "report/report.h"

/* Both return NULL when there is no memory. */

/*
 * An object of the members that stacks are in a line: "stacks" and what was cut. leaks: the check
 * that the stacks are the records of, or NULL.
 */
json_t *json_stacks__build(const struct report_stacks *stacks, const struct report_leaks *leaks);
/* The value of "walks". */
json_t *json_stacks__walks(const uint64_t walks[NR_STACK_ENDS]);

#endif

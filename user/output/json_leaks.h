/* SPDX-License-Identifier: GPL-2.0 */
/* The result of a leak check as JSON. */
#ifndef JSON_LEAKS_H
#define JSON_LEAKS_H

#include <jansson.h>

#include "report/report.h"

/* All return NULL when there is no memory. */

/* An object of the members "leaks" and "leaks_why", of a process that was checked or was not. */
json_t *json_leaks__build(const struct process_report *process);
/* An object of the members that a stack has after a check, beyond its kind. */
json_t *json_leaks__of_stack(const struct report_leaks *leaks, const struct report_stack *stack);
/* The value of "kind". */
json_t *json_leaks__kind(enum leak_kind kind);

#endif

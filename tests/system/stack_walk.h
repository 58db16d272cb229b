/* SPDX-License-Identifier: GPL-2.0 */
/* How the tracer walks stacks here. */
#ifndef STACK_WALK_H
#define STACK_WALK_H

/* Older kernels can't walk by tables, and a run of all tests may be told not to. */
void skip_unless_by_tables(void);

#endif

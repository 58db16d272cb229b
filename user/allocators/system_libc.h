/* SPDX-License-Identifier: GPL-2.0 */
/* The C library that this program itself runs on, for --features. */
#ifndef SYSTEM_LIBC_H
#define SYSTEM_LIBC_H

/*
 * Its path as the dynamic loader has it, which lives as long as the program. NULL when there is no
 * such library (a static program).
 */
const char *system_libc__path(void);

#endif

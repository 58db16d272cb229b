/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Can a program run its own code in a child that shares its memory? Such programs call vfork or
 * clone by name. posix_spawn, system and popen run only libc's code in the child, which allocates
 * nothing.
 */
#ifndef VFORK_USERS_H
#define VFORK_USERS_H

#include <stdbool.h>

/*
 * Does the ELF file of fd import vfork or clone, or is it a static program that contains them?
 * False for a file that is damaged, or not an ELF file of this machine. ELF bytes are hostile
 * input.
 */
bool vfork_users__check(int fd);

#endif

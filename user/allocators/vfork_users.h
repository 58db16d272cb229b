/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Can a program run code of its own in a child that shares its memory? Such programs call vfork or
 * clone by name; posix_spawn, system and popen run only libc's code there, which allocates nothing.
 */
#ifndef VFORK_USERS_H
#define VFORK_USERS_H

#include <stdbool.h>

/*
 * Does the ELF file of fd import vfork or clone, or is it a static program that contains them?
 * False for what is no ELF file of this machine, or damaged. ELF bytes are hostile input.
 */
bool vfork_users__check(int fd);

#endif

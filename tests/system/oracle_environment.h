/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The surroundings of a program that runs twice, in Valgrind and traced: the same variables in
 * both, and PIDs of as many digits.
 */
#ifndef ORACLE_ENVIRONMENT_H
#define ORACLE_ENVIRONMENT_H

#include <stdbool.h>
#include <sys/types.h>

#define ORACLE_MAX_VARIABLES 64

struct oracle_environment {
	char *base[ORACLE_MAX_VARIABLES]; /* given to Valgrind */
	char *full[ORACLE_MAX_VARIABLES]; /* the variables that a program sees in Valgrind */
};

/* Makes the base, with that folder as home. */
void oracle_environment__make(struct oracle_environment *environment, const char *folder);
/*
 * Learns the full one: Valgrind adds some variables. False: Valgrind does not work here.
 */
bool oracle_environment__learn(struct oracle_environment *environment, const char *folder);
void oracle_environment__free(struct oracle_environment *environment);

/* bash keeps PIDs as text, so PIDs need as many digits as in the other run. */
void use_pids_like(long long pid);
/*
 * Valgrind's run and the traced one need PIDs of as many digits. If PIDs get longer or begin anew
 * soon, this moves the kernel's counter past that place. Where the counter can't be written, the
 * runs are compared all the same.
 */
void keep_length_of_pids(void);

#endif

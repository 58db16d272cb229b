/* SPDX-License-Identifier: GPL-2.0 */
/* The unmodified programs of the distribution that are counted, and what is special about each. */
#ifndef ORACLE_PROGRAMS_H
#define ORACLE_PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>

#define ORACLE_MAX_WORDS 14

struct oracle_program {
	const char *name;
	const char *argv[ORACLE_MAX_WORDS];
	/*
	 * The program makes numbers of addresses, whose length depends on where the process's
	 * memory lies. So the bytes that it allocates and frees again differ: they are left out,
	 * and it does not count as compared.
	 */
	bool measures_addresses;
	/*
	 * The program asks for access control lists, which an emulator's file system does not have.
	 */
	bool asks_for_acl;
	/*
	 * The program keeps the folders that it is in, in a hash table by inode number (gnulib's
	 * fts): where two meet in a slot, 16 bytes are allocated and freed. Inode numbers differ
	 * between machines.
	 */
	bool hashes_inodes;
	/*
	 * The program forks: the held blocks of each copy that runs on are compared, inherited ones
	 * included.
	 */
	bool forks;
};

/* They run in a folder with tree/, text, numbers, data.json and repository/. */
extern const struct oracle_program oracle_programs[];
extern const size_t nr_oracle_programs;

#endif

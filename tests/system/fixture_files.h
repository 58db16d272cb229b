/* SPDX-License-Identifier: GPL-2.0 */
/* Files for programs to read: the same in every run and on every machine. Errors end the test. */
#ifndef FIXTURE_FILES_H
#define FIXTURE_FILES_H

/* Makes text, numbers, data.json, makefile and sums.bc in that folder. */
void fixture_files__make(const char *folder);

/* Makes root, a folder of five folders of eight files, in that folder. */
void fixture_files__make_tree(const char *folder, const char *root);

/*
 * Makes repository/, a tree with a history, in that folder; only the tree where there is no git.
 * The environment, by which git gets its authors and dates, ends with NULL.
 */
void fixture_files__make_repository(const char *folder, char *const *environment);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* Files for programs to read: the same in every run, whatever the machine. Ends the test on errors.
 */
#ifndef FIXTURE_FILES_H
#define FIXTURE_FILES_H

/* text, numbers, data.json, makefile and sums.bc in that folder. */
void fixture_files__make(const char *folder);

/* A folder of five folders of eight files, below that folder. */
void fixture_files__make_tree(const char *folder, const char *root);

#endif

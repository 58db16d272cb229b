/* SPDX-License-Identifier: GPL-2.0 */
/* A folder for a report file, and for that file once it is moved away below its writer. */
#ifndef REPORT_FOLDER_H
#define REPORT_FOLDER_H

extern char report_folder__path[];
extern char report_folder__report[64], report_folder__moved[64]; /* paths in the folder */

/* For cmocka: before and after all tests of a program, and after each test. */
int report_folder__make(void **state);
int report_folder__remove(void **state);
int report_folder__empty(void **state);

/* Fails the running test unless this is all that the file holds. Takes less than 256 bytes. */
void report_folder__assert_content(const char *path, const char *expected);

#endif

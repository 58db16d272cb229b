/* SPDX-License-Identifier: GPL-2.0 */
/* Expected output, kept in tests/golden/ so that a diff shows a change of format in review. */
#ifndef GOLDEN_FILE_H
#define GOLDEN_FILE_H

/*
 * Fails the running cmocka test unless got is, byte for byte, the content of tests/golden/NAME.
 * With UPDATE_GOLDEN=1 in the environment the file is rewritten instead. Tests run from the
 * repository's root.
 */
void golden_file__compare(const char *name, const char *got);

#endif

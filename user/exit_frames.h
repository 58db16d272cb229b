/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The frames of exit() and of what it calls, on the stack of a thread that has ended its process.
 * They have room that was never written: words of older calls lie there, pointers to lost blocks
 * among them. No pointer of the program's is in these frames but in registers that they saved.
 */
#ifndef EXIT_FRAMES_H
#define EXIT_FRAMES_H

#include "base/mapping.h"
#include "code_files.h"
#include "leaks/paused_process.h"

/*
 * Makes the threads that asked for the process's end look as they did when they called exit(): its
 * frames, and all registers when main has returned, are gone. A thread whose frames can't be walked
 * stays as it is. mappings: the process's.
 */
void exit_frames__forget(struct paused_process *process, const struct code_files *files,
			 const struct mapping_set *mappings);

#endif

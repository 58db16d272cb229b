/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names for addresses: (file, offset) becomes function, source file and line, through .symtab,
 * .dynsym, separate debug files and DWARF. Files are opened once and cached; ELF and DWARF bytes
 * are hostile input. Not for use by two threads at once.
 */
#ifndef SYMBOLIZE_H
#define SYMBOLIZE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/file_set.h"
#include "base/mapping.h"
#include "names/frame.h"
#include "names/perf_map_file.h"

struct symbolizer;

/* max_bytes bounds the memory for names; 0: this machine's share. */
struct symbolizer *symbolizer__new(uint64_t max_bytes);
void symbolizer__free(struct symbolizer *symbolizer);

/*
 * Opens the file of a mapping at once when it is not open. open_path, such as
 * /proc/PID/map_files/…, leads to it for certain and is used instead of its path; NULL: by its
 * path. The file is kept open while it is mapped and few are open: names are then found even when
 * the path has gone or has passed to another file. The symbols are read when a frame needs them. A
 * file whose device and inode are not the mapping's is never used for names. A file that was
 * rewritten in place since is opened anew. root_path, such as /proc/PID/root, is where the
 * process's paths begin: separate debug files are looked for there first; NULL: only below our own
 * root. Returns 0, -EINVAL when the mapping has no file or it is not a regular one, -ESTALE when
 * another file is there now, or -errno.
 */
int symbolizer__open_file(struct symbolizer *symbolizer, const struct mapping *map,
			  const char *open_path, const char *root_path);

/* Is the file of that mapping open, and unchanged since it was opened? */
bool symbolizer__has_open(struct symbolizer *symbolizer, const struct mapping *map);

/*
 * Closes the files that nobody maps any more, so that their mounts are not kept busy. A frame that
 * still needs such a file opens it again by path, if that leads to the same file.
 */
void symbolizer__sweep(struct symbolizer *symbolizer, const struct file_set *mapped);

/*
 * Begins a report: the look-ups from here on share its processor time. Frames that have no name
 * when it is used up go without one. The strings of earlier reports may be gone.
 */
void symbolizer__begin_report(struct symbolizer *symbolizer);

/*
 * Resolves one address of a stack: fills up to max_frames, the innermost inlined function first,
 * the function that the code belongs to last; only that one has inlined == false. A return address
 * is looked up one byte earlier, so that a call that ends a function names its caller's line; the
 * address and module_offset shown stay those given. map is NULL when no mapping covers the
 * address. Never fails: an address without a name yields one frame with function == NULL. Returns
 * the number of frames (>= 1 when max_frames >= 1); when there are more than max_frames, those in
 * the middle are left out. Strings live until the next report begins.
 */
unsigned int symbolizer__resolve(struct symbolizer *symbolizer, const struct mapping *map,
				 uint64_t address, bool is_return_address,
				 struct report_frame *frames, unsigned int max_frames);

/*
 * Resolves a place in a file, whoever maps it, now or once: for stacks that outlive their process.
 * The file must have been named before, by symbolizer__open_file or in a mapping that was resolved.
 * When it is not known, or when the numbers could mean two files, the frame has nothing but the
 * offset (module is NULL). The frames have no address.
 */
unsigned int symbolizer__at(struct symbolizer *symbolizer, const struct file_key *key,
			    uint64_t file_offset, bool is_return_address,
			    struct report_frame *frames, unsigned int max_frames);

/*
 * Names a frame that has no name from the code that its process made at run time, as listed now or
 * at an earlier call for the same report. code may be NULL.
 */
void symbolizer__name_code(struct symbolizer *symbolizer, struct perf_map_file *code,
			   bool is_return_address, struct report_frame *frame);

#endif

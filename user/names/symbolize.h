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

/* For names in at most so many bytes; 0: in this machine's share. */
struct symbolizer *symbolizer__new(uint64_t max_bytes);
void symbolizer__free(struct symbolizer *symbolizer);

/*
 * Tells the symbolizer where the file of a mapping can be opened for certain, such as
 * /proc/PID/map_files/…, to be used instead of its path; NULL: by its path. Opens it at once when
 * it is not open, and keeps it so while it is mapped and there are few: names are then found even
 * when the path has gone or has passed to another file. The symbols are read when a frame needs
 * them. A file whose device and inode are not the mapping's is never used for names. A file that
 * was rewritten in place since is opened anew. root_path, such as /proc/PID/root, is where the
 * process's paths begin: separate debug files are looked for there first; NULL: only below our own
 * root. Returns 0, -EINVAL when the mapping has no file or it is not a regular one, -ESTALE when it
 * is another file, or -errno.
 */
int symbolizer__open_file(struct symbolizer *symbolizer, const struct mapping *map,
			  const char *open_path, const char *root_path);

/* Is the file of that mapping open, as it is now? */
bool symbolizer__has_open(struct symbolizer *symbolizer, const struct mapping *map);

/*
 * Closes the files that nobody maps any more, so that what they are mounted on is not kept busy.
 * For frames that are still met they are opened again by path, if that leads to the same file.
 */
void symbolizer__forget_unmapped(struct symbolizer *symbolizer, const struct file_set *mapped);

/*
 * From here on what is looked up belongs to one report: it has a share of time, after which what
 * was not found yet goes without a name. The strings of earlier reports may be gone.
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

/* A file as the kernel knows it. A path isn't part of it: that can pass to another file. */
struct object_key {
	uint32_t dev_major, dev_minor;
	uint64_t inode;
	uint64_t inode_generation; /* 0: unknown */
	const char *build_id; /* lower-case hex, which the file must have; NULL: any */
};

/*
 * The same for a place in a file, whoever maps it, now or once: for stacks that outlive their
 * process. The file must have been told by symbolizer__open_file or named in a mapping before;
 * of one that isn't known, or when the numbers could mean two files, nothing is told but the offset
 * (module is NULL). The frames have no address.
 */
unsigned int symbolizer__at(struct symbolizer *symbolizer, const struct object_key *key,
			    uint64_t file_offset, bool is_return_address,
			    struct report_frame *frames, unsigned int max_frames);

/*
 * Names a frame, which has none, from the code that its process made at run time: as of now, or of
 * an earlier call for the same report. code may be NULL.
 */
void symbolizer__name_code(struct symbolizer *symbolizer, struct perf_map_file *code,
			   bool is_return_address, struct report_frame *frame);

#endif

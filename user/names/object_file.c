// SPDX-License-Identifier: GPL-2.0
/*
 * Joins all that is known of one file: its identity (elf_file), its own and its debug file's
 * symbols (elf_symbols, debug_file) and DWARF (lines). The symbolizer asks by file offset; ELF
 * thinks in virtual addresses, so program headers translate.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf/build_id.h"
#include "elf/debug_file.h"
#include "names/debug_sections.h"
#include "elf/elf_file.h"
#include "elf/elf_symbols.h"
#include "base/log.h"
#include "elf/mini_debug_info.h"
#include "names/object_file.h"
#include "elf/patient_open.h"
#include "elf/plt_symbols.h"

struct segment {
	uint64_t file_offset, file_bytes, vaddr;
	bool executable;
};

enum reading { NOT_READ, READ, ABSENT };

struct object_file {
	struct file_key key;
	char *path;
	struct process_root *root; /* that the path begins at; NULL: ours */
	char build_id[BUILD_ID_HEX_SIZE]; /* "": none */
	int fd; /* < 0: not open */
	struct stat opened_as; /* st_ino 0: it never was */
	char *open_path; /* the path that it was opened by; NULL: its own */
	struct segment *segments;
	size_t nr_segments;
	struct elf_symbols *symbols;
	struct elf_symbols *exported; /* .dynsym, where symbols holds only what that lacks */
	struct plt_symbols *plt;
	struct lines *lines;
	bool contents_read; /* segments and whatever else there is */
	enum reading symbols_state, lines_state, build_id_state;
	struct name_holder holder;
};

/* Frees what can be read again. A file that was refused stays refused. */
static void forget_contents(struct object_file *object)
{
	lines__free(object->lines);
	elf_symbols__free(object->symbols);
	elf_symbols__free(object->exported);
	plt_symbols__free(object->plt);
	free(object->segments);
	object->lines = NULL;
	object->symbols = object->exported = NULL;
	object->plt = NULL;
	object->segments = NULL;
	object->nr_segments = 0;
	object->contents_read = false;
	if (object->lines_state == READ)
		object->lines_state = NOT_READ;
	if (object->symbols_state == READ)
		object->symbols_state = NOT_READ;
}

static void evict(struct name_holder *holder)
{
	forget_contents(
		(struct object_file *)((char *)holder - offsetof(struct object_file, holder)));
}

struct object_file *object_file__new(const struct mapping *map)
{
	struct object_file *object = calloc(1, sizeof(*object));

	if (!object)
		return NULL;
	object->key = map->file;
	object->fd = -1;
	object->holder.evict = evict;
	object->path = strdup(map->path);
	if (object->path)
		return object;
	free(object);
	return NULL;
}

void object_file__free(struct object_file *object)
{
	if (!object)
		return;
	name_budget__leave(&object->holder);
	forget_contents(object);
	if (object->fd >= 0)
		close(object->fd);
	free(object->path);
	free(object->open_path);
	process_root__free(object->root);
	free(object);
}

bool object_file__has_key(const struct object_file *object, const struct file_key *key)
{
	return file_key__agrees(&object->key, key);
}

bool object_file__matches(const struct object_file *object, const struct mapping *map)
{
	return object_file__has_key(object, &map->file) && !strcmp(object->path, map->path);
}

bool object_file__is_same(const struct object_file *object, const struct object_file *other)
{
	return object->fd >= 0 && other->fd >= 0 &&
	       object->opened_as.st_dev == other->opened_as.st_dev &&
	       object->opened_as.st_ino == other->opened_as.st_ino;
}

void object_file__set_root(struct object_file *object, struct process_root *root)
{
	process_root__free(object->root);
	object->root = process_root__share(root);
}

const char *object_file__path(const struct object_file *object)
{
	return object->path;
}

uint64_t object_file__inode(const struct object_file *object)
{
	return object->key.inode;
}

bool object_file__is_open(const struct object_file *object)
{
	return object->fd >= 0;
}

bool object_file__was_open(const struct object_file *object)
{
	return object->opened_as.st_ino;
}

void object_file__close(struct object_file *object)
{
	if (object->fd >= 0)
		close(object->fd);
	object->fd = -1;
}

struct name_holder *object_file__holder(struct object_file *object)
{
	return &object->holder;
}

/* The change time does not count: it moves when the file is merely unlinked. */
static bool differ(const struct stat *old, const struct stat *now)
{
	return now->st_size != old->st_size || now->st_mtim.tv_sec != old->st_mtim.tv_sec ||
	       now->st_mtim.tv_nsec != old->st_mtim.tv_nsec;
}

bool object_file__has_changed(const struct object_file *object)
{
	struct stat now;

	return object->fd >= 0 && !fstat(object->fd, &now) && differ(&object->opened_as, &now);
}

bool object_file__is_mapped(const struct object_file *object, const struct file_set *mapped)
{
	return file_set__has(mapped, &object->key);
}

bool object_file__is_deleted(const struct object_file *object)
{
	struct stat now;

	return object->fd >= 0 && !fstat(object->fd, &now) && !now.st_nlink;
}

/* root: where the path begins; NULL: at ours. Another file at that path is not opened. */
static int open_path(struct object_file *object, const struct process_root *root, const char *path)
{
	struct expected_file expected = { object->key, true };
	struct patient_request request = { .root_fd = process_root__place(root, &path),
					   .expected = &expected };
	struct stat status;
	int fd;

	request.path = path;
	fd = patient_open__regular(&request, &status);
	if (fd < 0)
		return fd;
	/* While it was closed, its inode number may have passed to another file. */
	if (object_file__was_open(object) && differ(&object->opened_as, &status)) {
		close(fd);
		return -ESTALE;
	}
	object->fd = fd;
	object->opened_as = status;
	return 0;
}

/* /proc/PID/maps writes a newline as \012, and leaves a backslash as it is. */
static int open_unescaped(struct object_file *object)
{
	char *path = strdup(object->path), *to = path;
	int err;

	if (!path)
		return -ENOMEM;
	for (const char *from = path; (*to = *from); to++) {
		bool escaped = !strncmp(from, "\\012", 4);

		if (escaped)
			*to = '\n';
		from += escaped ? 4 : 1;
	}
	err = open_path(object, object->root, path);
	free(path);
	return err;
}

int object_file__open(struct object_file *object, const char *path)
{
	int err;

	if (object->fd >= 0)
		return 0;
	if (!object->key.inode)
		return -EINVAL;
	if (path) {
		err = open_path(object, NULL, path);
		if (!err && (!object->open_path || strcmp(object->open_path, path) != 0)) {
			free(object->open_path);
			object->open_path = strdup(path);
		}
		return err;
	}
	if (object->open_path && !open_path(object, NULL, object->open_path))
		return 0;
	err = open_path(object, object->root, object->path);
	if (err && strstr(object->path, "\\012"))
		err = open_unescaped(object);
	return err;
}

static int copy_segments(struct object_file *object, const struct elf_headers *headers)
{
	free(object->segments);
	object->nr_segments = 0;
	object->segments = calloc(headers->nr_segments + 1, sizeof(*object->segments));
	if (!object->segments)
		return -ENOMEM;
	for (size_t i = 0; i < headers->nr_segments; i++) {
		const Elf64_Phdr *header = &headers->segments[i];

		if (header->p_type != PT_LOAD || !header->p_filesz)
			continue;
		object->segments[object->nr_segments++] = (struct segment){
			.file_offset = header->p_offset,
			.file_bytes = header->p_filesz,
			.vaddr = header->p_vaddr,
			.executable = header->p_flags & PF_X,
		};
	}
	return 0;
}

/* Segments may share a page of the file; then the executable one is meant. */
static bool find_vaddr(const struct object_file *object, uint64_t file_offset, uint64_t *vaddr)
{
	bool found = false;

	for (size_t i = 0; i < object->nr_segments; i++) {
		const struct segment *segment = &object->segments[i];

		if (file_offset - segment->file_offset >= segment->file_bytes ||
		    (found && !segment->executable))
			continue;
		*vaddr = segment->vaddr + (file_offset - segment->file_offset);
		found = true;
		if (segment->executable)
			break;
	}
	return found;
}

static uint64_t lowest_text(const struct object_file *object)
{
	uint64_t lowest = UINT64_MAX;

	for (size_t i = 0; i < object->nr_segments; i++) {
		if (object->segments[i].executable && object->segments[i].vaddr < lowest)
			lowest = object->segments[i].vaddr;
	}
	return lowest;
}

/* A table that had no room will have none the next time: it is not tried again. */
static int without_room(const struct object_file *object, int err)
{
	return err && object->holder.heap.refused ? -EFBIG : err;
}

/* A read that failed for want of memory or descriptors is tried again later; no other is. */
static enum reading state_after(int err)
{
	if (err == -ENOMEM || err == -EMFILE || err == -ENFILE)
		return NOT_READ;
	return err ? ABSENT : READ;
}

/* For -v: tells the user why names are missing. A file that has none (-ENOENT) is no news. */
static void tell_refusal(const struct object_file *object, const char *what, int err)
{
	static const struct {
		int err;
		const char *why;
	} reasons[] = {
		{ -EFBIG, "too large" },
		{ -EBADMSG, "damaged" },
		{ -EINVAL, "damaged" },
		{ -ENOEXEC, "not of a 64-bit ELF file" },
	};
	const char *why = strerror(-err);

	if (!err || err == -ENOENT)
		return;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reasons[i].err == err)
			why = reasons[i].why;
	log__detail("%s: %s not read: %s", object->path, what, why);
}

static int read_own_symbols(struct object_file *object, const struct elf_headers *headers)
{
	int err = elf_symbols__read(&object->symbols, headers, SHT_SYMTAB);

	err = without_room(object, err);
	tell_refusal(object, "symbols", err);
	return err;
}

/* Reads the names left in a stripped file that has no debug file. */
static int read_stripped(struct object_file *object, const struct elf_headers *headers)
{
	struct elf_symbols *exported = NULL;
	int err = elf_symbols__read(&exported, headers, SHT_DYNSYM), mini_err;

	err = without_room(object, err);
	if (err == -ENOMEM)
		return err;
	tell_refusal(object, "exported symbols", err);
	/* Whatever is wrong with the packed symbols, the exported names are good. */
	mini_err = mini_debug_info__read(&object->symbols, headers);
	if (!mini_err) {
		object->exported = exported;
		return 0;
	}
	tell_refusal(object, "packed symbols", mini_err);
	object->symbols = exported;
	return err;
}

/* Whether another place may have the symbols. */
static bool has_none(int err)
{
	return err && err != -ENOMEM;
}

static int read_headers(struct object_file *object, struct elf_file *own)
{
	int err;

	/* own->fd stays closed: headers use the object's descriptor, which outlives them. */
	own->path = strdup(object->path);
	own->root = object->root;
	err = own->path ? elf_headers__of_file(object->fd, &own->headers) : -ENOMEM;
	if (!err)
		err = copy_segments(object, &own->headers);
	/* Before the symbols: when memory runs out both are read again, and these are kept. */
	if (!err && !object->plt && plt_symbols__read(&object->plt, &own->headers) == -ENOMEM)
		err = without_room(object, -ENOMEM) == -ENOMEM ? -ENOMEM : 0;
	return err;
}

/*
 * Reads the symbols and lines that are missing. A debug file is looked for only when the object
 * lacks something. Nothing of the object itself stays open but its descriptor.
 */
static void read_object(struct object_file *object)
{
	struct elf_file debug = ELF_FILE_CLOSED, own = ELF_FILE_CLOSED;
	int symbols_err, lines_err;
	bool own_dwarf;

	symbols_err = lines_err = read_headers(object, &own);
	if (symbols_err)
		goto out;

	if (object->symbols_state == NOT_READ)
		symbols_err = read_own_symbols(object, &own.headers);
	own_dwarf = debug_sections__present(&own.headers);
	if (symbols_err || !own_dwarf)
		lines_err = debug_file__open(&debug, &own);
	if (has_none(symbols_err) && debug.path)
		symbols_err = without_room(object, elf_symbols__read(&object->symbols,
								     &debug.headers, SHT_SYMTAB));
	if (has_none(symbols_err))
		symbols_err = read_stripped(object, &own.headers);

	if (own_dwarf) {
		elf_file__close(&debug);
		debug = own;
		own = (struct elf_file)ELF_FILE_CLOSED;
		lines_err = 0;
	}
	if (!lines_err && debug.path && object->lines_state == NOT_READ) {
		lines_err = without_room(object,
					 lines__open(&object->lines, &debug, lowest_text(object)));
		tell_refusal(object, "lines", lines_err);
	}
	object->contents_read = true;
out:
	elf_file__close(&debug);
	elf_file__close(&own);
	if (object->symbols_state == NOT_READ)
		object->symbols_state = state_after(symbols_err);
	if (object->lines_state == NOT_READ)
		object->lines_state = state_after(lines_err);
}

static int read_build_id(struct object_file *object)
{
	unsigned char bytes[BUILD_ID_MAX_BYTES] = { 0 };
	struct elf_headers headers;
	int err = elf_headers__of_file(object->fd, &headers);

	if (!err)
		build_id__hex(bytes, build_id__read(&headers, bytes), object->build_id);
	elf_headers__free(&headers);
	return err;
}

const char *object_file__build_id(struct object_file *object)
{
	if (object->fd >= 0 && object->build_id_state == NOT_READ)
		object->build_id_state = state_after(read_build_id(object));
	return *object->build_id ? object->build_id : NULL;
}

static void give_up_lines(struct object_file *object)
{
	log__detail("%s: lines given up: they take %s", object->path,
		    object->holder.heap.refused ? "more memory than there is for names" :
						  "too long");
	lines__free(object->lines);
	object->lines = NULL;
	object->lines_state = ABSENT;
}

unsigned int object_file__find(struct object_file *object, uint64_t file_offset,
			       struct line_frame *frames, unsigned int max_frames)
{
	const char *symbol;
	unsigned int nr;
	uint64_t vaddr = 0;

	if (object->fd < 0 || !max_frames)
		return 0;
	if (!object->contents_read || object->symbols_state == NOT_READ ||
	    object->lines_state == NOT_READ)
		read_object(object);
	if (!find_vaddr(object, file_offset, &vaddr))
		return 0;
	nr = lines__find(object->lines, vaddr, frames, max_frames);
	if (lines__are_given_up(object->lines))
		give_up_lines(object);
	symbol = elf_symbols__find(object->symbols, object->exported, vaddr);
	if (!symbol)
		symbol = plt_symbols__find(object->plt, vaddr);
	if (!nr && symbol) {
		frames[0] = (struct line_frame){ 0 };
		nr = 1;
	}
	if (symbol)
		frames[nr - 1].function = symbol;
	return nr;
}

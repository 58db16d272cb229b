// SPDX-License-Identifier: GPL-2.0
/*
 * A profile for pprof: the message perftools.profiles.Profile, in protocol buffers and gzip. Its
 * fields are those of https://github.com/google/pprof/blob/main/proto/profile.proto. The message is
 * seven kinds of records of numbers, so that its encoding is a page of code here, and a schema
 * compiler at build time would be more.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/hash_index.h"
#include "base/log.h"
#include "base/string_pool.h"
#include "output/leak_words.h"
#include "output/output.h"
#include "output/profile.h"

/* pprof leaves these, and what they call, out: a caller that asked for memory is the leaf. */
#define DROP_FRAMES \
	"operator new.*|g_malloc.*|g_try_malloc.*|g_realloc.*|g_slice_.*|x?(malloc|calloc|realloc|strdup)"

/* Modules have no addresses in common: each gets as much as any file can have. */
#define MAPPING_SHIFT 40

/* ---- protocol buffers ---- */

struct message {
	uint8_t *bytes;
	size_t nr, capacity;
	bool failed; /* for want of memory */
};

static void put_byte(struct message *message, uint8_t byte)
{
	if (message->failed || array__reserve(&message->bytes, &message->capacity, message->nr + 1))
		message->failed = true;
	else
		message->bytes[message->nr++] = byte;
}

static void put_varint(struct message *message, uint64_t number)
{
	for (; number >= 0x80; number >>= 7)
		put_byte(message, (uint8_t)(number | 0x80));
	put_byte(message, (uint8_t)number);
}

/* A field that is 0 is left out. */
static void put_number(struct message *message, unsigned int field, uint64_t number)
{
	if (!number)
		return;
	put_varint(message, field << 3);
	put_varint(message, number);
}

static void put_bytes(struct message *message, unsigned int field, const void *bytes, size_t nr)
{
	put_varint(message, field << 3 | 2);
	put_varint(message, nr);
	for (size_t i = 0; i < nr; i++)
		put_byte(message, ((const uint8_t *)bytes)[i]);
}

/* Empties the part for the next one. */
static void put_message(struct message *message, unsigned int field, struct message *part)
{
	message->failed |= part->failed;
	put_bytes(message, field, part->bytes, part->nr);
	part->nr = 0;
}

static void free_message(struct message *message)
{
	free(message->bytes);
}

/* ---- the tables of the profile ---- */

/* A place in code, with the functions that were inlined there. */
struct location {
	const uint32_t *frames; /* innermost first */
	uint32_t nr_frames;
};

struct tables {
	const struct profile *profile;
	struct string_pool *names;
	struct message out, part, inner;
	const char **strings; /* of the pool: equal ones have one address */
	size_t nr_strings, strings_capacity;
	struct hash_index string_index;
	const char **modules; /* of mapping i + 1 */
	size_t nr_modules, modules_capacity;
	struct location *locations; /* location i + 1 */
	size_t nr_locations, locations_capacity;
	struct hash_index location_index;
};

#define MAX_NAME_BYTES (256ULL << 20)
static uint64_t hash_string(const void *context, size_t entry)
{
	return hash_index__mix(0, (uintptr_t)((const struct tables *)context)->strings[entry]);
}

static bool is_string(const void *context, size_t entry, const void *key)
{
	return ((const struct tables *)context)->strings[entry] == key;
}

/* The index of a text in the table of strings; 0, which is the empty one, on failure, too. */
static uint64_t string_index(struct tables *tables, const char *text)
{
	const char *kept = text && *text ? string_pool__intern(tables->names, text) : NULL;
	uint32_t *slot;

	if (!text || !*text)
		return 0;
	if (!kept || hash_index__reserve(&tables->string_index, tables, tables->nr_strings) ||
	    array__reserve(&tables->strings, &tables->strings_capacity, tables->nr_strings + 1)) {
		tables->out.failed = true;
		return 0;
	}
	slot = hash_index__slot(&tables->string_index, tables, hash_index__mix(0, (uintptr_t)kept),
				kept);
	if (!*slot) {
		tables->strings[tables->nr_strings++] = kept;
		*slot = (uint32_t)tables->nr_strings;
	}
	return *slot; /* the first is number 1, after the empty one */
}

static uint64_t hash_frames(const struct location *location)
{
	uint64_t hash = 0;

	for (uint32_t i = 0; i < location->nr_frames; i++)
		hash = hash_index__mix(hash, location->frames[i]);
	return hash;
}

static uint64_t hash_location(const void *context, size_t entry)
{
	return hash_frames(&((const struct tables *)context)->locations[entry]);
}

static bool is_location(const void *context, size_t entry, const void *key)
{
	const struct location *location = &((const struct tables *)context)->locations[entry];
	const struct location *wanted = key;

	return location->nr_frames == wanted->nr_frames &&
	       !memcmp(location->frames, wanted->frames,
		       wanted->nr_frames * sizeof(*wanted->frames));
}

/* The location's number, from 1 on; 0 on failure. */
static uint64_t location_number(struct tables *tables, const struct location *location)
{
	uint32_t *slot;

	if (hash_index__reserve(&tables->location_index, tables, tables->nr_locations) ||
	    array__reserve(&tables->locations, &tables->locations_capacity,
			   tables->nr_locations + 1)) {
		tables->out.failed = true;
		return 0;
	}
	slot = hash_index__slot(&tables->location_index, tables, hash_frames(location), location);
	if (!*slot) {
		tables->locations[tables->nr_locations++] = *location;
		*slot = (uint32_t)tables->nr_locations;
	}
	return *slot;
}

/* Names of modules have one address each: they are the profile's. 0: there is no module. */
static uint64_t mapping_number(struct tables *tables, const char *module)
{
	if (!module)
		return 0;
	for (size_t i = 0; i < tables->nr_modules; i++)
		if (tables->modules[i] == module)
			return i + 1;
	if (array__reserve(&tables->modules, &tables->modules_capacity, tables->nr_modules + 1)) {
		tables->out.failed = true;
		return 0;
	}
	tables->modules[tables->nr_modules++] = module;
	return tables->nr_modules;
}

/* ---- the messages ---- */

static void put_value_type(struct tables *tables, unsigned int field, const char *type,
			   const char *unit)
{
	put_number(&tables->part, 1, string_index(tables, type));
	put_number(&tables->part, 2, string_index(tables, unit));
	put_message(&tables->out, field, &tables->part);
}

static void put_label(struct tables *tables, const char *key, const char *text, uint64_t number)
{
	put_number(&tables->inner, 1, string_index(tables, key));
	put_number(&tables->inner, 2, string_index(tables, text));
	put_number(&tables->inner, 3, number);
	put_message(&tables->part, 3, &tables->inner);
}

/* A frame that is inlined belongs to the location of the one that it is inlined into. */
static void put_locations(struct tables *tables, const struct profile_stack *stack)
{
	const struct profile *profile = tables->profile;
	uint32_t first = 0;

	for (uint32_t i = 0; i < stack->nr_frames; i++) {
		struct location location = { &stack->frames[first], i + 1 - first };

		if (profile->frames[stack->frames[i]].inlined && i + 1 < stack->nr_frames)
			continue;
		put_varint(&tables->inner, location_number(tables, &location));
		first = i + 1;
	}
	if (stack->nr_frames)
		put_message(&tables->part, 1, &tables->inner);
}

static void put_sample(struct tables *tables, const struct profile_stack *stack)
{
	const struct profile_process *process = &tables->profile->processes[stack->process];

	put_locations(tables, stack);
	put_varint(&tables->inner, stack->blocks);
	put_varint(&tables->inner, stack->bytes);
	put_message(&tables->part, 2, &tables->inner);
	if (process->pid) {
		put_label(tables, "comm", process->comm, 0);
		put_label(tables, "pid", NULL, (uint64_t)process->pid);
	}
	if (process->has_leaks)
		put_label(tables, "kind", leak_words__kind(stack->kind), 0);
	put_message(&tables->out, 2, &tables->part);
}

static void put_location(struct tables *tables, uint64_t number)
{
	const struct location *location = &tables->locations[number - 1];
	const struct profile_frame *frames = tables->profile->frames;
	const struct profile_frame *outer = &frames[location->frames[location->nr_frames - 1]];
	uint64_t mapping = mapping_number(tables, outer->module);

	put_number(&tables->part, 1, number);
	put_number(&tables->part, 2, mapping);
	put_number(&tables->part, 3,
		   mapping ? (mapping << MAPPING_SHIFT) + outer->module_offset : outer->address);
	for (uint32_t i = 0; i < location->nr_frames; i++) {
		put_number(&tables->inner, 1, (uint64_t)location->frames[i] + 1);
		put_number(&tables->inner, 2, frames[location->frames[i]].line);
		put_message(&tables->part, 4, &tables->inner);
	}
	put_message(&tables->out, 4, &tables->part);
}

static void put_function(struct tables *tables, uint32_t index)
{
	const struct profile_frame *frame = &tables->profile->frames[index];
	char buffer[512];
	const char *name = profile_frame__name(frame, buffer, sizeof(buffer));

	put_number(&tables->part, 1, (uint64_t)index + 1);
	put_number(&tables->part, 2, string_index(tables, name));
	put_number(&tables->part, 3, string_index(tables, frame->symbol ? frame->symbol : name));
	put_number(&tables->part, 4, string_index(tables, frame->file));
	put_message(&tables->out, 5, &tables->part);
}

static const char *build_id_of(const struct profile *profile, const char *module)
{
	for (size_t i = 0; i < profile->nr_frames; i++)
		if (profile->frames[i].module == module && profile->frames[i].build_id)
			return profile->frames[i].build_id;
	return NULL;
}

static void put_mapping(struct tables *tables, uint64_t number)
{
	const char *module = tables->modules[number - 1];

	put_number(&tables->part, 1, number);
	put_number(&tables->part, 2, number << MAPPING_SHIFT);
	put_number(&tables->part, 3, (number + 1) << MAPPING_SHIFT);
	put_number(&tables->part, 5, string_index(tables, module));
	put_number(&tables->part, 6, string_index(tables, build_id_of(tables->profile, module)));
	/* All names that are known are here: pprof need not look for more. */
	for (unsigned int field = 7; field <= 10; field++)
		put_number(&tables->part, field, 1);
	put_message(&tables->out, 3, &tables->part);
}

static void put_comment(struct tables *tables, const char *text)
{
	put_varint(&tables->out, 13 << 3);
	put_varint(&tables->out, string_index(tables, text));
}

static void put_comments(struct tables *tables)
{
	const struct profile *profile = tables->profile;
	bool late = false, at_least = false;

	for (size_t i = 0; i < profile->nr_processes; i++) {
		late |= profile->processes[i].late_attach;
		at_least |= profile->processes[i].at_least;
	}
	put_comment(tables, "memleak-bpf " MEMLEAK_VERSION);
	if (late)
		put_comment(tables, "attached late: earlier blocks are not counted");
	if (at_least)
		put_comment(tables, "at least: some calls were missed");
}

/* The file of the profile's first process: pprof calls the profile by the first mapping. */
static void put_main_mapping_first(struct tables *tables)
{
	const struct profile *profile = tables->profile;

	if (profile->nr_processes)
		mapping_number(tables, profile->processes[0].exe);
}

static void put_profile(struct tables *tables)
{
	const struct profile *profile = tables->profile;
	struct timespec time = { 0 };

	put_value_type(tables, 1, "inuse_objects", "count");
	put_value_type(tables, 1, "inuse_space", "bytes");
	for (size_t i = 0; i < profile->nr_stacks; i++)
		put_sample(tables, &profile->stacks[i]);
	put_main_mapping_first(tables);
	for (uint64_t i = 1; i <= tables->nr_locations; i++)
		put_location(tables, i);
	for (uint64_t i = 1; i <= tables->nr_modules; i++)
		put_mapping(tables, i);
	for (uint32_t i = 0; i < profile->nr_frames; i++)
		put_function(tables, i);
	if (profile->nr_processes)
		time = profile->processes[profile->nr_processes - 1].time;
	put_number(&tables->out, 7, string_index(tables, DROP_FRAMES));
	put_number(&tables->out, 9, (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec);
	put_value_type(tables, 11, "space", "bytes");
	put_number(&tables->out, 12, 1);
	put_number(&tables->out, 14, string_index(tables, "inuse_space"));
	put_comments(tables);
	/* The strings are complete only now. */
	put_bytes(&tables->out, 6, "", 0);
	for (size_t i = 0; i < tables->nr_strings; i++)
		put_bytes(&tables->out, 6, tables->strings[i], strlen(tables->strings[i]));
}

/* ---- the file ---- */

/* Writes the bytes as a gzip file. Returns false when there is no memory. */
static bool write_gzip(FILE *out, const struct message *message)
{
	enum { WINDOW_BITS_OF_GZIP = 15 + 16, MEMORY_LEVEL = 8 };
	z_stream stream = { .next_in = message->bytes };
	uint8_t buffer[16384] = { 0 };
	size_t left = message->nr;
	int result;

	if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS_OF_GZIP,
			 MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	do {
		uInt now = left < 1U << 30 ? (uInt)left : 1U << 30;

		if (!stream.avail_in) {
			stream.avail_in = now;
			left -= now;
		}
		stream.next_out = buffer;
		stream.avail_out = sizeof(buffer);
		result = deflate(&stream, left ? Z_NO_FLUSH : Z_FINISH);
		fwrite(buffer, 1, sizeof(buffer) - stream.avail_out, out);
	} while (result == Z_OK);
	deflateEnd(&stream);
	return result == Z_STREAM_END;
}

static void end(void *state, FILE *out)
{
	struct profile *profile = state;
	struct tables tables = {
		.profile = profile,
		.names = string_pool__new(MAX_NAME_BYTES),
		.string_index = { .hash = hash_string, .is_equal = is_string },
		.location_index = { .hash = hash_location, .is_equal = is_location },
	};

	if (tables.names)
		put_profile(&tables);
	if (!tables.names || tables.out.failed || !write_gzip(out, &tables.out))
		log__error("out of memory: no pprof profile was written");
	else if (profile->is_partial)
		log__error("out of memory: the pprof profile is not complete");
	string_pool__free(tables.names);
	free_message(&tables.out);
	free_message(&tables.part);
	free_message(&tables.inner);
	free(tables.strings);
	hash_index__clear(&tables.string_index);
	free(tables.modules);
	free(tables.locations);
	hash_index__clear(&tables.location_index);
	profile__free(profile);
}

const struct output_format output_pprof = {
	.name = "pprof",
	.suffix = ".pb.gz",
	.is_whole = true,
	.is_picture = true,
	.state_bytes = sizeof(struct profile),
	.begin = profile__begin,
	.report = profile__report,
	.end = end,
};

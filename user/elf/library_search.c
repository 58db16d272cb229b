// SPDX-License-Identifier: GPL-2.0
/*
 * Follows glibc's elf/dl-load.c and musl's ldso/dynlink.c, with one difference: where they choose
 * by processor, every candidate is taken. A file too many only costs opening it; a missed file
 * costs sight of the allocations made through it.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "elf/library_path.h"
#include "elf/library_search.h"

#define LOOKUPS_MAX 65536

#if defined(__x86_64__)
#define MULTIARCH "x86_64-linux-gnu"
/* Before 2.37, glibc also searched the folders without "glibc-hwcaps". */
static const char *const processor_folders[] = {
	"glibc-hwcaps/x86-64-v4/",
	"glibc-hwcaps/x86-64-v3/",
	"glibc-hwcaps/x86-64-v2/",
	"haswell/avx512_1/",
	"haswell/x86_64/",
	"haswell/",
	"tls/haswell/",
	"tls/x86_64/",
	"tls/",
	"x86_64/",
};
#else
#define MULTIARCH "aarch64-linux-gnu"
static const char *const processor_folders[] = { "atomics/", "tls/" };
#endif

#define NR_OF(array) (sizeof(array) / sizeof(*(array)))

static const char glibc_folders[] = "/lib/" MULTIARCH ":/usr/lib/" MULTIARCH
				    ":/lib64:/usr/lib64:/lib:/usr/lib";
static const char musl_folders[] = "/lib:/usr/local/lib:/usr/lib";

/* One name that one object needs; name is set once it has been expanded. */
struct lookup {
	struct library_search *search;
	const struct load_entry *requester;
	const char *name;
};

static int try_in_folder(const struct lookup *lookup, const char *folder, const char *subfolder)
{
	char path[PATH_MAX];
	int length = snprintf(path, sizeof(path), "%s/%s%s", folder, subfolder, lookup->name);

	if (length < 0 || (size_t)length >= sizeof(path))
		return 0;
	return load_list__try(lookup->search->list, path, lookup->requester);
}

/*
 * ld.so may pass over a file in a processor's folder, so only a file in the folder itself counts as
 * found.
 */
static int search_folder(const char *folder, void *context)
{
	const struct lookup *lookup = context;

	for (size_t i = 0; i < NR_OF(processor_folders) && !lookup->search->musl; i++) {
		int found = try_in_folder(lookup, folder, processor_folders[i]);

		if (found < 0)
			return found;
	}
	return try_in_folder(lookup, folder, "");
}

/*
 * owner is the object that names these folders; those of the environment belong to the program. An
 * empty list names none.
 */
static int search_folders(struct lookup *lookup, const char *folders, const char *separators,
			  const struct load_entry *owner)
{
	struct library_path_context where = {
		.origin = owner->object->origin,
		.root = lookup->search->root,
	};

	if (!folders || !*folders)
		return 0;
	return library_path__each(folders, separators, true, &where, search_folder, lookup);
}

static int try_cached(const char *path, void *context)
{
	const struct lookup *lookup = context;
	char rooted[PATH_MAX];
	int length = snprintf(rooted, sizeof(rooted), "%s%s",
			      path[0] == '/' ? lookup->search->root : "", path);

	if (length < 0 || (size_t)length >= sizeof(rooted))
		return 0;
	return load_list__try(lookup->search->list, rooted, lookup->requester);
}

/*
 * Searches the rpaths of the object that needs the library, of the object that needed that one, and
 * so on up to the program.
 */
static int search_rpaths(struct lookup *lookup, bool runpaths)
{
	int found = 0;

	for (const struct load_entry *at = lookup->requester; at && !found; at = at->requester) {
		found = search_folders(lookup, at->object->rpath, ":", at);
		if (!found && runpaths)
			found = search_folders(lookup, at->object->runpath, ":", at);
	}
	return found;
}

/*
 * A glibc installed elsewhere prefers its own folder to the system's, or may not know the system's
 * at all. So a file found there does not end the search.
 */
static int search_beside_loader(struct lookup *lookup)
{
	int found = 0;

	if (lookup->search->loader_folder)
		found = search_folder(lookup->search->loader_folder, lookup);
	return found < 0 ? found : 0;
}

static int search_as_glibc(struct lookup *lookup)
{
	const struct library_search *search = lookup->search;
	const struct shared_object *requester = lookup->requester->object;
	const struct load_entry *program = search->list->entries[0];
	int found = 0;

	if (!requester->runpath)
		found = search_rpaths(lookup, false);
	if (!found)
		found = search_folders(lookup, search->library_path, ":;", program);
	if (!found)
		found = search_folders(lookup, requester->runpath, ":", lookup->requester);
	if (!found)
		found = search_beside_loader(lookup);
	if (!found && search->cache)
		found = ldso_cache__each(search->cache, lookup->name, try_cached, lookup);
	if (!found && !requester->no_default_folders)
		found = search_folders(lookup, glibc_folders, ":", program);
	return found;
}

/* musl's libc.so is its loader, and contains the libraries that other libcs have split off. */
static bool is_musl_itself(const char *name)
{
	static const char *const parts[] = {
		"c.", "pthread.", "rt.", "m.", "dl.", "util.", "xnet."
	};

	if (strncmp(name, "lib", 3) != 0)
		return false;
	for (size_t i = 0; i < NR_OF(parts); i++)
		if (!strncmp(name + 3, parts[i], strlen(parts[i])))
			return true;
	return false;
}

static int search_as_musl(struct lookup *lookup)
{
	const struct library_search *search = lookup->search;
	const struct load_entry *program = search->list->entries[0];
	int found;

	if (is_musl_itself(lookup->name))
		return 1;
	found = search_folders(lookup, search->library_path, ":\n", program);
	if (!found)
		found = search_rpaths(lookup, true);
	if (!found)
		found = search_folders(lookup, search->musl_path ? search->musl_path : musl_folders,
				       ":\n", program);
	return found;
}

static bool is_loaded(const struct library_search *search, const char *name)
{
	for (size_t i = 0; i < search->nr_found_names; i++)
		if (!strcmp(search->found_names[i], name))
			return true;
	return load_list__has_soname(search->list, name);
}

static int look_up(const char *name, void *context)
{
	struct lookup *lookup = context;
	struct library_search *search = lookup->search;

	if (search->nr_lookups++ == LOOKUPS_MAX)
		return -E2BIG;
	if (strchr(name, '/'))
		return load_list__try(search->list, name, lookup->requester);
	if (is_loaded(search, name))
		return 1;
	lookup->name = name;
	return search->musl ? search_as_musl(lookup) : search_as_glibc(lookup);
}

int library_search__needed(struct library_search *search, const struct load_entry *requester,
			   const char *name)
{
	struct lookup lookup = { .search = search, .requester = requester };
	struct library_path_context where = {
		.origin = requester->object->origin,
		.root = search->root,
	};
	/* A name can contain $ORIGIN, as folders can; no character separates names. */
	int found = library_path__each(name, "", false, &where, look_up, &lookup);

	if (found > 0 && search->nr_found_names < NR_OF(search->found_names))
		search->found_names[search->nr_found_names++] = name;
	return found < 0 ? found : 0;
}

static int look_up_preload(const char *name, void *context)
{
	int found = look_up(name, context);

	return found < 0 ? found : 0; /* go on with the next name */
}

int library_search__preload(struct library_search *search, const char *names,
			    const char *separators)
{
	const struct load_entry *program = search->list->entries[0];
	struct lookup lookup = { .search = search, .requester = program };
	struct library_path_context where = {
		.origin = program->object->origin,
		.root = search->root,
	};

	return library_path__each(names, separators, false, &where, look_up_preload, &lookup);
}

bool library_search__is_default_folder(const char *root, const char *folder)
{
	size_t root_length = strlen(root), length;

	if (strncmp(folder, root, root_length) != 0)
		return false;
	folder += root_length;
	for (const char *list = glibc_folders; *list; list += length + !!list[length]) {
		length = strcspn(list, ":");
		if (strlen(folder) == length && !memcmp(folder, list, length))
			return true;
	}
	return false;
}

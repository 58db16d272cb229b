// SPDX-License-Identifier: GPL-2.0
/*
 * The order in which glibc (elf/rtld.c, elf/dl-deps.c) and musl (ldso/dynlink.c) map files when a
 * program begins. library_search decides which file a name leads to.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf/elf_file.h"
#include "elf/ldso_cache.h"
#include "elf/library_search.h"
#include "elf/load_list.h"
#include "elf/program_loader.h"

#define TEXT_BYTES_MAX (64 << 10)

#if defined(__x86_64__)
#define MUSL_PATH_FILE "/etc/ld-musl-x86_64.path"
#else
#define MUSL_PATH_FILE "/etc/ld-musl-aarch64.path"
#endif

struct loader {
	const struct elf_closure_environment *environment;
	struct load_list list;
	struct library_search search;
	char *musl_path;
	struct ldso_cache *cache;
};

/* The text of a small file as an owned string; *text is NULL when there is no such file. */
static int read_text(const struct path_root *root, const char *path, char **text)
{
	struct stat status;
	int fd = elf_file__open_below(root, path, &status);
	ssize_t length;

	*text = NULL;
	if (fd < 0)
		return 0;
	*text = calloc(1, TEXT_BYTES_MAX + 1);
	if (!*text) {
		close(fd);
		return -ENOMEM;
	}
	length = read(fd, *text, TEXT_BYTES_MAX);
	close(fd);
	if (length < 0) {
		free(*text);
		*text = NULL;
	}
	return 0;
}

static void blank_comments(char *text)
{
	for (char *at = strchr(text, '#'); at; at = strchr(at, '#'))
		memset(at, ' ', strcspn(at, "\n"));
}

static int preload_from_file(struct loader *loader)
{
	char path[PATH_MAX], *text;
	int err;

	snprintf(path, sizeof(path), "%s/etc/ld.so.preload", loader->search.root);
	err = read_text(loader->list.root, path, &text);
	if (err || !text)
		return err;
	blank_comments(text);
	err = library_search__preload(&loader->search, text, ": \t\n");
	free(text);
	return err;
}

/*
 * musl reads its list of folders below its prefix, the parent of the folder that its loader is in.
 */
static int prepare_musl(struct loader *loader, const char *loader_folder)
{
	const char *slash = strrchr(loader_folder, '/');
	char path[PATH_MAX];
	int err;

	snprintf(path, sizeof(path), "%.*s" MUSL_PATH_FILE,
		 slash ? (int)(slash - loader_folder) : 0, loader_folder);
	err = read_text(loader->list.root, path, &loader->musl_path);
	loader->search.musl_path = loader->musl_path;
	return err;
}

static int prepare_glibc(struct loader *loader, const char *loader_folder)
{
	const char *root = loader->search.root;
	char path[PATH_MAX];
	int err;

	if (!library_search__is_default_folder(root, loader_folder))
		loader->search.loader_folder = loader_folder;
	snprintf(path, sizeof(path), "%s/etc/ld.so.cache", root);
	err = ldso_cache__load(loader->list.root, path, &loader->cache);
	loader->search.cache = loader->cache;
	return load_list__is_shortage(err) ? err : 0;
}

/* Returns 1 when there is a loader, which is then the second entry; 0 when not. */
static int load_interpreter(struct loader *loader)
{
	const char *interpreter = loader->list.entries[0]->object->interpreter, *name;
	const struct shared_object *object;
	char path[PATH_MAX];
	int length, found;

	if (!interpreter)
		return 0;
	length = snprintf(path, sizeof(path), "%s%s",
			  interpreter[0] == '/' ? loader->search.root : "", interpreter);
	if (length < 0 || (size_t)length >= sizeof(path))
		return 0;
	found = load_list__try(&loader->list, path, loader->list.entries[0]);
	if (found <= 0 || loader->list.nr < 2) /* a program can name itself */
		return found < 0 ? found : 0;
	object = loader->list.entries[1]->object;
	name = strrchr(object->path, '/');
	loader->search.musl = !strncmp(name ? name + 1 : object->path, "ld-musl", 7);
	found = loader->search.musl ? prepare_musl(loader, object->origin) :
				      prepare_glibc(loader, object->origin);
	return found < 0 ? found : 1;
}

/* Breadth first: found libraries join the end of the list. */
static int load_needed(struct loader *loader)
{
	for (size_t i = 0; i < loader->list.nr; i++) {
		const struct load_entry *entry = loader->list.entries[i];

		for (size_t n = 0; n < entry->object->nr_needed; n++) {
			int err = library_search__needed(&loader->search, entry,
							 entry->object->needed[n]);

			if (err)
				return err;
		}
	}
	return 0;
}

static int load_preloaded(struct loader *loader)
{
	const char *names = loader->environment->preload;
	int err = names ? library_search__preload(&loader->search, names, " :") : 0;

	return err || loader->search.musl ? err : preload_from_file(loader);
}

static int load_program(struct loader *loader, const char *path)
{
	struct shared_object *program;
	int err = shared_object__read(loader->list.root, path, &program);

	if (err)
		return err;
	err = shared_object__resolve_origin(program, loader->list.root);
	if (err) {
		shared_object__free(program);
		return err;
	}
	err = load_list__add(&loader->list, program, NULL);
	if (!err)
		err = load_interpreter(loader);
	if (err <= 0) /* without a loader, nothing else is mapped */
		return err;
	err = load_preloaded(loader);
	return err ? err : load_needed(loader);
}

int program_loader__each(const char *path, const struct path_root *root,
			 const struct elf_closure_environment *environment,
			 int (*visit)(const struct loaded_file *file, void *context), void *context)
{
	struct loader *loader = calloc(1, sizeof(*loader));
	int err;

	if (!loader)
		return -ENOMEM;
	loader->environment = environment;
	loader->list.visit = visit;
	loader->list.context = context;
	loader->search.list = &loader->list;
	loader->list.root = root;
	loader->search.root = root->prefix;
	loader->search.library_path = environment->library_path;
	err = load_program(loader, path);
	if (loader->list.result)
		err = loader->list.result;
	load_list__clear(&loader->list);
	ldso_cache__free(loader->cache);
	free(loader->musl_path);
	free(loader);
	return err;
}

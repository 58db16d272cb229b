// SPDX-License-Identifier: GPL-2.0
/*
 * From a command to files: what execvp would find, what the kernel makes of "#!" lines, and then
 * what the dynamic loader maps (program_loader), each file once.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf_closure.h"
#include "elf_file.h"
#include "load_list.h"
#include "program_loader.h"

#define FILES_MAX 4096
#define HEAD_BYTES 256 /* BINPRM_BUF_SIZE: as much of a "#!" line as the kernel reads */
#define INTERPRETERS_MAX 5 /* the kernel's limit, then ELOOP */
#define BLANKS " \t"

struct closure {
	const struct elf_closure_environment *environment;
	struct path_root root;
	int (*visit)(const char *path, int fd, void *context);
	void *context;
	int result; /* what visit returned, when it was not 0 */
	size_t nr_files;
	struct {
		dev_t device;
		ino_t inode;
	} files[FILES_MAX];
};

static int check_executable(const char *path)
{
	struct stat status;

	if (stat(path, &status))
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) ? -errno : 0;
}

static bool goes_on_after(int err)
{
	return err == -ENOENT || err == -ENOTDIR || err == -EACCES || err == -ESTALE ||
	       err == -ENODEV || err == -ETIMEDOUT;
}

/* Writes root, folder and command to path; an empty folder is the current one. */
static int join(char path[PATH_MAX], const char *root, const char *folder, size_t folder_length,
		const char *command)
{
	int length = snprintf(path, PATH_MAX, "%s%.*s%s%s", folder[0] == '/' ? root : "",
			      (int)folder_length, folder, folder_length ? "/" : "", command);

	return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* As execvp: a file that may not be executed is passed over, but remembered. */
static int search_folders(const char *command, const char *search_path, const char *root,
			  char path[PATH_MAX])
{
	int result = -ENOENT;

	for (;;) {
		size_t length = strcspn(search_path, ":");
		int err = length < PATH_MAX ? join(path, root, search_path, length, command) :
					      -ENAMETOOLONG;

		if (!err)
			err = check_executable(path);
		else
			err = -ENOENT;
		if (!err || !goes_on_after(err))
			return err;
		if (err == -EACCES)
			result = err;
		if (!search_path[length])
			return result;
		search_path += length + 1;
	}
}

static int find_executable(const char *command, const char *search_path, const char *root,
			   char path[PATH_MAX])
{
	int err;

	if (!*command)
		return -ENOENT;
	if (strchr(command, '/')) {
		err = join(path, root, command[0] == '/' ? "/" : "", 0, command);
		return err ? err : check_executable(path);
	}
	if (strlen(command) > NAME_MAX)
		return -ENAMETOOLONG;
	return search_folders(command, search_path ? search_path : "/bin:/usr/bin", root, path);
}

int elf_closure__find_executable(const char *command, const char *search_path, char **executable)
{
	char path[PATH_MAX];
	int err = find_executable(command, search_path, "", path);

	*executable = NULL;
	if (err)
		return err;
	*executable = strdup(path);
	return *executable ? 0 : -ENOMEM;
}

static int visit_file(const struct loaded_file *file, void *context)
{
	struct closure *closure = context;
	struct stat status;
	int fd;

	for (size_t i = 0; i < closure->nr_files; i++)
		if (closure->files[i].inode == file->inode &&
		    closure->files[i].device == file->device)
			return 0;
	if (closure->nr_files == FILES_MAX)
		return -E2BIG;
	closure->files[closure->nr_files].device = file->device;
	closure->files[closure->nr_files++].inode = file->inode;
	fd = elf_file__open_below(&closure->root, file->path, &status);
	if (fd < 0)
		return load_list__is_shortage(fd) ? fd : 0;
	closure->result = closure->visit(file->path, fd, closure->context);
	close(fd);
	return closure->result ? -ECANCELED : 0;
}

/* A program of another class has no closure that we could follow, but it is one file. */
static int visit_alone(struct closure *closure, const char *path)
{
	struct loaded_file file = { .path = path };
	struct stat status;
	int fd = elf_file__open_below(&closure->root, path, &status);

	if (fd < 0)
		return fd;
	close(fd);
	file.device = status.st_dev;
	file.inode = status.st_ino;
	return visit_file(&file, closure);
}

static int read_head(const struct path_root *root, const char *path, char head[HEAD_BYTES + 1])
{
	struct stat status;
	int fd = elf_file__open_below(root, path, &status), err = 0;
	ssize_t length;

	if (fd < 0)
		return fd == -EINVAL ? -EACCES : fd;
	memset(head, 0, HEAD_BYTES + 1);
	length = pread(fd, head, HEAD_BYTES, 0);
	if (length < 0)
		err = -errno;
	close(fd);
	return err;
}

static int follow(struct closure *closure, const char *path, unsigned int depth);

/*
 * env runs the first word that is neither an option nor an assignment. Options that take a word of
 * their own are rare in "#!" lines; that word is then looked for and not found.
 */
static int follow_env(struct closure *closure, char *arguments, unsigned int depth)
{
	char path[PATH_MAX], *rest = NULL;
	int err;

	for (char *word = strtok_r(arguments, BLANKS, &rest); word;
	     word = strtok_r(NULL, BLANKS, &rest)) {
		if (!strncmp(word, "-S", 2) && word[2])
			word += 2;
		if (word[0] == '-' || strchr(word, '='))
			continue;
		if (find_executable(word, closure->environment->search_path, closure->root.prefix,
				    path))
			return 0;
		/* That env will fail to run it is not our failure. */
		err = follow(closure, path, depth + 1);
		return err == -ENOMEM || err == -ECANCELED || err == -E2BIG ? err : 0;
	}
	return 0;
}

/* line is what follows "#!". The kernel takes all behind the interpreter as one argument. */
static int follow_script(struct closure *closure, char *line, unsigned int depth)
{
	char path[PATH_MAX], *interpreter, *arguments;
	const char *name;
	int err;

	line[strcspn(line, "\n")] = '\0';
	interpreter = line + strspn(line, BLANKS);
	arguments = interpreter + strcspn(interpreter, BLANKS);
	if (*arguments)
		*arguments++ = '\0';
	if (!*interpreter)
		return -ENOEXEC;
	if (depth == INTERPRETERS_MAX)
		return -ELOOP;
	err = join(path, closure->root.prefix, interpreter[0] == '/' ? "/" : "", 0, interpreter);
	if (!err)
		err = follow(closure, path, depth + 1);
	name = strrchr(interpreter, '/');
	if (err || strcmp(name ? name + 1 : interpreter, "env") != 0)
		return err;
	return follow_env(closure, arguments, depth + 1);
}

static int follow(struct closure *closure, const char *path, unsigned int depth)
{
	char head[HEAD_BYTES + 1] = "";
	int err = read_head(&closure->root, path, head);

	if (err)
		return err;
	if (head[0] == '#' && head[1] == '!')
		return follow_script(closure, head + 2, depth);
	if (memcmp(head, "\177ELF", 4) != 0)
		return -ENOEXEC;
	err = program_loader__each(path, &closure->root, closure->environment, visit_file, closure);
	return err == -ENOEXEC ? visit_alone(closure, path) : err;
}

int elf_closure__each(const char *executable, const struct elf_closure_environment *environment,
		      int (*visit)(const char *path, int fd, void *context), void *context)
{
	struct closure *closure = calloc(1, sizeof(*closure));
	struct process_root *folder = NULL;
	char path[PATH_MAX];
	int err;

	if (!closure)
		return -ENOMEM;
	closure->environment = environment;
	closure->root.prefix = environment->root ? environment->root : "";
	if (*closure->root.prefix) {
		folder = process_root__enter(closure->root.prefix);
		if (!folder) {
			err = -errno;
			free(closure);
			return err;
		}
	}
	closure->root.folder = folder;
	closure->visit = visit;
	closure->context = context;
	err = join(path, closure->root.prefix, executable[0] == '/' ? "/" : "", 0, executable);
	if (!err)
		err = follow(closure, path, 0);
	if (closure->result)
		err = closure->result;
	process_root__free(folder);
	free(closure);
	return err;
}

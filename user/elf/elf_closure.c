// SPDX-License-Identifier: GPL-2.0
/*
 * From a command to its files: the executable that execvp would find, the interpreters that the
 * kernel would run for "#!" lines, and then the files that the dynamic loader maps
 * (program_loader), each file once.
 *
 * The closure makes a command's first blocks visible. When only the kernel's mmap records led to
 * allocators, the probes came too late: python3, perl, git and sort made 4,899 blocks, of which
 * 1,810 were seen (one run; of git's and sort's none).
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

#include "elf/command_words.h"
#include "elf/elf_closure.h"
#include "elf/elf_file.h"
#include "elf/load_list.h"
#include "elf/program_loader.h"

#define FILES_MAX 4096
#define HEAD_BYTES 256 /* BINPRM_BUF_SIZE: the kernel reads no more of a "#!" line */
#define INTERPRETERS_MAX 5 /* the kernel's limit, then ELOOP */
#define WORDS_MAX 16 /* looked up in all */
#define BLANKS " \t"

struct closure {
	const struct elf_closure_environment *environment;
	struct path_root root;
	int (*visit)(const char *path, int fd, void *context);
	void *context;
	int result; /* what visit returned, when it was not 0 */
	unsigned int depth; /* of scripts */
	unsigned int nr_words; /* looked for */
	size_t nr_files;
	struct file_key files[FILES_MAX];
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

/*
 * As execvp does it: a file that may not be executed is passed over, but makes the result -EACCES.
 */
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
		if (file_key__same_numbers(&closure->files[i], &file->key))
			return 0;
	if (closure->nr_files == FILES_MAX)
		return -E2BIG;
	closure->files[closure->nr_files++] = file->key;
	fd = elf_file__open_below(&closure->root, file->path, &status);
	if (fd < 0)
		return load_list__is_shortage(fd) ? fd : 0;
	closure->result = closure->visit(file->path, fd, closure->context);
	close(fd);
	return closure->result ? -ECANCELED : 0;
}

/* We can't follow the closure of a program of another class, but the program itself is one file. */
static int visit_alone(struct closure *closure, const char *path)
{
	struct loaded_file file = { .path = path };
	struct stat status;
	int fd = elf_file__open_below(&closure->root, path, &status);

	if (fd < 0)
		return fd;
	close(fd);
	file.key = file_key__of_stat(&status);
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

static int follow(struct closure *closure, const char *path);

/*
 * Does not call stat on a word that is a path: it may be data on a file system that does not
 * answer.
 */
static int follow_word(struct closure *closure, const char *word,
		       const struct elf_closure_environment *environment)
{
	const struct elf_closure_environment *outside = closure->environment;
	const char *root = closure->root.prefix;
	char path[PATH_MAX];
	int err = strchr(word, '/') ? join(path, root, *word == '/' ? "/" : "", 0, word) :
				      find_executable(word, environment->search_path, root, path);

	if (err)
		return 0;
	closure->environment = environment;
	err = follow(closure, path);
	closure->environment = outside;
	/* A file that nobody can run is not the tracer's failure. */
	return err == -ENOMEM || err == -ECANCELED || err == -E2BIG ? err : 0;
}

/*
 * A wrong guess does no harm: if the word names no program, or one that never runs, its probes are
 * for this command alone, which does not map the file. The word is also looked up without any
 * variables, since a program may give none to those that it runs ("env -i", sudo).
 */
static int look_at_word(const char *word, const struct elf_closure_environment *environment,
			void *context)
{
	const struct elf_closure_environment bare = { .root = environment->root };
	struct closure *closure = context;
	int err;

	if (closure->nr_words == WORDS_MAX)
		return 0;
	closure->nr_words++;
	err = follow_word(closure, word, environment);
	if (!err && (environment->search_path || environment->library_path))
		err = follow_word(closure, word, &bare);
	return err;
}

/* Follows the interpreter, and the programs that it may run. */
static int follow_interpreter(struct closure *closure, const char *interpreter,
			      const char *argument)
{
	const char *const arguments[] = { argument, NULL };
	char path[PATH_MAX];
	int err =
		join(path, closure->root.prefix, interpreter[0] == '/' ? "/" : "", 0, interpreter);

	if (closure->depth == INTERPRETERS_MAX)
		return -ELOOP;
	closure->depth++;
	if (!err)
		err = follow(closure, path);
	if (!err)
		err = command_words__each(arguments, closure->environment, look_at_word, closure);
	closure->depth--;
	return err;
}

/*
 * line is the text after "#!". The kernel passes everything after the interpreter as one argument.
 */
static int follow_script(struct closure *closure, char *line)
{
	char *interpreter, *argument;

	line[strcspn(line, "\n")] = '\0';
	interpreter = line + strspn(line, BLANKS);
	argument = interpreter + strcspn(interpreter, BLANKS);
	if (*argument)
		*argument++ = '\0';
	argument += strspn(argument, BLANKS);
	for (size_t end = strlen(argument); end && strchr(BLANKS, argument[end - 1]); end--)
		argument[end - 1] = '\0';
	return *interpreter ? follow_interpreter(closure, interpreter, argument) : -ENOEXEC;
}

static int follow(struct closure *closure, const char *path)
{
	char head[HEAD_BYTES + 1] = "";
	int err = read_head(&closure->root, path, head);

	if (err)
		return err;
	if (head[0] == '#' && head[1] == '!')
		return follow_script(closure, head + 2);
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
		err = follow(closure, path);
	if (!err)
		err = command_words__each(environment->arguments, environment, look_at_word,
					  closure);
	if (closure->result)
		err = closure->result;
	process_root__free(folder);
	free(closure);
	return err;
}

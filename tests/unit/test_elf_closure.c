// SPDX-License-Identifier: GPL-2.0
/*
 * The files that a command maps before main: against ldd for programs of the system and for
 * programs compiled here, in file trees that have their own libraries, caches and loaders.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "elf/elf_closure.h"
#include "elf_fixture.h"

#define MAX_FILES 4200
#define LIBRARY "gcc -shared -fPIC -nostdlib -x c /dev/null -x none "

static char *folder;

struct files {
	char *paths[MAX_FILES];
	size_t nr;
	size_t stop_at; /* 0: never */
};

static int make_folder(void **state)
{
	(void)state;
	folder = elf_fixture__folder();
	elf_fixture__text(folder, "main.c", "int main(void) { return 0; }\n");
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	elf_fixture__remove(folder);
	return 0;
}

static int take_path(const char *path, int fd, void *context)
{
	struct files *files = context;
	struct stat by_path, opened;

	assert_int_equal(stat(path, &by_path) | fstat(fd, &opened), 0);
	assert_int_equal(opened.st_ino, by_path.st_ino);
	assert_in_range(files->nr, 0, MAX_FILES - 1);
	files->paths[files->nr++] = test_malloc(strlen(path) + 1);
	strcpy(files->paths[files->nr - 1], path);
	return files->nr == files->stop_at ? 42 : 0;
}

static void forget(struct files *files)
{
	for (size_t i = 0; i < files->nr; i++)
		test_free(files->paths[i]);
	memset(files, 0, sizeof(*files));
}

/* A path under the folder; good until the next few calls. */
static const char *under(const char *name)
{
	static char paths[4][512];
	static size_t next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static bool same_file(const char *a, const char *b)
{
	struct stat left, right;

	return !stat(a, &left) && !stat(b, &right) && left.st_dev == right.st_dev &&
	       left.st_ino == right.st_ino;
}

static bool visited(const struct files *files, const char *path)
{
	for (size_t i = 0; i < files->nr; i++)
		if (same_file(files->paths[i], path))
			return true;
	return false;
}

static void assert_visited(const struct files *files, const char *path)
{
	if (!visited(files, path))
		fail_msg("%s was not visited", path);
}

static void assert_not_visited(const struct files *files, const char *path)
{
	assert_int_equal(access(path, F_OK), 0);
	if (visited(files, path))
		fail_msg("%s was visited", path);
}

static void close_over(const char *executable, struct elf_closure_environment environment,
		       struct files *files)
{
	memset(files, 0, sizeof(*files));
	assert_int_equal(elf_closure__each(executable, &environment, take_path, files), 0);
	for (size_t i = 0; i < files->nr; i++)
		for (size_t k = 0; k < i; k++)
			assert_false(same_file(files->paths[i], files->paths[k]));
}

/* Exactly the program and the files that ldd lists for it, under the same variables. */
static void assert_same_as_ldd(const char *program, const char *library_path, const char *preload)
{
	struct elf_closure_environment environment = {
		.library_path = library_path,
		.preload = preload,
	};
	static struct files files;
	char command[2048], *lines, *rest = NULL;
	size_t nr = 1;

	close_over(program, environment, &files);
	assert_true(same_file(files.paths[0], program));
	snprintf(command, sizeof(command),
		 "LD_LIBRARY_PATH='%s' LD_PRELOAD='%s' LD_TRACE_LOADED_OBJECTS=1 '%s' | "
		 "grep -o '/[^ ]* (0x' | sed 's/ (0x//' | xargs -n1 realpath | sort -u",
		 library_path ? library_path : "", preload ? preload : "", program);
	lines = elf_fixture__output(command);
	for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		assert_visited(&files, line);
		nr++;
	}
	if (files.nr != nr)
		for (size_t i = 0; i < files.nr; i++)
			print_message("visited %s\n", files.paths[i]);
	assert_int_equal(files.nr, nr);
	free(lines);
	forget(&files);
}

static void test_system_programs(void **state)
{
	static const char *const programs[] = {
		"/bin/bash",	 "/bin/ls",	  "/usr/bin/git",
		"/usr/bin/gdb",	 "/usr/bin/perf", "/usr/bin/python3",
		"/usr/bin/gawk", "/usr/bin/sort", "/usr/bin/jq",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		char head[4] = "";
		FILE *file = fopen(programs[i], "r");

		if (!file)
			continue;
		if (fread(head, 1, 4, file) == 4 && !memcmp(head, "\177ELF", 4))
			assert_same_as_ldd(programs[i], NULL, NULL);
		fclose(file);
	}
}

static void test_run_paths(void **state)
{
	(void)state;
	elf_fixture__run(folder, "mkdir -p run/lib run/deep run/bin");
	elf_fixture__run(folder, LIBRARY "-o run/deep/libdeep.so");
	/* Not found by the program's runpath, which is for its own needs only. */
	elf_fixture__run(folder,
			 LIBRARY "-o run/lib/libside.so -Wl,--no-as-needed -Lrun/deep -ldeep "
				 "'-Wl,--enable-new-dtags,-rpath,${ORIGIN}/../deep'");
	elf_fixture__run(folder,
			 "gcc main.c -o run/bin/prog -Wl,--no-as-needed -Lrun/lib -lside "
			 "'-Wl,--enable-new-dtags,-rpath,$ORIGIN/../lib,-rpath-link,run/deep'");
	assert_same_as_ldd(under("run/bin/prog"), NULL, NULL);
	/* $ORIGIN is the folder of the file, not of a link to it. */
	elf_fixture__run(folder, "ln -s run/bin/prog link");
	assert_same_as_ldd(under("link"), NULL, NULL);
}

static void test_inherited_rpath(void **state)
{
	(void)state;
	elf_fixture__run(folder, "mkdir -p old/lib");
	elf_fixture__run(folder, LIBRARY "-o old/lib/libdeep.so");
	elf_fixture__run(folder,
			 LIBRARY "-o old/lib/libmid.so -Wl,--no-as-needed -Lold/lib -ldeep");
	/* An rpath serves the needs of the program's libraries, too; a runpath would not. */
	elf_fixture__run(folder,
			 "gcc main.c -o old/prog -Wl,--no-as-needed -Lold/lib -lmid "
			 "'-Wl,--disable-new-dtags,-rpath,$ORIGIN/lib,-rpath-link,old/lib'");
	assert_same_as_ldd(under("old/prog"), NULL, NULL);
	elf_fixture__run(folder, "gcc main.c -o old/prog2 -Wl,--no-as-needed -Lold/lib -lmid "
				 "'-Wl,--enable-new-dtags,-rpath,$ORIGIN/lib,-rpath-link,old/lib'");
	static struct files files;

	close_over(under("old/prog2"), (struct elf_closure_environment){ 0 }, &files);
	assert_visited(&files, under("old/lib/libmid.so"));
	assert_not_visited(&files, under("old/lib/libdeep.so"));
	forget(&files);
}

static void test_library_path(void **state)
{
	char list[1024];

	(void)state;
	elf_fixture__run(folder, "mkdir -p lp/one lp/two lp/wrong");
	elf_fixture__run(folder, LIBRARY "-o lp/one/libx.so -Wl,-soname,libx.so");
	elf_fixture__run(folder, LIBRARY "-o lp/two/libx.so -Wl,-soname,libx.so");
	elf_fixture__run(folder, "gcc main.c -o lp/prog -Wl,--no-as-needed -Llp/two -lx "
				 "'-Wl,--enable-new-dtags,-rpath,$ORIGIN/two'");
	assert_same_as_ldd(under("lp/prog"), NULL, NULL);
	/* Before a runpath; the first of them; files that are no libraries are passed over. */
	elf_fixture__run(folder, "echo nothing > lp/wrong/libx.so");
	elf_fixture__run(folder, "printf '\\177ELF\\1\\1\\1' > lp/32.so");
	snprintf(list, sizeof(list), "%s/none:%s/lp/one:%s/lp/two", folder, folder, folder);
	assert_same_as_ldd(under("lp/prog"), list, NULL);
	snprintf(list, sizeof(list), "%s/lp/wrong:%s/lp/one", folder, folder);
	static struct files files;

	close_over(under("lp/prog"), (struct elf_closure_environment){ .library_path = list },
		   &files);
	assert_visited(&files, under("lp/one/libx.so"));
	assert_not_visited(&files, under("lp/wrong/libx.so"));
	forget(&files);
}

static void test_old_rpath_goes_before_library_path(void **state)
{
	(void)state;
	elf_fixture__run(folder, "mkdir -p before/own before/other");
	elf_fixture__run(folder, LIBRARY "-o before/own/liby.so");
	elf_fixture__run(folder, LIBRARY "-o before/other/liby.so");
	elf_fixture__run(folder, "gcc main.c -o before/prog -Wl,--no-as-needed -Lbefore/own -ly "
				 "'-Wl,--disable-new-dtags,-rpath,$ORIGIN/own'");
	assert_same_as_ldd(under("before/prog"), under("before/other"), NULL);
}

static void test_preload(void **state)
{
	char list[1024];

	(void)state;
	elf_fixture__run(folder, "mkdir -p pre/lib");
	elf_fixture__run(folder, LIBRARY "-o pre/lib/libdep.so");
	elf_fixture__run(folder, LIBRARY "-o pre/first.so -Wl,--no-as-needed -Lpre/lib -ldep "
					 "'-Wl,-rpath,$ORIGIN/lib'");
	elf_fixture__run(folder, LIBRARY "-o pre/second.so");
	elf_fixture__run(folder, "gcc main.c -o pre/prog");
	snprintf(list, sizeof(list), "%s/pre/first.so:%s/pre/second.so", folder, folder);
	assert_same_as_ldd(under("pre/prog"), NULL, list);
	snprintf(list, sizeof(list), "%s/pre/first.so  %s/pre/none.so libm.so.6", folder, folder);
	static struct files files;

	close_over(under("pre/prog"), (struct elf_closure_environment){ .preload = list }, &files);
	assert_visited(&files, under("pre/first.so"));
	assert_visited(&files, under("pre/lib/libdep.so"));
	assert_non_null(strstr(files.paths[3], "/libm.so.6"));
	forget(&files);
}

static void test_soname_satisfies(void **state)
{
	(void)state;
	elf_fixture__run(folder, "mkdir -p so");
	elf_fixture__run(folder, LIBRARY "-o so/libz9.so -Wl,-soname,libz9.so.1");
	elf_fixture__run(folder, "cp so/libz9.so so/libz9.so.1");
	elf_fixture__run(folder,
			 "gcc main.c -o so/prog -Wl,--no-as-needed -Lso -lz9 '-Wl,-rpath,$ORIGIN'");
	assert_same_as_ldd(under("so/prog"), NULL, under("so/libz9.so"));
}

static void test_processor_folders_and_lib_token(void **state)
{
	static struct files files;

	(void)state;
	elf_fixture__run(folder, "mkdir -p hw/lib64/glibc-hwcaps/x86-64-v2 hw/lib64/glibc-hwcaps/"
				 "x86-64-v4 hw/lib");
	elf_fixture__run(folder, LIBRARY "-o hw/lib64/libh.so");
	elf_fixture__run(folder, "cp hw/lib64/libh.so hw/lib64/glibc-hwcaps/x86-64-v2/; "
				 "cp hw/lib64/libh.so hw/lib64/glibc-hwcaps/x86-64-v4/; "
				 "cp hw/lib64/libh.so hw/lib/");
	elf_fixture__run(folder, "gcc main.c -o hw/prog -Wl,--no-as-needed -Lhw/lib64 -lh "
				 "'-Wl,-rpath,$ORIGIN/$LIB'");
	close_over(under("hw/prog"), (struct elf_closure_environment){ 0 }, &files);
	assert_visited(&files, under("hw/lib64/libh.so"));
	assert_visited(&files, under("hw/lib64/glibc-hwcaps/x86-64-v2/libh.so"));
	assert_visited(&files, under("hw/lib64/glibc-hwcaps/x86-64-v4/libh.so"));
	assert_visited(&files, under("hw/lib/libh.so"));
	forget(&files);
}

static void test_own_root_and_cache(void **state)
{
	struct elf_closure_environment environment;
	static struct files files;
	char root[512];

	(void)state;
	elf_fixture__run(folder, "mkdir -p root/etc root/opt/odd root/lib64 root/usr/lib root/bin");
	elf_fixture__run(folder, "cp -L /lib64/ld-linux-x86-64.so.2 root/lib64/");
	elf_fixture__run(folder, LIBRARY "-o root/opt/odd/libodd.so.1 -Wl,-soname,libodd.so.1");
	elf_fixture__run(folder, LIBRARY "-o root/usr/lib/libpre.so");
	elf_fixture__run(folder, "cp -L $(gcc -print-file-name=libc.so.6) root/usr/lib/libc.so.6");
	elf_fixture__run(folder, "gcc main.c -o root/bin/prog -Wl,--no-as-needed "
				 "root/opt/odd/libodd.so.1");
	elf_fixture__text(folder, "root/etc/ld.so.conf", "/opt/odd\n");
	elf_fixture__text(folder, "root/etc/ld.so.preload",
			  "# a comment /usr/lib/libc.so.6\n\t/usr/lib/libpre.so # and another\n");
	elf_fixture__run(folder, "/sbin/ldconfig -r root -f /etc/ld.so.conf -C /etc/ld.so.cache");
	snprintf(root, sizeof(root), "%s/root", folder);
	environment = (struct elf_closure_environment){ .root = root };
	close_over("/bin/prog", environment, &files);
	assert_int_equal(files.nr, 5);
	assert_visited(&files, under("root/bin/prog"));
	assert_visited(&files, under("root/lib64/ld-linux-x86-64.so.2"));
	assert_visited(&files, under("root/usr/lib/libpre.so"));
	assert_visited(&files, under("root/opt/odd/libodd.so.1"));
	assert_visited(&files, under("root/usr/lib/libc.so.6")); /* a default folder */
	forget(&files);
	elf_fixture__text(folder, "root/etc/ld.so.cache", "damaged");
	close_over("/bin/prog", environment, &files);
	assert_int_equal(files.nr, 4);
	forget(&files);
}

static void test_loader_installed_elsewhere(void **state)
{
	static struct files files;

	(void)state;
	elf_fixture__run(folder, "mkdir -p own/lib; cp -L /lib64/ld-linux-x86-64.so.2 own/lib/; "
				 "cp -L $(gcc -print-file-name=libc.so.6) own/lib/");
	elf_fixture__run(folder,
			 "gcc main.c -o own/prog -Wl,--dynamic-linker=%s/own/lib/"
			 "ld-linux-x86-64.so.2",
			 folder);
	close_over(under("own/prog"), (struct elf_closure_environment){ 0 }, &files);
	assert_visited(&files, under("own/lib/ld-linux-x86-64.so.2"));
	assert_visited(&files, under("own/lib/libc.so.6"));
	forget(&files);
}

static void test_musl(void **state)
{
	static struct files files;

	(void)state;
	if (!elf_fixture__has_command("musl-gcc") || access("/lib/ld-musl-x86_64.so.1", R_OK))
		skip();
	elf_fixture__run(folder, "mkdir -p musl/lib");
	elf_fixture__run(folder, LIBRARY "-o musl/lib/libm9.so");
	elf_fixture__run(folder, "musl-gcc main.c -o musl/prog -Wl,--no-as-needed -Lmusl/lib -lm9 "
				 "'-Wl,-rpath,$ORIGIN/lib'");
	close_over(under("musl/prog"), (struct elf_closure_environment){ 0 }, &files);
	assert_int_equal(files.nr, 3);
	assert_visited(&files, "/lib/ld-musl-x86_64.so.1");
	assert_visited(&files, under("musl/lib/libm9.so"));
	forget(&files);
	/* Its own list of folders. */
	elf_fixture__run(folder, "mkdir -p mroot/lib mroot/etc mroot/special; "
				 "cp -L /lib/ld-musl-x86_64.so.1 mroot/lib/; "
				 "cp musl/lib/libm9.so mroot/special; cp musl/prog mroot/");
	elf_fixture__text(folder, "mroot/etc/ld-musl-x86_64.path", "/lib\n/special\n");
	close_over("/prog", (struct elf_closure_environment){ .root = under("mroot") }, &files);
	assert_int_equal(files.nr, 3);
	assert_visited(&files, under("mroot/special/libm9.so"));
	forget(&files);
}

static void test_static_programs(void **state)
{
	static const char *const ways[] = { "-static", "-static-pie" };
	static struct files files;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		elf_fixture__run(folder, "gcc main.c %s -o alone", ways[i]);
		close_over(under("alone"),
			   (struct elf_closure_environment){ .preload = "libm.so.6" }, &files);
		assert_int_equal(files.nr, 1);
		assert_string_equal(files.paths[0], under("alone"));
		forget(&files);
	}
}

static void test_scripts(void **state)
{
	struct elf_closure_environment environment = { .search_path = folder };
	static struct files files;
	char text[600];

	(void)state;
	elf_fixture__run(folder, "gcc main.c -o interpreter; gcc main.c -static -o found");
	snprintf(text, sizeof(text), "#! \t%s/interpreter -x y\nanything\n", folder);
	elf_fixture__text(folder, "script", text);
	close_over(under("script"), environment, &files);
	assert_string_equal(files.paths[0], under("interpreter"));
	assert_in_range(files.nr, 3, 3);
	forget(&files);

	/* A script as the interpreter of a script. */
	snprintf(text, sizeof(text), "#!%s/script", folder);
	elf_fixture__text(folder, "script2", text);
	elf_fixture__run(folder, "chmod +x script script2 interpreter");
	close_over(under("script2"), environment, &files);
	assert_string_equal(files.paths[0], under("interpreter"));
	forget(&files);

	elf_fixture__text(folder, "by-env", "#!/usr/bin/env -S A=1 found -q\n");
	close_over(under("by-env"), environment, &files);
	assert_string_equal(files.paths[0], "/usr/bin/env");
	assert_string_equal(files.paths[files.nr - 1], under("found"));
	forget(&files);
	elf_fixture__text(folder, "by-env", "#!/usr/bin/env found \t\n");
	close_over(under("by-env"), environment, &files);
	assert_string_equal(files.paths[files.nr - 1], under("found"));
	forget(&files);
	elf_fixture__text(folder, "by-env", "#!/usr/bin/env not-there\n");
	close_over(under("by-env"), environment, &files);
	assert_string_equal(files.paths[0], "/usr/bin/env");
	forget(&files);
}

/* A command may run the programs that it names, with the variables that it is given for them. */
static void test_words_of_a_command(void **state)
{
	char preload[600], other_path[600];
	const char *const arguments[] = { "-n", "5", preload, "worded", NULL };
	const char *const elsewhere[] = { other_path, "worded", NULL };
	struct elf_closure_environment environment = {
		.search_path = folder,
		.library_path = folder,
		.arguments = arguments,
	};
	static struct files files;

	(void)state;
	elf_fixture__run(folder, LIBRARY "-o worded.so");
	elf_fixture__run(folder, LIBRARY "-o libfor_worded.so");
	elf_fixture__run(folder, "gcc main.c -o worded -Wl,--no-as-needed -L. -lfor_worded");
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s/worded.so", folder);
	snprintf(other_path, sizeof(other_path), "PATH=%s/none", folder);
	close_over("/usr/bin/env", environment, &files);
	assert_true(same_file(files.paths[0], "/usr/bin/env"));
	assert_visited(&files, under("worded"));
	assert_visited(&files, under("worded.so"));
	assert_visited(&files, under("libfor_worded.so"));
	forget(&files);

	environment.arguments = elsewhere;
	close_over("/usr/bin/env", environment, &files);
	assert_not_visited(&files, under("worded"));
	forget(&files);
}

/* "env -i" and the like leave nothing of our variables. */
static void test_words_without_our_variables(void **state)
{
	char program[600];
	const char *const arguments[] = { program, NULL };
	struct elf_closure_environment environment = {
		.library_path = folder,
		.arguments = arguments,
	};
	static struct files files;

	(void)state;
	elf_fixture__run(folder, "mkdir -p two; " LIBRARY "-o two/libtwo.so; cp two/libtwo.so .");
	elf_fixture__run(folder, "gcc main.c -o with_two -Wl,--no-as-needed -Ltwo -ltwo "
				 "'-Wl,-rpath,$ORIGIN/two'");
	snprintf(program, sizeof(program), "%s/with_two", folder);
	close_over("/usr/bin/env", environment, &files);
	assert_visited(&files, under("libtwo.so"));
	assert_visited(&files, under("two/libtwo.so"));
	forget(&files);
}

/* Scripts that name each other in every word end all the same. */
static void test_words_are_bounded(void **state)
{
	const char *const arguments[] = { "1",	"2",  "3",  "4",  "5",	"6",  "7",  "8",    "9",
					  "10", "11", "12", "13", "14", "15", "16", "late", NULL };
	struct elf_closure_environment environment = { .search_path = folder };
	static struct files files;
	char text[700];

	(void)state;
	elf_fixture__run(folder, "gcc main.c -static -o late");
	environment.arguments = arguments + 1;
	close_over("/usr/bin/env", environment, &files);
	assert_visited(&files, under("late"));
	forget(&files);
	environment.arguments = arguments;
	close_over("/usr/bin/env", environment, &files);
	assert_not_visited(&files, under("late"));
	forget(&files);

	snprintf(text, sizeof(text), "#!/usr/bin/env -S itself itself itself itself itself\n");
	elf_fixture__text(folder, "itself", text);
	elf_fixture__run(folder, "chmod +x itself");
	environment.arguments = NULL;
	close_over(under("itself"), environment, &files);
	assert_string_equal(files.paths[0], "/usr/bin/env");
	forget(&files);
}

static void test_visit_stops(void **state)
{
	struct elf_closure_environment environment = { .root = NULL };
	static struct files files;

	(void)state;
	files.stop_at = 2;
	assert_int_equal(elf_closure__each("/bin/ls", &environment, take_path, &files), 42);
	assert_int_equal(files.nr, 2);
	forget(&files);
}

static void test_missing_libraries_are_skipped(void **state)
{
	static struct files files;

	(void)state;
	elf_fixture__run(folder, LIBRARY "-o libgone.so");
	elf_fixture__run(folder,
			 "gcc main.c -o gone -Wl,--no-as-needed -L. -lgone && rm libgone.so");
	close_over(under("gone"), (struct elf_closure_environment){ 0 }, &files);
	assert_int_equal(files.nr, 3);
	forget(&files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_system_programs),
		cmocka_unit_test(test_run_paths),
		cmocka_unit_test(test_inherited_rpath),
		cmocka_unit_test(test_library_path),
		cmocka_unit_test(test_old_rpath_goes_before_library_path),
		cmocka_unit_test(test_preload),
		cmocka_unit_test(test_soname_satisfies),
		cmocka_unit_test(test_processor_folders_and_lib_token),
		cmocka_unit_test(test_own_root_and_cache),
		cmocka_unit_test(test_loader_installed_elsewhere),
		cmocka_unit_test(test_musl),
		cmocka_unit_test(test_static_programs),
		cmocka_unit_test(test_scripts),
		cmocka_unit_test(test_words_of_a_command),
		cmocka_unit_test(test_words_without_our_variables),
		cmocka_unit_test(test_words_are_bounded),
		cmocka_unit_test(test_visit_stops),
		cmocka_unit_test(test_missing_libraries_are_skipped),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

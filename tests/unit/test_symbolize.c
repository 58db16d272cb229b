// SPDX-License-Identifier: GPL-2.0
/*
 * symbolize.h over real files: small programs are compiled into a folder of their own, and what the
 * symbolizer says of their addresses is compared with their source. Then the same files are made
 * hostile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "failing_alloc.h"
#include "symbolize.h"

#define BASE 0x7f0000000000
#define MAX_FRAMES 16

/* A marker names an instruction of its own line, which the compiler can't move elsewhere. */
static const char leak_source[] =
	"#include <stdlib.h>\n"
	"void *volatile sink;\n"
	"#define MARK(name) __asm__ volatile(\".globl \" #name \"\\n\" #name \": nop\")\n"
	"static inline __attribute__((always_inline)) void inner(int n)\n"
	"{\n"
	"	MARK(mark_inner); sink = malloc(n);\n" /* line 6 */
	"}\n"
	"static inline __attribute__((always_inline)) void middle(int n)\n"
	"{\n"
	"	if (n > 1)\n"
	"		inner(n + 1);\n" /* line 11 */
	"}\n"
	"__attribute__((noinline)) int outer(int n)\n"
	"{\n"
	"	middle(n);\n" /* line 15 */
	"	return 0;\n"
	"}\n"
	"static __attribute__((noinline)) void fails(void)\n"
	"{\n"
	"	abort();\n" /* line 20 */
	"}\n"
	"__attribute__((noinline)) void other(void) { sink = 0; }\n"
	"int main(int argc, char **argv)\n"
	"{\n"
	"	(void)argv;\n"
	"	if (argc > 100)\n"
	"		fails();\n"
	"	other();\n"
	"	return outer(argc);\n"
	"}\n";

static const char names_source[] =
	"#include <string>\n"
	"#include <vector>\n"
	"namespace shop {\n"
	"template <typename T> struct shelf {\n"
	"	__attribute__((noinline)) int put(const T &, int n) { return n + 1; }\n"
	"};\n"
	"}\n"
	"template struct shop::shelf<char>;\n"
	"extern \"C\" __attribute__((noinline)) int plain(int n) { return n + 2; }\n"
	"int main(int argc, char **) { shop::shelf<char> s; return s.put('c', argc) + plain(argc); }\n";

static char folder[] = "/tmp/memleak-symbolize-XXXXXX";

/* The shell gets the folder as its working directory. */
static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void run(const char *format, ...)
{
	char command[2048];
	va_list arguments;
	int length = snprintf(command, sizeof(command), "cd %s && ", folder);

	va_start(arguments, format);
	length += vsnprintf(command + length, sizeof(command) - length, format, arguments);
	va_end(arguments);
	assert_true(length < (int)sizeof(command));
	if (system(command))
		fail_msg("failed: %s", command);
}

static char *in_folder(const char *name)
{
	static char paths[4][512];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(*paths), "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, const char *text, size_t length)
{
	FILE *file = fopen(in_folder(name), "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	fclose(file);
}

/* A mapping of the whole file at BASE, so that address = BASE + file offset. */
static struct mapping map_file(const char *name)
{
	char *path = in_folder(name);
	struct mapping map = { .start = BASE, .end = BASE + (1ull << 32), .path = path };
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	map.dev_major = major(status.st_dev);
	map.dev_minor = minor(status.st_dev);
	map.inode = status.st_ino;
	return map;
}

/* The address of a symbol, as BASE + its file offset. The file must have a symbol table. */
static uint64_t address_of(const char *file_name, const char *symbol)
{
	char line[1024], name[512];
	uint64_t value = 0, address = 0;
	FILE *nm;
	Elf *elf;
	size_t nr;
	int fd;

	snprintf(line, sizeof(line), "nm %s", in_folder(file_name));
	nm = popen(line, "r");
	while (!value && fgets(line, sizeof(line), nm)) {
		if (sscanf(line, "%jx %*c %500s", (uintmax_t *)&value, name) != 2 ||
		    strcmp(name, symbol))
			value = 0;
	}
	pclose(nm);
	if (!value)
		fail_msg("%s is not in %s", symbol, file_name);

	fd = open(in_folder(file_name), O_RDONLY);
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	elf_getphdrnum(elf, &nr);
	for (size_t i = 0; i < nr; i++) {
		GElf_Phdr header;

		if (gelf_getphdr(elf, i, &header) && header.p_type == PT_LOAD &&
		    value - header.p_vaddr < header.p_filesz)
			address = BASE + value - header.p_vaddr + header.p_offset;
	}
	elf_end(elf);
	close(fd);
	assert_true(address);
	return address;
}

static const char *frames_text(struct symbolizer *symbolizer, const struct mapping *map,
			       uint64_t address, bool is_return_address)
{
	struct report_frame frames[MAX_FRAMES];
	unsigned int nr = symbolizer__resolve(symbolizer, map, address, is_return_address, frames,
					      MAX_FRAMES);
	static char text[16384];
	int length = 0;

	assert_true(nr >= 1 && nr <= MAX_FRAMES);
	text[0] = '\0';
	for (unsigned int i = 0; i < nr; i++) {
		length += snprintf(text + length, sizeof(text) - length, "%s%s %s:%u",
				   i ? " < " : "", frames[i].function ? frames[i].function : "?",
				   frames[i].file ? frames[i].file : "?", frames[i].line);
		assert_int_equal(frames[i].inlined, i + 1 < nr);
		assert_true(frames[i].address == address);
		assert_string_equal(frames[i].module, map->path);
		assert_true(frames[i].module_offset == address - BASE);
	}
	return text;
}

static int compile_fixtures(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	write_file("leak64.c", leak_source, strlen(leak_source));
	write_file("names.cc", names_source, strlen(names_source));
	run("mkdir sub && cp leak64.c sub");
	run("gcc -g -O2 -Wl,--build-id=sha1 leak64.c -o leak64");
	run("g++ -g -O2 names.cc -o names");
	return 0;
}

static int remove_fixtures(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static const char inner_frames[] = "inner leak64.c:6 < middle leak64.c:11 < outer leak64.c:15";

/* What one file says of the marked address. */
static void assert_inner(const char *file_name, uint64_t address, const char *expected)
{
	struct symbolizer *symbolizer = symbolizer__new();
	struct mapping map = map_file(file_name);

	assert_string_equal(frames_text(symbolizer, &map, address, false), expected);
	/* Again, from the cache. */
	assert_string_equal(frames_text(symbolizer, &map, address, false), expected);
	symbolizer__free(symbolizer);
}

static void test_inlined_frames(void **state)
{
	static const char *const flags[] = {
		"-O2",
		"-O2 -gdwarf-4",
		"-O2 -gdwarf-3",
		"-O2 -gz=zlib",
		"-O2 -gdwarf-4 -gz=zlib-gnu",
		"-O2 -no-pie",
		"-O2 -static-pie",
		"-O2 -static",
		"-O2 -flto",
		"-O2 -Wl,-z,noseparate-code",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		run("gcc -g %s leak64.c -o variant", flags[i]);
		assert_inner("variant", address_of("variant", "mark_inner"), inner_frames);
	}
}

static void test_file_names(void **state)
{
	(void)state;
	run("gcc -g -O2 sub/leak64.c -o relative && gcc -g -O2 $PWD/leak64.c -o absolute");
	run("cd sub && gcc -g -O2 ../leak64.c -o ../upwards");
	assert_inner("relative", address_of("relative", "mark_inner"),
		     "inner sub/leak64.c:6 < middle sub/leak64.c:11 < outer sub/leak64.c:15");
	assert_inner("upwards", address_of("upwards", "mark_inner"),
		     "inner ../leak64.c:6 < middle ../leak64.c:11 < outer ../leak64.c:15");
	{
		char expected[512], *path = in_folder("leak64.c");

		snprintf(expected, sizeof(expected), "inner %s:6 < middle %s:11 < outer %s:15",
			 path, path, path);
		assert_inner("absolute", address_of("absolute", "mark_inner"), expected);
	}
}

/* A call of a function that doesn't return can be its caller's last instruction. */
static void test_return_address_belongs_to_the_call(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new();
	struct mapping map = map_file("leak64");
	uint64_t end = address_of("leak64", "fails");
	struct report_frame frame;

	(void)state;
	/* The function is aligned; its end is where the name ends. */
	do {
		end++;
		symbolizer__resolve(symbolizer, &map, end, false, &frame, 1);
	} while (frame.function && !strcmp(frame.function, "fails"));
	assert_string_equal(frames_text(symbolizer, &map, end, true), "fails leak64.c:20");
	symbolizer__free(symbolizer);
}

static void test_few_frames(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new();
	struct mapping map = map_file("leak64");
	uint64_t address = address_of("leak64", "mark_inner");
	struct report_frame frames[2];

	(void)state;
	assert_int_equal(symbolizer__resolve(symbolizer, &map, address, false, frames, 0), 0);
	assert_int_equal(symbolizer__resolve(symbolizer, &map, address, false, frames, 1), 1);
	assert_string_equal(frames[0].function, "outer");
	assert_int_equal(frames[0].line, 15);
	assert_false(frames[0].inlined);
	assert_int_equal(symbolizer__resolve(symbolizer, &map, address, false, frames, 2), 2);
	assert_string_equal(frames[0].function, "inner");
	assert_true(frames[0].inlined);
	assert_string_equal(frames[1].function, "outer");
	assert_false(frames[1].inlined);
	symbolizer__free(symbolizer);
}

static void test_without_a_name(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new();
	struct mapping vdso = { .start = BASE, .end = BASE + 4096, .path = (char *)"[vdso]" };
	struct mapping anonymous = { .start = BASE, .end = BASE + 4096, .path = (char *)"" };
	struct mapping map = map_file("leak64"), empty;
	struct report_frame frame;

	(void)state;
	assert_int_equal(symbolizer__resolve(symbolizer, NULL, 0x1234, true, &frame, 1), 1);
	assert_null(frame.function);
	assert_null(frame.module);
	assert_true(frame.address == 0x1234);
	assert_string_equal(frames_text(symbolizer, &vdso, BASE + 8, false), "? ?:0");
	symbolizer__resolve(symbolizer, &anonymous, BASE, true, &frame, 1);
	assert_null(frame.module);
	assert_int_equal(symbolizer__open_file(symbolizer, &vdso, NULL), -EINVAL);
	/* No function is there, or nothing at all. */
	assert_string_equal(frames_text(symbolizer, &map, BASE, true), "? ?:0");
	assert_string_equal(frames_text(symbolizer, &map, BASE + 0xffffff00, true), "? ?:0");
	write_file("empty", "", 0);
	empty = map_file("empty");
	assert_string_equal(frames_text(symbolizer, &empty, BASE + 1, false), "? ?:0");
	symbolizer__free(symbolizer);
	symbolizer__free(NULL);
}

static void test_demangles(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new();
	struct mapping map = map_file("names");

	(void)state;
	assert_string_equal(frames_text(symbolizer, &map,
					address_of("names", "_ZN4shop5shelfIcE3putERKci"), false),
			    "shop::shelf<char>::put(char const&, int) names.cc:5");
	assert_string_equal(frames_text(symbolizer, &map, address_of("names", "plain"), false),
			    "plain names.cc:9");
	symbolizer__free(symbolizer);
}

/* Names that no C compiler would accept, by way of the assembler. */
static void test_names_of_all_kinds(void **state)
{
	static const struct {
		const char *symbol, *shown;
	} names[] = {
		{ "_RNvC6_123foo3bar", "123foo::bar" },
		{ "_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE",
		  "core::fmt::Write::write_fmt" },
		{ "_Z3fooi.isra.0.cold", "foo(int)" },
		{ "clone.constprop.0", "clone" },
		{ "part.part.2", "part" },
		{ "lto.lto_priv.1", "lto" },
		{ ".cold", ".cold" },
		{ "dotted.name", "dotted.name" },
		{ "_ZNotMangled", "_ZNotMangled" },
		{ "_Z", "_Z" },
		{ "_", "_" },
		{ "versioned@@V_1", "versioned" },
	};
	size_t nr = sizeof(names) / sizeof(*names);
	struct symbolizer *symbolizer;
	struct mapping map;
	uint64_t base;
	FILE *source = fopen(in_folder("kinds.s"), "w");

	(void)state;
	fprintf(source, ".text\n.globl first\nfirst:\n");
	for (size_t i = 0; i < nr; i++)
		fprintf(source,
			".type \"s%zu\", @function\n\"s%zu\": .skip 16, 0x90\n"
			".size \"s%zu\", 16\n",
			i, i, i);
	fclose(source);
	run("gcc -shared -nostdlib kinds.s -o kinds.plain");
	source = fopen(in_folder("renames"), "w");
	for (size_t i = 0; i < nr; i++)
		fprintf(source, "s%zu %s\n", i, names[i].symbol);
	fclose(source);
	run("objcopy --redefine-syms=renames kinds.plain kinds");
	base = address_of("kinds", "first");
	map = map_file("kinds");
	symbolizer = symbolizer__new();
	for (size_t i = 0; i < nr; i++) {
		struct report_frame frame;

		symbolizer__resolve(symbolizer, &map, base + 16 * i + 3, false, &frame, 1);
		assert_non_null(frame.function);
		assert_string_equal(frame.function, names[i].shown);
	}
	symbolizer__free(symbolizer);
}

/*
 * Names made to hurt: one that doubles with each argument, pair<pair<…>, pair<…>>, to some
 * gigabytes, one nested too deeply for a stack, one that is merely long. They are shown as they are.
 */
static void test_hostile_names(void **state)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	struct symbolizer *symbolizer = symbolizer__new();
	char names[3][9000];
	struct mapping map;
	uint64_t base;
	FILE *source = fopen(in_folder("hostile.s"), "w");
	int length;

	(void)state;
	length = sprintf(names[0], "_Z1fSt4pairIiiE");
	for (int i = 0; i < 32; i++)
		length += sprintf(names[0] + length, "S_IS%c_S%c_E", digits[i], digits[i]);
	length = sprintf(names[1], "_Z1f");
	memset(names[1] + length, 'P', 8000);
	strcpy(names[1] + length + 8000, "i");
	memset(names[2], 'n', sizeof(names[2]));
	names[2][sizeof(names[2]) - 1] = '\0';

	fprintf(source, ".text\n.globl first\nfirst:\n");
	for (int i = 0; i < 3; i++)
		fprintf(source, ".type %s, @function\n%s: .skip 16, 0x90\n.size %s, 16\n", names[i],
			names[i], names[i]);
	fclose(source);
	run("gcc -shared -nostdlib hostile.s -o hostile");
	base = address_of("hostile", "first");
	map = map_file("hostile");
	for (int i = 0; i < 3; i++) {
		struct report_frame frame;

		symbolizer__resolve(symbolizer, &map, base + 16 * i + 3, false, &frame, 1);
		assert_non_null(frame.function);
		assert_true(strlen(frame.function) > 200);
		assert_memory_equal(frame.function, names[i], strlen(frame.function));
	}
	symbolizer__free(symbolizer);
}

/* Of several names for an address, and of labels and nested functions. */
static void test_choice_of_symbol(void **state)
{
	static const char source[] =
		".text\n"
		".macro name n:req, bind\n .\\bind \\n\n .type \\n, @function\n \\n:\n .endm\n"
		".globl __libc_take, _IO_take\n.weak take\n.local __GI_take, take_local\n"
		".type __libc_take, @function\n.type _IO_take, @function\n.type take, @function\n"
		".type __GI_take, @function\n.type take_local, @function\n"
		"__libc_take: _IO_take: take: __GI_take: take_local: .skip 32, 0x90\n"
		".size __libc_take, 32\n.size _IO_take, 32\n.size take, 32\n.size __GI_take, 32\n"
		".size take_local, 32\n"
		"label: .skip 32, 0x90\n" /* without type or size */
		".globl big\n.type big, @function\nbig: .skip 16, 0x90\n"
		".type nested, @function\nnested: .skip 16, 0x90\n.size nested, 16\n"
		"inside: .skip 32, 0x90\n" /* a label within a sized function names nothing */
		".size big, 64\n"
		".type gap, @function\n.size gap, 8\ngap: .skip 32, 0x90\n"
		".globl last\nlast: .skip 32, 0x90\n"
		".data\n.globl datum\ndatum: .quad 1\n";
	struct symbolizer *symbolizer = symbolizer__new();
	struct mapping map;
	uint64_t base;

	(void)state;
	write_file("choice.s", source, strlen(source));
	run("gcc -shared -nostdlib choice.s -o choice");
	base = address_of("choice", "take");
	map = map_file("choice");
	assert_string_equal(frames_text(symbolizer, &map, base + 31, false), "take ?:0");
	assert_string_equal(frames_text(symbolizer, &map, base + 32 + 5, false), "label ?:0");
	assert_string_equal(frames_text(symbolizer, &map, base + 64 + 5, false), "big ?:0");
	assert_string_equal(frames_text(symbolizer, &map, base + 64 + 20, false), "nested ?:0");
	assert_string_equal(frames_text(symbolizer, &map, base + 64 + 40, false), "big ?:0");
	assert_string_equal(frames_text(symbolizer, &map, base + 128 + 4, false), "gap ?:0");
	assert_string_equal(frames_text(symbolizer, &map, base + 128 + 20, false), "? ?:0");
	assert_string_equal(frames_text(symbolizer, &map, base + 160 + 31, false), "last ?:0");
	assert_string_equal(frames_text(symbolizer, &map, base + 160 + 33, false), "? ?:0");
	symbolizer__free(symbolizer);
}

static void test_separate_debug_file(void **state)
{
	uint64_t address = address_of("leak64", "mark_inner");

	(void)state;
	/* By .gnu_debuglink, beside the file and in .debug; checked by build ID. */
	run("objcopy --only-keep-debug leak64 stripped.debug && strip -o stripped leak64 && "
	    "objcopy --add-gnu-debuglink=stripped.debug stripped");
	assert_inner("stripped", address, inner_frames);
	run("mkdir .debug && mv stripped.debug .debug");
	assert_inner("stripped", address, inner_frames);

	/* One of another build is refused. */
	run("gcc -g -O1 -Wl,--build-id=sha1 leak64.c -o another && "
	    "objcopy --only-keep-debug another stripped.debug && rm .debug/stripped.debug");
	assert_inner("stripped", address, "? ?:0");

	/* Without a build ID the checksum decides. */
	run("gcc -g -O2 -Wl,--build-id=none leak64.c -o plain && "
	    "objcopy --only-keep-debug plain plain.debug && strip -o linked plain && "
	    "objcopy --add-gnu-debuglink=plain.debug linked");
	address = address_of("plain", "mark_inner");
	assert_inner("linked", address, inner_frames);
	run("printf x >> plain.debug");
	assert_inner("linked", address, "? ?:0");
	/* One that would block is not even opened. */
	run("rm plain.debug && mkfifo plain.debug");
	assert_inner("linked", address, "? ?:0");
	run("rm -r .debug plain.debug stripped.debug");
}

/* The library's own exported names are left when everything else is stripped. */
static void test_dynamic_symbols(void **state)
{
	uint64_t address;

	(void)state;
	run("gcc -O2 -shared -fPIC leak64.c -o library.full && strip -o library library.full");
	address = address_of("library.full", "outer");
	assert_inner("library", address, "outer ?:0");
	/* Its local function is unknown, and must not get a neighbour's name. */
	assert_inner("library", address_of("library.full", "fails"), "? ?:0");
}

static void test_other_files_are_never_used(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new();
	struct mapping map;
	uint64_t address = address_of("leak64", "mark_inner");
	char link[64];
	int fd;

	(void)state;
	run("cp leak64 replaced && cp leak64 impostor");
	map = map_file("replaced");
	fd = open(map.path, O_RDONLY);
	run("mv impostor replaced");
	assert_string_equal(frames_text(symbolizer, &map, address, false), "? ?:0");
	assert_int_equal(symbolizer__open_file(symbolizer, &map, NULL), -ESTALE);
	run("rm replaced");
	assert_int_equal(symbolizer__open_file(symbolizer, &map, NULL), -ENOENT);
	run("mkfifo replaced");
	assert_int_equal(symbolizer__open_file(symbolizer, &map, NULL), -EINVAL);
	assert_int_equal(symbolizer__open_file(symbolizer, &map, "/dev/zero"), -EINVAL);
	assert_string_equal(frames_text(symbolizer, &map, address, false), "? ?:0");
	/* It is deleted, but who has it open can still reach it. */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	assert_int_equal(symbolizer__open_file(symbolizer, &map, link), 0);
	close(fd);
	assert_string_equal(frames_text(symbolizer, &map, address, false), inner_frames);
	run("rm replaced");
	symbolizer__free(symbolizer);

	/* The right number on another device. */
	symbolizer = symbolizer__new();
	map = map_file("leak64");
	map.dev_minor++;
	assert_string_equal(frames_text(symbolizer, &map, address, false), "? ?:0");
	symbolizer__free(symbolizer);
}

/* Opened when it was mapped, a file keeps its names although its path has passed to another. */
static void test_opened_early(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new();
	uint64_t address = address_of("leak64", "mark_inner");
	struct mapping map, again;

	(void)state;
	run("cp leak64 early");
	map = map_file("early");
	assert_int_equal(symbolizer__open_file(symbolizer, &map, map.path), 0);
	run("rm early && cp names early");
	again = map_file("early");
	/* Kept open, the inode can't be given to the new file. */
	assert_true(again.inode != map.inode);
	assert_string_equal(frames_text(symbolizer, &map, address, false), inner_frames);
	assert_string_equal(frames_text(symbolizer, &again, address_of("early", "plain"), false),
			    "plain names.cc:9");
	symbolizer__free(symbolizer);
}

static void test_rewritten_in_place(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new();
	uint64_t address = address_of("leak64", "mark_inner");
	struct report_frame old;
	struct mapping map;

	(void)state;
	run("cp leak64 rewritten");
	map = map_file("rewritten");
	assert_int_equal(symbolizer__open_file(symbolizer, &map, NULL), 0);
	symbolizer__resolve(symbolizer, &map, address, false, &old, 1);
	run("cat names > rewritten");
	assert_int_equal(symbolizer__open_file(symbolizer, &map, NULL), 0);
	assert_string_equal(frames_text(symbolizer, &map, address_of("names", "plain"), false),
			    "plain names.cc:9");
	assert_string_equal(old.function, "outer");
	/* Truncated under our eyes: nothing is mapped, so nothing faults. */
	assert_int_equal(truncate(map.path, 100), 0);
	frames_text(symbolizer, &map, address_of("names", "main"), false);
	symbolizer__free(symbolizer);
}

static void test_paths_with_newlines(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new();
	uint64_t address = address_of("leak64", "mark_inner");
	struct mapping map;

	(void)state;
	run("cp leak64 'two\nlines'");
	map = map_file("two\nlines");
	/* As /proc/PID/maps would show it. */
	map.path = in_folder("two\\012lines");
	assert_string_equal(frames_text(symbolizer, &map, address, false), inner_frames);
	symbolizer__free(symbolizer);
}

/*
 * Split DWARF: the lines are in the file, the inlined functions in a .dwo, which is not followed,
 * and must not be opened even where libdw would.
 */
static void test_split_dwarf_is_not_followed(void **state)
{
	(void)state;
	for (int version = 4; version <= 5; version++) {
		run("rm -f *.dwo; gcc -g -O2 -gdwarf-%d -gsplit-dwarf leak64.c -o split && "
		    "for f in *.dwo; do rm $f && mkfifo $f; done",
		    version);
		assert_inner("split", address_of("split", "mark_inner"), "outer leak64.c:6");
	}
}

/* .gnu_debugaltlink with a FIFO behind it: opened, it would hang us. */
static void test_alternate_file_is_not_trusted(void **state)
{
	FILE *link;

	(void)state;
	link = fopen(in_folder("altlink"), "w");
	fprintf(link, "%s", in_folder("alternate.fifo"));
	fputc(0, link);
	fprintf(link, "01234567890123456789");
	fclose(link);
	run("mkfifo alternate.fifo && objcopy --add-section .gnu_debugaltlink=altlink leak64 alt");
	assert_inner("alt", address_of("alt", "mark_inner"), "outer ?:0");
}

/* Each file: something is said of it, or nothing; it never crashes and never takes long. */
static void resolve_some(struct mapping *map, uint64_t address)
{
	struct symbolizer *symbolizer = symbolizer__new();
	struct report_frame frames[MAX_FRAMES];

	for (int64_t i = -64; i < 64; i++) {
		unsigned int nr = symbolizer__resolve(symbolizer, map, address + 16 * i, i & 1,
						      frames, MAX_FRAMES);

		assert_true(nr >= 1 && nr <= MAX_FRAMES);
	}
	symbolizer__free(symbolizer);
}

static char *read_whole(const char *name, size_t *length)
{
	FILE *file = fopen(in_folder(name), "r");
	char *bytes;

	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	*length = ftell(file);
	rewind(file);
	bytes = malloc(*length);
	assert_int_equal(fread(bytes, 1, *length, file), *length);
	fclose(file);
	return bytes;
}

static void test_damaged_files(void **state)
{
	const char *rounds_text = getenv("MEMLEAK_TEST_ROUNDS");
	int nr_rounds = rounds_text ? atoi(rounds_text) : 300;
	uint64_t address = address_of("names", "main");
	unsigned int random_state = 1;
	size_t length;
	char *good = read_whole("names", &length), *bad = malloc(length);

	(void)state;
	for (int round = 0; round < nr_rounds; round++) {
		size_t kept = length;
		struct mapping map;

		memcpy(bad, good, length);
		for (int i = rand_r(&random_state) % 60; i >= 0; i--) {
			size_t at = rand_r(&random_state) % length;

			/* Headers and section headers are small but matter most. */
			if (!(rand_r(&random_state) % 8))
				at %= 1024;
			else if (!(rand_r(&random_state) % 8))
				at = length - 1 - at % 2560;
			bad[at] = rand_r(&random_state) % 4 ? rand_r(&random_state) : 0xff;
		}
		if (!(rand_r(&random_state) % 10))
			kept = rand_r(&random_state) % length;
		write_file("damaged", bad, kept);
		map = map_file("damaged");
		resolve_some(&map, address);
	}
	free(bad);
	free(good);
}

/* Fails each allocation in turn: frames without names, then with, and never a crash. */
static void test_out_of_memory(void **state)
{
	uint64_t address = address_of("leak64", "mark_inner");
	struct mapping map = map_file("leak64");
	bool complete = false;

	(void)state;
	failing_alloc__after(0);
	assert_null(symbolizer__new());
	failing_alloc__after(1);
	assert_null(symbolizer__new());
	failing_alloc__never();
	for (long nr = 0; !complete; nr++) {
		struct symbolizer *symbolizer = symbolizer__new();
		struct report_frame frames[MAX_FRAMES];
		unsigned int nr_frames;

		failing_alloc__after(nr);
		nr_frames =
			symbolizer__resolve(symbolizer, &map, address, false, frames, MAX_FRAMES);
		assert_true(nr_frames >= 1);
		complete = nr_frames == 3 && frames[0].module && frames[0].function &&
			   frames[2].function && frames[0].file && frames[2].file;
		failing_alloc__never();
		/* Names are found once there is memory again. */
		nr_frames =
			symbolizer__resolve(symbolizer, &map, address, false, frames, MAX_FRAMES);
		assert_string_equal(frames[nr_frames - 1].function, "outer");
		assert_string_equal(frames[0].module, map.path);
		failing_alloc__after(nr);
		symbolizer__open_file(symbolizer, &map, NULL);
		failing_alloc__never();
		symbolizer__free(symbolizer);
		assert_true(nr < 1000);
	}
}

/* libc, whatever Debian built it with; its own functions must at least have names. */
static void test_a_system_library(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new();
	FILE *maps_file = fopen("/proc/self/maps", "r");
	struct mapping_set *maps = mapping_set__new();
	void *volatile function = (void *)getsubopt; /* ASan has no version of it */
	struct report_frame frames[MAX_FRAMES];
	const struct mapping *map;
	unsigned int nr;

	(void)state;
	assert_true(mapping_set__read_maps(maps, maps_file) > 0);
	fclose(maps_file);
	map = mapping_set__find(maps, (uintptr_t)function);
	nr = symbolizer__resolve(symbolizer, map, (uintptr_t)function, false, frames, MAX_FRAMES);
	assert_string_equal(frames[nr - 1].function, "getsubopt");
	mapping_set__free(maps);
	/* Strings outlive the mappings. */
	assert_non_null(strstr(frames[0].module, "libc"));
	symbolizer__free(symbolizer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inlined_frames),
		cmocka_unit_test(test_file_names),
		cmocka_unit_test(test_return_address_belongs_to_the_call),
		cmocka_unit_test(test_few_frames),
		cmocka_unit_test(test_without_a_name),
		cmocka_unit_test(test_demangles),
		cmocka_unit_test(test_names_of_all_kinds),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_choice_of_symbol),
		cmocka_unit_test(test_separate_debug_file),
		cmocka_unit_test(test_dynamic_symbols),
		cmocka_unit_test(test_other_files_are_never_used),
		cmocka_unit_test(test_opened_early),
		cmocka_unit_test(test_rewritten_in_place),
		cmocka_unit_test(test_paths_with_newlines),
		cmocka_unit_test(test_split_dwarf_is_not_followed),
		cmocka_unit_test(test_alternate_file_is_not_trusted),
		cmocka_unit_test(test_damaged_files),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_a_system_library),
	};

	/* A file that hangs us must not hang the whole run. */
	alarm(300);
	return cmocka_run_group_tests_name("symbolize", tests, compile_fixtures, remove_fixtures);
}

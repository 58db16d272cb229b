// SPDX-License-Identifier: GPL-2.0
/* See symbol_fixture.h. */
#include "symbol_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka needs these before it. */
#include <cmocka.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

void symbol_fixture__run(const char *format, ...)
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

char *symbol_fixture__path(const char *name)
{
	static char paths[4][512];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(*paths), "%s/%s", folder, name);
	return path;
}

void symbol_fixture__write(const char *name, const char *text, size_t length)
{
	FILE *file = fopen(symbol_fixture__path(name), "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	fclose(file);
}

struct mapping symbol_fixture__map(const char *name)
{
	char *path = symbol_fixture__path(name);
	struct mapping map = { .start = SYMBOL_FIXTURE_BASE,
			       .end = SYMBOL_FIXTURE_BASE + (1ull << 32),
			       .path = path };
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	map.file = file_key__of_stat(&status);
	return map;
}

uint64_t symbol_fixture__address(const char *file_name, const char *symbol)
{
	char line[1024], name[512];
	uint64_t value = 0, address = 0;
	FILE *nm;
	Elf *elf;
	size_t nr;
	int fd;

	snprintf(line, sizeof(line), "nm %s", symbol_fixture__path(file_name));
	nm = popen(line, "r");
	while (!value && fgets(line, sizeof(line), nm)) {
		if (sscanf(line, "%jx %*c %500s", (uintmax_t *)&value, name) != 2 ||
		    strcmp(name, symbol))
			value = 0;
	}
	pclose(nm);
	if (!value)
		fail_msg("%s is not in %s", symbol, file_name);

	fd = open(symbol_fixture__path(file_name), O_RDONLY);
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	elf_getphdrnum(elf, &nr);
	for (size_t i = 0; i < nr; i++) {
		GElf_Phdr header;

		if (gelf_getphdr(elf, i, &header) && header.p_type == PT_LOAD &&
		    value - header.p_vaddr < header.p_filesz)
			address = SYMBOL_FIXTURE_BASE + value - header.p_vaddr + header.p_offset;
	}
	elf_end(elf);
	close(fd);
	assert_true(address);
	return address;
}

const char *symbol_fixture__frames(struct symbolizer *symbolizer, const struct mapping *map,
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
		assert_true(frames[i].module_offset == address - SYMBOL_FIXTURE_BASE);
	}
	return text;
}

int symbol_fixture__begin(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	symbol_fixture__write("leak64.c", leak_source, strlen(leak_source));
	symbol_fixture__write("names.cc", names_source, strlen(names_source));
	symbol_fixture__run("mkdir sub && cp leak64.c sub");
	symbol_fixture__run("gcc -g -O2 -Wl,--build-id=sha1 leak64.c -o leak64");
	symbol_fixture__run("g++ -g -O2 names.cc -o names");
	return 0;
}

int symbol_fixture__end(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

void symbol_fixture__check(const char *file_name, uint64_t address, const char *expected)
{
	struct symbolizer *symbolizer = symbolizer__new(0);
	struct mapping map = symbol_fixture__map(file_name);

	assert_string_equal(symbol_fixture__frames(symbolizer, &map, address, false), expected);
	/* Again, from the cache. */
	assert_string_equal(symbol_fixture__frames(symbolizer, &map, address, false), expected);
	symbolizer__free(symbolizer);
}

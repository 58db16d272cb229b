// SPDX-License-Identifier: GPL-2.0
/* The name that the symbolizer shows: of several, of mangled ones, and of ones made to hurt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbol_fixture.h"
#include "names/symbolize.h"

static void test_demangles(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new(0);
	struct mapping map = symbol_fixture__map("names");

	(void)state;
	assert_string_equal(symbol_fixture__frames(
				    symbolizer, &map,
				    symbol_fixture__address("names", "_ZN4shop5shelfIcE3putERKci"),
				    false),
			    "shop::shelf<char>::put(char const&, int) names.cc:5");
	assert_string_equal(symbol_fixture__frames(symbolizer, &map,
						   symbol_fixture__address("names", "plain"),
						   false),
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
		{ "_ZN4shop4sellEi@V_1", "shop::sell(int)" },
	};
	size_t nr = sizeof(names) / sizeof(*names);
	struct symbolizer *symbolizer;
	struct mapping map;
	uint64_t base;
	FILE *source = fopen(symbol_fixture__path("kinds.s"), "w");

	(void)state;
	fprintf(source, ".text\n.globl first\nfirst:\n");
	for (size_t i = 0; i < nr; i++)
		fprintf(source,
			".type \"s%zu\", @function\n\"s%zu\": .skip 16, 0x90\n"
			".size \"s%zu\", 16\n",
			i, i, i);
	fclose(source);
	symbol_fixture__run("gcc -shared -nostdlib kinds.s -o kinds.plain");
	source = fopen(symbol_fixture__path("renames"), "w");
	for (size_t i = 0; i < nr; i++)
		fprintf(source, "s%zu %s\n", i, names[i].symbol);
	fclose(source);
	symbol_fixture__run("objcopy --redefine-syms=renames kinds.plain kinds");
	base = symbol_fixture__address("kinds", "first");
	map = symbol_fixture__map("kinds");
	symbolizer = symbolizer__new(0);
	for (size_t i = 0; i < nr; i++) {
		struct report_frame frame;

		symbolizer__resolve(symbolizer, &map, base + 16 * i + 3, false, &frame, 1);
		assert_non_null(frame.function);
		assert_string_equal(frame.function, names[i].shown);
		assert_non_null(frame.symbol);
		assert_string_equal(frame.symbol, names[i].symbol);
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
	struct symbolizer *symbolizer = symbolizer__new(0);
	char names[3][9000];
	struct mapping map;
	uint64_t base;
	FILE *source = fopen(symbol_fixture__path("hostile.s"), "w");
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
	symbol_fixture__run("gcc -shared -nostdlib hostile.s -o hostile");
	base = symbol_fixture__address("hostile", "first");
	map = symbol_fixture__map("hostile");
	for (int i = 0; i < 3; i++) {
		struct report_frame frame;

		symbolizer__resolve(symbolizer, &map, base + 16 * i + 3, false, &frame, 1);
		assert_non_null(frame.function);
		assert_true(strlen(frame.function) > 200);
		assert_memory_equal(frame.function, names[i], strlen(frame.function));
		assert_true(frame.symbol ? !strcmp(frame.symbol, names[i]) :
					   strlen(names[i]) > 4000);
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
	struct symbolizer *symbolizer = symbolizer__new(0);
	struct mapping map;
	uint64_t base;

	(void)state;
	symbol_fixture__write("choice.s", source, strlen(source));
	symbol_fixture__run("gcc -shared -nostdlib choice.s -o choice");
	base = symbol_fixture__address("choice", "take");
	map = symbol_fixture__map("choice");
	assert_string_equal(symbol_fixture__frames(symbolizer, &map, base + 31, false), "take ?:0");
	assert_string_equal(symbol_fixture__frames(symbolizer, &map, base + 32 + 5, false),
			    "label ?:0");
	assert_string_equal(symbol_fixture__frames(symbolizer, &map, base + 64 + 5, false),
			    "big ?:0");
	assert_string_equal(symbol_fixture__frames(symbolizer, &map, base + 64 + 20, false),
			    "nested ?:0");
	assert_string_equal(symbol_fixture__frames(symbolizer, &map, base + 64 + 40, false),
			    "big ?:0");
	assert_string_equal(symbol_fixture__frames(symbolizer, &map, base + 128 + 4, false),
			    "gap ?:0");
	assert_string_equal(symbol_fixture__frames(symbolizer, &map, base + 128 + 20, false),
			    "? ?:0");
	assert_string_equal(symbol_fixture__frames(symbolizer, &map, base + 160 + 31, false),
			    "last ?:0");
	assert_string_equal(symbol_fixture__frames(symbolizer, &map, base + 160 + 33, false),
			    "? ?:0");
	symbolizer__free(symbolizer);
}

/* Stubs have no symbols of their own; a file is mapped so that its offsets are its addresses. */
static void test_stubs(void **state)
{
	static const char source[] =
		"#include <stdlib.h>\n"
		"#include <stdio.h>\n"
		"void *volatile sink;\n"
		"int main() { sink = malloc(1); free(sink); sink = new int;\n"
		"             void (*volatile f)(const char *) = perror; f(\"\");\n"
		"             perror(\"\"); }\n";
	static const char *const flags[] = { "", "-Wl,-z,now", "-fcf-protection -Wl,-z,ibtplt" };

	(void)state;
#ifndef __x86_64__
	print_message("skipped: only the stubs of x86-64 are read\n");
	skip();
#endif
	symbol_fixture__write("stubs.cc", source, strlen(source));
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		struct symbolizer *symbolizer = symbolizer__new(0);
		char line[1024], expected[512], command[512];
		unsigned int nr_seen = 0;
		struct mapping map;
		FILE *stubs;

		symbol_fixture__run("g++ -g -O1 -fno-builtin -pie -fPIE %s stubs.cc -o stubs",
				    flags[i]);
		map = symbol_fixture__map("stubs");
		snprintf(command, sizeof(command), "objdump -dC %s", symbol_fixture__path("stubs"));
		stubs = popen(command, "r");
		while (fgets(line, sizeof(line), stubs)) {
			uintmax_t address;
			char name[256];

			if (sscanf(line, "%jx <%255[^>\n]>:", &address, name) != 2 ||
			    strlen(name) < 5 || strcmp(name + strlen(name) - 4, "@plt") ||
			    strchr(name, '*'))
				continue;
			nr_seen++;
			snprintf(expected, sizeof(expected), "%s ?:0", name);
			assert_string_equal(symbol_fixture__frames(symbolizer, &map,
								   map.start + address + 4, false),
					    expected);
		}
		pclose(stubs);
		assert_true(nr_seen >= 4);
		symbolizer__free(symbolizer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_demangles),     cmocka_unit_test(test_names_of_all_kinds),
		cmocka_unit_test(test_hostile_names), cmocka_unit_test(test_choice_of_symbol),
		cmocka_unit_test(test_stubs),
	};

	/* A file that hangs us must not hang the whole run. */
	alarm(300);
	return cmocka_run_group_tests_name("symbol_names", tests, symbol_fixture__begin,
					   symbol_fixture__end);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * 50,000 distinct addresses of a program with DWARF, as 10,000 stacks of a large one may have:
 * named within five seconds of processor time, with their lines and inlined functions, and the
 * second time from memory. Prints what it took.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "symbol_fixture.h"
#include "names/symbolize.h"

#define NR_FUNCTIONS 500
#define NR_ADDRESSES 50000
#define MAX_FRAMES 16
#ifdef __SANITIZE_ADDRESS__
#define LIMIT_S 25.0
#else
#define LIMIT_S 5.0
#endif

struct tally {
	unsigned int named, with_line, inlined;
	double seconds;
};

/* Each function has two others in it, one within the other, three times over. */
static void compile(void)
{
	FILE *source = fopen(symbol_fixture__path("large.c"), "w");

	assert_non_null(source);
	fputs("volatile int sink;\n"
	      "static inline __attribute__((always_inline)) void leaf(int n)\n"
	      "{\n"
	      "	for (int i = 0; i < n; i++)\n"
	      "		sink = sink * 3 + i;\n"
	      "}\n"
	      "static inline __attribute__((always_inline)) void branch(int n)\n"
	      "{\n"
	      "	leaf(n);\n"
	      "	sink += n;\n"
	      "	leaf(n + 1);\n"
	      "}\n",
	      source);
	for (int i = 0; i < NR_FUNCTIONS; i++)
		fprintf(source,
			"void function_%d(int n)\n{\n"
			"\tbranch(n);\n\tsink = %d;\n\tbranch(n * n);\n\tbranch(sink);\n}\n",
			i, i);
	fputs("int main(void) { return sink; }\n", source);
	fclose(source);
	symbol_fixture__run("gcc -O1 -g large.c -o large");
}

static double processor_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct tally resolve_all(struct symbolizer *symbolizer, const struct mapping *map,
				uint64_t first, uint64_t last)
{
	struct tally tally = { .seconds = -processor_s() };

	for (uint64_t i = 0; i < NR_ADDRESSES; i++) {
		uint64_t address = first + (last - first) * i / NR_ADDRESSES;
		struct report_frame frames[MAX_FRAMES];
		unsigned int nr =
			symbolizer__resolve(symbolizer, map, address, true, frames, MAX_FRAMES);

		tally.named += frames[nr - 1].function != NULL;
		tally.with_line += frames[0].line != 0;
		tally.inlined += nr - 1;
	}
	tally.seconds += processor_s();
	return tally;
}

static void test_many_addresses(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new(0);
	struct tally first, again;
	struct mapping map;
	uint64_t low, high;
	char last[32];

	(void)state;
	compile();
	snprintf(last, sizeof(last), "function_%d", NR_FUNCTIONS - 1);
	low = symbol_fixture__address("large", "function_0") + 1;
	high = symbol_fixture__address("large", last);
	assert_true(high - low >= NR_ADDRESSES);
	map = symbol_fixture__map("large");
	first = resolve_all(symbolizer, &map, low, high);
	again = resolve_all(symbolizer, &map, low, high);
	print_message("%d addresses: %.2f s, with %u inlined functions; again: %.3f s\n",
		      NR_ADDRESSES, first.seconds, first.inlined, again.seconds);
	/* Between functions there may be padding. */
	assert_true(first.named > NR_ADDRESSES * 9 / 10);
	assert_true(first.with_line > NR_ADDRESSES * 9 / 10);
	assert_true(first.inlined > NR_ADDRESSES);
	assert_int_equal(again.inlined, first.inlined);
	assert_true(first.seconds < LIMIT_S);
	assert_true(again.seconds < LIMIT_S / 10);
	symbolizer__free(symbolizer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_addresses),
	};

	alarm(300);
	return cmocka_run_group_tests_name("symbol_speed", tests, symbol_fixture__begin,
					   symbol_fixture__end);
}

// SPDX-License-Identifier: GPL-2.0
/* What is told of a probe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "allocators/probe_text.h"

static void assert_text(enum allocator_function function, const char *symbol, bool emulated,
			const char *expected)
{
	struct allocator_probe probe = {
		.found_in = ".dynsym",
		.function = function,
		.file_offset = 0x9fb20,
		.probe_offset = 0x9fb20 + 4,
		.emulated = emulated,
		.nr_rets = 3,
	};
	char text[PROBE_TEXT_BYTES];

	snprintf(probe.symbol, sizeof(probe.symbol), "%s", symbol);
	probe_text__write(&probe, text);
	assert_string_equal(text, expected);
}

static void test_return_probes(void **state)
{
	(void)state;
	assert_text(FUNCTION_MALLOC, "malloc", true,
		    "malloc                   0x9fb20+4     .dynsym        return probe");
	assert_text(FUNCTION_XALLOCX, "xallocx", false,
		    "xallocx                  0x9fb20+4     .dynsym        return probe, slow");
	assert_text(FUNCTION_DEFINED, "pool_get", true,
		    "pool_get                 0x9fb20+4     .dynsym        return probe");
}

static void test_rets(void **state)
{
	(void)state;
	assert_text(FUNCTION_NEW, "_Znwm", true,
		    "_Znwm                    0x9fb20+4     .dynsym        3 rets");
	assert_text(FUNCTION_DEFINED_BY_RET, "pool_get", false,
		    "pool_get                 0x9fb20+4     .dynsym        3 rets, slow");
	/* A ret is where it is, and its instruction is not chosen. */
	assert_text(FUNCTION_NEW_RETURN, "_Znwm", false,
		    "_Znwm                    0x9fb20       .dynsym        a ret of it");
}

static void test_one_ret(void **state)
{
	struct allocator_probe probe = {
		.symbol = "_Znwm",
		.found_in = "debug file",
		.function = FUNCTION_NEW,
		.nr_rets = 1,
		.emulated = true,
	};
	char text[PROBE_TEXT_BYTES];

	(void)state;
	probe_text__write(&probe, text);
	assert_string_equal(text, "_Znwm                    0x0+0         debug file     1 ret");
}

/* A line has no blanks at its end. */
static void test_frees(void **state)
{
	(void)state;
	assert_text(FUNCTION_FREE, "free", true, "free                     0x9fb20+4     .dynsym");
	assert_text(FUNCTION_DEFINED_FREE, "pool_put", false,
		    "pool_put                 0x9fb20+4     .dynsym        slow");
}

/* The longest name of C++'s, at the largest offset of a 256-MiB file, fits two columns further. */
static void test_long_lines(void **state)
{
	struct allocator_probe probe = {
		.symbol = "_ZnwmSt11align_val_tRKSt9nothrow_t",
		.found_in = ".gnu_debugdata",
		.function = FUNCTION_NEW,
		.file_offset = 0xfffffff,
		.probe_offset = 0xfffffff + 63,
		.nr_rets = 64,
	};
	char text[PROBE_TEXT_BYTES];

	(void)state;
	probe_text__write(&probe, text);
	assert_in_range(strlen(text), 1, 78);
	/* Where everything is as long as it can be, nothing is cut. */
	memset(probe.symbol, 'x', sizeof(probe.symbol) - 1);
	probe.file_offset = UINT64_MAX - 63;
	probe.probe_offset = UINT64_MAX;
	probe.nr_rets = UINT32_MAX;
	probe_text__write(&probe, text);
	assert_non_null(
		strstr(text, "xxx 0xffffffffffffffc0+63 .gnu_debugdata 4294967295 rets, slow"));
}

static void test_kinds_of_returns(void **state)
{
	static const enum probe_return expected[NR_ALLOCATOR_FUNCTIONS] = {
		[FUNCTION_MALLOC] = PROBE_RETURN_PROBE,
		[FUNCTION_CALLOC] = PROBE_RETURN_PROBE,
		[FUNCTION_REALLOC] = PROBE_RETURN_PROBE,
		[FUNCTION_REALLOCARRAY] = PROBE_RETURN_PROBE,
		[FUNCTION_XALLOCX] = PROBE_RETURN_PROBE,
		[FUNCTION_MEMALIGN] = PROBE_RETURN_PROBE,
		[FUNCTION_POSIX_MEMALIGN] = PROBE_RETURN_PROBE,
		[FUNCTION_FREE] = PROBE_RETURN_NONE,
		[FUNCTION_NEW] = PROBE_RETURN_RETS,
		[FUNCTION_NEW_RETURN] = PROBE_RETURN_NONE,
		[FUNCTION_DEFINED] = PROBE_RETURN_PROBE,
		[FUNCTION_DEFINED_BY_RET] = PROBE_RETURN_RETS,
		[FUNCTION_DEFINED_FREE] = PROBE_RETURN_NONE,
	};

	(void)state;
	for (int i = 0; i < NR_ALLOCATOR_FUNCTIONS; i++) {
		const struct allocator_probe probe = { .function = (enum allocator_function)i };

		assert_int_equal(probe_text__return(&probe), expected[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_return_probes), cmocka_unit_test(test_rets),
		cmocka_unit_test(test_one_ret),	      cmocka_unit_test(test_frees),
		cmocka_unit_test(test_long_lines),    cmocka_unit_test(test_kinds_of_returns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

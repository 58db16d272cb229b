// SPDX-License-Identifier: GPL-2.0
/*
 * Catches the bad_alloc of an operator new that can't be satisfied: a return probe on a function
 * that throws would abort it here. Says "ok" when it lived through all of them.
 */
#include <cstdint>
#include <new>
#include <string>
#include <vector>

#include "truth.h"

static volatile size_t huge = PTRDIFF_MAX - 4096;

static NOINLINE int catch_one()
{
	try {
		char *block = new char[huge];

		*(volatile char *)block = 1;
		return 0;
	} catch (const std::bad_alloc &) {
		return 1;
	}
}

static NOINLINE int catch_from_library()
{
	try {
		std::string text(huge / 2, 'x');

		return text.empty();
	} catch (const std::bad_alloc &) {
		return 1;
	}
}

static NOINLINE void keep_new()
{
	for (int i = 0; i < 12; i++)
		truth_allocated(new char[90], 90);
}

int main()
{
	int caught = 0;

	for (int i = 0; i < 20; i++)
		caught += catch_one();
	for (int i = 0; i < 5; i++)
		caught += catch_from_library();
	if (new (std::nothrow) char[huge])
		return 2;
	keep_new();
	truth_print();
	say(caught == 25 ? "ok\n" : "not all were caught\n");
	return caught == 25 ? 0 : 1;
}

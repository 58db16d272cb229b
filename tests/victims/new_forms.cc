// SPDX-License-Identifier: GPL-2.0
/*
 * Makes blocks by each form of new and frees some by each form of delete. With "refused" it also
 * asks for more than there can be, by one call instruction over and over, and catches what is
 * thrown.
 */
#include <new>

#include "stage.h"
#include "truth.h"

#define ROUNDS 20
#define TOO_MUCH (1UL << 60)

enum form {
	PLAIN,
	ARRAY,
	QUIET,
	QUIET_ARRAY,
	ALIGNED,
	ALIGNED_ARRAY,
	ALIGNED_QUIET,
	ALIGNED_QUIET_ARRAY,
	NR_FORMS
};

static const std::align_val_t alignment{ 64 };

static void *call_new(int form, size_t size)
{
	switch (form) {
	case PLAIN:
		return ::operator new(size);
	case ARRAY:
		return ::operator new[](size);
	case QUIET:
		return ::operator new(size, std::nothrow);
	case QUIET_ARRAY:
		return ::operator new[](size, std::nothrow);
	case ALIGNED:
		return ::operator new(size, alignment);
	case ALIGNED_ARRAY:
		return ::operator new[](size, alignment);
	case ALIGNED_QUIET:
		return ::operator new(size, alignment, std::nothrow);
	default:
		return ::operator new[](size, alignment, std::nothrow);
	}
}

static NOINLINE void *keep(int form, size_t size)
{
	void *block = call_new(form, size);

	truth_allocated(block, size);
	return block;
}

/* Plain and array forms, each with and without the size. */
static NOINLINE void give_back(int form, void *block, size_t size, bool sized)
{
	truth_freed(size);
	switch (form) {
	case PLAIN:
	case QUIET:
		if (sized)
			::operator delete(block, size);
		else
			::operator delete(block);
		break;
	case ARRAY:
	case QUIET_ARRAY:
		if (sized)
			::operator delete[](block, size);
		else
			::operator delete[](block);
		break;
	case ALIGNED:
	case ALIGNED_QUIET:
		if (sized)
			::operator delete(block, size, alignment);
		else
			::operator delete(block, alignment);
		break;
	default:
		if (sized)
			::operator delete[](block, size, alignment);
		else
			::operator delete[](block, alignment);
		break;
	}
}

static NOINLINE void be_refused(size_t size)
{
	try {
		keep(PLAIN, size);
		die("new gave too much");
	} catch (const std::bad_alloc &) {
		truth_allocated(nullptr, size);
	}
}

/* The C++ library makes blocks of its own for the first one. */
static NOINLINE void catch_one()
{
	try {
		throw 1;
	} catch (int) {
	}
}

int main(int argc, char **argv)
{
	(void)argv;
	bool goes_on = stage__begin(::operator new, ::operator delete);

	if (argc == 2)
		catch_one();
	if (!goes_on)
		return 0;
	for (int form = 0; form < NR_FORMS; form++) {
		for (size_t i = 1; i <= ROUNDS; i++) {
			size_t size = 256 * i + 64 * (size_t)form;

			keep(form, size);
			give_back(form, keep(form, size), size, i % 2);
		}
	}
	for (size_t i = 0; argc == 2 && i < ROUNDS; i++) {
		be_refused(TOO_MUCH + i);
		keep(PLAIN, 100 + i);
	}
	truth_print();
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * leak_cxx CASE: pointers as C++ compilers and libraries keep them, often into a block's middle.
 * Built with the old string, whose characters are in a block behind their length. What a case
 * keeps is in a global; tests/system/leak_truth.c says what it loses.
 */
#include <cstdint>
#include <deque>
#include <exception>
#include <list>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "leak_case.h"

/* volatile: the compiler drops what is never read. */
static void *volatile global, *volatile other_global;

struct counted {
	~counted()
	{
		text[0] = 0;
	}
	char text[24] = {};
};

struct plain {
	char text[24];
};

struct first_base {
	virtual ~first_base()
	{
	}
	long one = 1;
};

struct second_base {
	virtual ~second_base()
	{
	}
	long two = 2;
};

struct both_bases : first_base, second_base {
	long three = 3;
};

struct left_part {
	long left[2];
};

struct right_part {
	long right[2];
};

struct both_parts : left_part, right_part {
};

struct node {
	std::shared_ptr<node> next;
	char text[40] = {};
};

template <typename T> static NOINLINE T *hide(T *pointer)
{
	__asm__ volatile("" : "+r"(pointer) : : "memory");
	return pointer;
}

/* The number of elements stands before the first. */
static void new_array()
{
	global = hide(new counted[5]);
}

static void new_array_lost()
{
	hide(new counted[5]);
}

static void new_array_of_plain()
{
	global = hide(new plain[5]());
}

static void single_objects()
{
	hide(new plain());
	global = hide(new plain());
	other_global = hide(new (std::align_val_t(128)) char[128]());
}

static void second_base_pointer()
{
	second_base *base = hide(new both_bases());

	global = base;
}

static void base_without_table()
{
	right_part *part = hide(new both_parts());

	memset(part, 0, sizeof(*part));
	global = part;
}

static std::string *text_of(size_t size)
{
	return new std::string(size, 'x');
}

static void old_string()
{
	global = hide(text_of(100));
}

static void old_string_lost()
{
	hide(text_of(100));
}

static void exception_kept()
{
	auto *kept = new std::exception_ptr();

	global = kept;
	try {
		throw std::runtime_error("kept");
	} catch (...) {
		*kept = std::current_exception();
	}
}

static void shared_pointer()
{
	auto *kept = new std::shared_ptr<node>(std::make_shared<node>());

	global = kept;
	(*kept)->next = std::make_shared<node>();
}

/* Two that keep each other. */
static void shared_pointer_ring()
{
	std::shared_ptr<node> one = std::make_shared<node>(), two = std::make_shared<node>();

	one->next = two;
	two->next = one;
}

static void containers()
{
	auto *kept = new std::map<int, std::vector<int>>();

	global = kept;
	for (int i = 0; i < 20; i++)
		(*kept)[i].assign(10, i);
}

static void containers_lost()
{
	auto *lost = new std::list<int>();

	for (int i = 0; i < 20; i++)
		lost->push_back(i);
	hide(lost);
}

static const struct leak_case cases[] = {
	{ "new_array", new_array },
	{ "new_array_lost", new_array_lost },
	{ "new_array_of_plain", new_array_of_plain },
	{ "single_objects", single_objects },
	{ "second_base_pointer", second_base_pointer },
	{ "base_without_table", base_without_table },
	{ "old_string", old_string },
	{ "old_string_lost", old_string_lost },
	{ "exception_kept", exception_kept },
	{ "shared_pointer", shared_pointer },
	{ "shared_pointer_ring", shared_pointer_ring },
	{ "containers", containers },
	{ "containers_lost", containers_lost },
};

int main(int argc, char **argv)
{
	return run_case(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}

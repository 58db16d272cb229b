// SPDX-License-Identifier: GPL-2.0
/* The README's example: a cache that forgets one of its lists, and a text that nobody keeps. */
#include <string>

struct entry {
	entry *next;
	char value[40];
};

struct cache {
	entry *entries = nullptr;

	void add()
	{
		entries = new entry{ entries, "" };
	}
	void fill()
	{
		for (int i = 0; i < 100; i++)
			add();
	}
	/* Its author forgot the entries. */
	void clear()
	{
		entries = nullptr;
	}
};

static cache pages;

static size_t greet(const char *name)
{
	auto *text = new std::string(100, ' ');

	return text->append(name).size();
}

int main()
{
	pages.fill();
	pages.clear();
	pages.fill();
	return greet("world") != 105;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * C++ names to demangle, and every form of new and delete. The named functions call malloc
 * themselves: by frame pointers alone the caller of operator new can't be found.
 */
#include <new>

#include "truth.h"

namespace shapes
{

class Polygon
{
      public:
	NOINLINE void grow(int corners);
	template <typename T> NOINLINE T *clone(T value);
};

void Polygon::grow(int corners)
{
	for (int i = 0; i < corners; i++)
		truth_allocated(malloc(10 * sizeof(double)), 10 * sizeof(double));
}

template <typename T> T *Polygon::clone(T value)
{
	void *copy = malloc(sizeof(T));

	truth_allocated(copy, sizeof(T));
	return new (copy) T(value);
}

} // namespace shapes

struct alignas(128) Wide {
	char bytes[256];
};

static NOINLINE void every_form()
{
	int *one = new int(1);
	int *many = new int[50];
	Wide *wide = new Wide;
	Wide *wides = new Wide[3];
	int *quiet = new (std::nothrow) int[20];

	truth_allocated(one, sizeof(int));
	truth_allocated(many, 50 * sizeof(int));
	truth_allocated(wide, sizeof(Wide));
	truth_allocated(wides, 3 * sizeof(Wide));
	truth_allocated(quiet, 20 * sizeof(int));
	*(volatile int *)many = *one;
	truth_freed(sizeof(int));
	delete one;
	truth_freed(50 * sizeof(int));
	delete[] many;
	truth_freed(sizeof(Wide));
	delete wide;
	truth_freed(3 * sizeof(Wide));
	delete[] wides;
	truth_freed(20 * sizeof(int));
	delete[] quiet;
}

int main()
{
	shapes::Polygon polygon;

	every_form();
	polygon.grow(6);
	polygon.clone(42L);
	truth_print();
	return 0;
}

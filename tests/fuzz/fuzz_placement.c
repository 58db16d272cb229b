// SPDX-License-Identifier: GPL-2.0
/* libFuzzer over hostile code: the place of a probe in a function. Built and run by make fuzz. */
#include <stdlib.h>

#include "allocators/placement.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nr_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nr_bytes)
{
	for (unsigned int arguments = 0; arguments <= 4; arguments++) {
		struct placement open = placement__choose(bytes, nr_bytes, false, arguments);
		struct placement whole = placement__choose(bytes, nr_bytes, true, arguments);

		if (open.behind && (!open.emulated || open.behind >= nr_bytes))
			abort();
		if (whole.behind && (!whole.emulated || whole.behind >= nr_bytes))
			abort();
	}
	return 0;
}

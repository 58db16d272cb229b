// SPDX-License-Identifier: GPL-2.0
/* libFuzzer over texts of /proc/PID/maps. Built and run by make fuzz. */
#include <stdlib.h>

#include "leaks/process_areas.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nr_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nr_bytes)
{
	struct process_areas areas;
	FILE *maps = nr_bytes ? fmemopen((void *)bytes, nr_bytes, "r") : NULL;

	if (!maps)
		return 0;
	if (process_areas__read(&areas, maps))
		abort();
	for (size_t i = 0; i < areas.nr; i++) {
		const struct area *area = &areas.list[i];

		if (area->start >= area->end || (i && area[-1].end > area->start) ||
		    process_areas__find(&areas, area->start) != area ||
		    process_areas__find(&areas, area->end - 1) != area)
			abort();
	}
	process_areas__free(&areas);
	fclose(maps);
	return 0;
}

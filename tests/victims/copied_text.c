// SPDX-License-Identifier: GPL-2.0
/* Blocks that the C library gets for the program: copies of texts. The middle one is freed. */
#include "stage.h"
#include "truth.h"

#define TEXT_BYTES 6 /* with its end */

int main(void)
{
	if (stage__begin(malloc, free)) {
		char *copy[] = { strdup("three"), strndup("five and more", 5), strdup("seven") };

		for (int i = 0; i < 3; i++)
			truth_allocated(copy[i], TEXT_BYTES);
		free(copy[1]);
		truth_freed(TEXT_BYTES);
	}
	truth_print();
	return 0;
}

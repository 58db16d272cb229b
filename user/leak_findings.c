// SPDX-License-Identifier: GPL-2.0
/* See leak_findings.h. Used by leak_checks.c. */
#include "leak_findings.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"

static int by_kind_and_stack(const void *a, const void *b)
{
	const struct leak_site *left = a, *right = b;

	if (left->kind != right->kind)
		return left->kind < right->kind ? -1 : 1;
	return left->stack_id < right->stack_id ? -1 : left->stack_id > right->stack_id;
}

static void add_sum(struct leak_sum *into, const struct leak_sum *sum)
{
	into->bytes += sum->bytes;
	into->blocks += sum->blocks;
}

/* Makes one site of those with the same kind and stack. Returns how many are left. */
static size_t fold_sites(struct leak_site *sites, size_t nr)
{
	size_t kept = 0;

	if (!nr)
		return 0;
	qsort(sites, nr, sizeof(*sites), by_kind_and_stack);
	for (size_t i = 1; i < nr; i++) {
		if (by_kind_and_stack(&sites[kept], &sites[i])) {
			sites[++kept] = sites[i];
			continue;
		}
		add_sum(&sites[kept].own, &sites[i].own);
		add_sum(&sites[kept].indirect, &sites[i].indirect);
	}
	return kept + 1;
}

/* Each site's blocks lie in a row of their own, in the order of the sites. */
static int list_blocks(struct leak_findings *findings, const struct leak_block *blocks,
		       size_t nr_blocks, const uint8_t *kinds)
{
	struct snapshot_block *row = calloc(nr_blocks + 1, sizeof(*row));

	findings->blocks = row;
	if (!row)
		return -ENOMEM;
	for (size_t i = 0; i < findings->nr_sites; i++) {
		findings->sites[i].block_list = row;
		row += findings->sites[i].own.blocks;
	}
	for (size_t i = 0; i < nr_blocks; i++) {
		struct leak_site key = { .kind = kinds[i], .stack_id = blocks[i].stack_id };
		struct leak_site *site = bsearch(&key, findings->sites, findings->nr_sites,
						 sizeof(key), by_kind_and_stack);

		site->block_list[site->nr_block_list++] = (struct snapshot_block){
			.address = blocks[i].address,
			.size_bytes = blocks[i].size_bytes,
			.time_ns = blocks[i].time_ns,
		};
	}
	return 0;
}

/* Blocks are folded as they come, so that the sites of many blocks of few stacks stay few. */
#define FOLD_AT 65536

int leak_findings__sum(struct leak_findings *findings, const struct leak_block *blocks,
		       size_t nr_blocks, const struct leak_result *result, bool with_blocks)
{
	size_t nr = 0, fold_at = FOLD_AT;
	struct leak_site *sites = calloc(fold_at, sizeof(*sites)), *grown;

	if (!sites)
		return -ENOMEM;
	for (size_t i = 0; i < nr_blocks; i++) {
		if (nr == fold_at) {
			nr = fold_sites(sites, nr);
			if (nr > fold_at / 2) {
				fold_at *= 2;
				grown = reallocarray(sites, fold_at, sizeof(*sites));
				if (!grown) {
					free(sites);
					return -ENOMEM;
				}
				sites = grown;
			}
		}
		sites[nr++] = (struct leak_site){
			.stack_id = blocks[i].stack_id,
			.kind = result->kinds[i],
			.own = { blocks[i].size_bytes, 1 },
			.indirect = { result->indirect_bytes[i], result->indirect_blocks[i] },
		};
	}
	findings->sites = sites;
	findings->nr_sites = fold_sites(sites, nr);
	findings->result = *result;
	findings->result.kinds = NULL;
	findings->result.indirect_bytes = findings->result.indirect_blocks = NULL;
	return with_blocks ? list_blocks(findings, blocks, nr_blocks, result->kinds) : 0;
}

void leak_findings__free(struct leak_findings *findings)
{
	if (!findings)
		return;
	free(findings->sites);
	free(findings->blocks);
	*findings = (struct leak_findings){ 0 };
}

void leak_findings__compare(struct leak_findings *findings, const struct leak_findings *earlier)
{
	if (findings->why || earlier->why)
		return;
	findings->since_s = (double)(findings->checked_ns - earlier->checked_ns) / NS_PER_S;
	for (size_t i = 0; i < findings->nr_sites; i++) {
		struct leak_site *site = &findings->sites[i];
		const struct leak_site *before = NULL;

		if (earlier->nr_sites)
			before = bsearch(site, earlier->sites, earlier->nr_sites, sizeof(*site),
					 by_kind_and_stack);
		site->growth_bytes = (int64_t)(site->own.bytes - (before ? before->own.bytes : 0));
		site->growth_blocks =
			(int64_t)(site->own.blocks - (before ? before->own.blocks : 0));
	}
}

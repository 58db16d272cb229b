// SPDX-License-Identifier: GPL-2.0
/* Machines with many CPUs can load the BPF programs too: the verifier's work does not grow with
 * them. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "harness.h"
#include "wire_unwind.h"

#include "memleak.skel.h"

/* The most CPUs that x86 kernels are built for (CONFIG_NR_CPUS). */
#define MOST_CPUS 8192

/*
 * Keeps only the programs on raw tracepoints, which every kernel has, and makes maps as small as
 * possible.
 */
static void reduce(const struct memleak_bpf *skeleton)
{
	struct bpf_program *program;
	struct bpf_map *map;

	bpf_object__for_each_program(program, skeleton->obj) bpf_program__set_autoload(
		program, bpf_program__type(program) == BPF_PROG_TYPE_RAW_TRACEPOINT);
	/* `identify` reads nothing per CPU, and not every kernel can load it. */
	bpf_program__set_autoload(skeleton->progs.identify, false);
	bpf_object__for_each_map(map,
				 skeleton->obj) if (bpf_map__type(map) != BPF_MAP_TYPE_RINGBUF &&
						    !bpf_map__is_internal(map))
		bpf_map__set_max_entries(map, 1);
}

static double load_for(unsigned int nr)
{
	struct memleak_bpf *skeleton = memleak_bpf__open();
	double began_s = now_s(), took_s;
	int err;

	assert_non_null(skeleton);
	reduce(skeleton);
	skeleton->rodata->config_nr_cpus = nr;
	err = memleak_bpf__load(skeleton);
	took_s = now_s() - began_s;
	memleak_bpf__destroy(skeleton);
	if (err)
		fail_msg("the programs do not load for %u CPUs: %s", nr, strerror(-err));
	return took_s;
}

static void test_loads_for_many_cpus(void **state)
{
	double few_s, many_s;
	(void)state;

	few_s = load_for(2);
	many_s = load_for(MOST_CPUS);
	print_message("2 CPUs: %.2f s, %d CPUs: %.2f s\n", few_s, MOST_CPUS, many_s);
	/*
	 * The bound has room for a busy machine. When the verifier followed the loop, 2,048 CPUs
	 * took 8 s, and 4,096 failed.
	 */
	if (many_s > 5 * few_s + 5)
		fail_msg("loading takes %.2f s for 2 CPUs, %.2f s for %d", few_s, many_s,
			 MOST_CPUS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_loads_for_many_cpus),
	};

	return cmocka_run_group_tests_name("cpus", tests, harness__begin, harness__end);
}

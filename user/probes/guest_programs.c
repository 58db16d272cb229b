// SPDX-License-Identifier: GPL-2.0
/* See guest_programs.h. The programs are in bpf/allocator.bpf.c. */
#include "probes/guest_programs.h"

#include <bpf/libbpf.h>
#include <errno.h>

#include "bpf/wire_unwind.h"
#include "memleak.skel.h"
#include "probes/allocator_links.h"

static int choose(struct memleak_bpf *guests, const struct probe_paths *paths)
{
	struct probe_paths perf = *paths;
	struct bpf_program *program;

	bpf_object__for_each_program(program, guests->obj)
	{
		int err = bpf_program__set_autoload(program, false);

		if (err)
			return err;
	}
	perf.call_probes = CALL_PROBES_PERF;
	return allocator_links__choose(guests, &perf, false);
}

static int share_maps(struct memleak_bpf *guests, const struct memleak_bpf *first)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, guests->obj)
	{
		int fd = bpf_object__find_map_fd_by_name(first->obj, bpf_map__name(map));
		int err = fd < 0 ? fd : bpf_map__reuse_fd(map, fd);

		if (err)
			return err;
	}
	return 0;
}

struct memleak_bpf *guest_programs__load(const struct memleak_bpf *first,
					 const struct probe_paths *paths, const char *btf_path)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = btf_path);
	struct memleak_bpf *guests = memleak_bpf__open_opts(&options);
	int err;

	if (!guests)
		return NULL;
	err = choose(guests, paths);
	if (!err)
		err = share_maps(guests, first);
	if (!err)
		err = memleak_bpf__load(guests);
	if (err) {
		memleak_bpf__destroy(guests);
		errno = -err;
		return NULL;
	}
	return guests;
}

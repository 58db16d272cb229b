/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The programs on perf events that see vfork children beside session links (tracer__attach_guests).
 * They are a second object over the maps of the first, loaded when a traced process first needs
 * them: the kernel takes a quarter of the tracer's start to verify them, and few processes do.
 */
#ifndef GUEST_PROGRAMS_H
#define GUEST_PROGRAMS_H

#include "probes/probe_paths.h"

struct memleak_bpf;

/*
 * first: the loaded object, whose maps and constants these programs use. btf_path: as in struct
 * tracer_config. The caller destroys the object, before the first. Returns NULL with errno set.
 */
struct memleak_bpf *guest_programs__load(const struct memleak_bpf *first,
					 const struct probe_paths *paths, const char *btf_path);

#endif

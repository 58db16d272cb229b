// SPDX-License-Identifier: GPL-2.0
/* See features_report.h. */
#include "features_report.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/kernel_features.h"
#include "base/log.h"
#include "processes/privileges.h"
#include "probes/probe_paths.h"
#include "base/sanitize_text.h"
#include "allocators/system_libc.h"

/* By enum feature: the name in JSON, and in words. */
static const struct {
	const char *name, *words;
} labels[] = {
	[FEATURE_KPROBE_EXIT] = { "kprobe_exit", "kprobes on exit_mmap and exit_mm_release" },
	[FEATURE_FENTRY] = { "fentry", "fentry on exit_mmap and exit_mm_release" },
	[FEATURE_RAW_TP_EXIT_MMAP] = { "raw_tp_exit_mmap", "tracepoint exit_mmap" },
	[FEATURE_RAW_TP_PREPARE_EXEC] = { "raw_tp_sched_prepare_exec",
					  "tracepoint sched_prepare_exec" },
	[FEATURE_EXIT_HAS_MEMORY] = { "exit_tracepoint_has_memory",
				      "sched_process_exit before the memory is gone" },
	[FEATURE_UPROBE_PERF] = { "uprobe_perf", "uprobes by perf events" },
	[FEATURE_UPROBE_MULTI] = { "uprobe_multi", "uprobe.multi links" },
	[FEATURE_UPROBE_SESSION] = { "uprobe_session", "uprobe sessions" },
	[FEATURE_ON_DEMAND_MAPS] = { "on_demand_maps", "maps that grow on demand" },
	[FEATURE_WRITE_TEXT] = { "write_text", "writing to code, to guard Valgrind" },
	[FEATURE_ITERATORS] = { "iterators", "iterators over files and mappings" },
	[FEATURE_UNWIND] = { "unwind", "bpf_find_vma and bpf_loop, to walk stacks" },
};

struct findings {
	struct features features;
	struct probe_paths wanted, paths;
	const char *libc_path;
	struct allocator_probes libc; /* none when it can't be read */
};

/* The name of a job's path; "none" where the kernel has none. */
static const char *shown(const char *name)
{
	return name ? name : "none";
}

static unsigned int bytes_behind(const struct allocator_probe *probe)
{
	return (unsigned int)(probe->probe_offset - probe->file_offset);
}

static void print_libc(const struct findings *findings)
{
	if (!findings->libc.nr)
		return;
	fputs("\nwhere functions are probed in ", stdout);
	sanitize_text__print(stdout, findings->libc_path);
	putchar('\n');
	for (size_t i = 0; i < findings->libc.nr; i++) {
		const struct allocator_probe *probe = &findings->libc.probe[i];
		char place[32];

		snprintf(place, sizeof(place), "0x%llx+%u", (unsigned long long)probe->file_offset,
			 bytes_behind(probe));
		printf("  %-14s %-14s %s\n", probe->symbol, place,
		       probe->emulated ? "the kernel emulates that instruction" :
					 "the kernel must single-step it, which is expensive");
	}
}

static void print_text(const struct findings *findings)
{
	const struct features *features = &findings->features;
	const char *line;

	printf("memleak-bpf %s on Linux ", MEMLEAK_VERSION);
	sanitize_text__print(stdout, features->system.release);
	printf(", %s\n\nwhat is done  by              why\n", features->system.machine);
	for (int i = 0; i < NR_PROBE_JOBS; i++) {
		struct probe_path_text text = probe_paths__describe(
			&findings->wanted, &findings->paths, (enum probe_job)i);

		printf("  %-11s %-15s %s\n", text.job, shown(text.name),
		       text.name ? text.why : "this kernel has no way");
	}
	fputs("\nwhat this kernel has\n", stdout);
	for (int i = 0; i < NR_FEATURES; i++) {
		int missing = features->missing[i];

		printf("  %-46s %s", labels[i].words, missing ? "no" : "yes");
		if (missing > 0 && missing != EOPNOTSUPP)
			printf(": %s", strerror(missing));
		putchar('\n');
	}
	print_libc(findings);
	for (unsigned int n = 0;
	     (line = probe_paths__degraded(features, &findings->paths, n)) != NULL; n++)
		printf("%s  %s\n", n ? "" : "\nwhat it can't give\n", line);
}

static json_t *pack_features(const struct features *features)
{
	json_t *has = json_object();

	for (int i = 0; i < NR_FEATURES; i++)
		json_object_set_new(has, labels[i].name, json_boolean(!features->missing[i]));
	return has;
}

static json_t *pack_paths(const struct findings *findings)
{
	static const char *const keys[] = { "exit_before", "exit_after", "attach", "stack_walk" };
	json_t *chosen = json_object();

	for (int i = 0; i < NR_PROBE_JOBS; i++) {
		const char *name = probe_paths__describe(&findings->wanted, &findings->paths,
							 (enum probe_job)i)
					   .name;

		json_object_set_new(chosen, keys[i], name ? json_string(name) : json_null());
	}
	return chosen;
}

static json_t *pack_degraded(const struct findings *findings)
{
	json_t *degraded = json_array();
	const char *line;

	for (unsigned int n = 0;
	     (line = probe_paths__degraded(&findings->features, &findings->paths, n)) != NULL; n++)
		json_array_append_new(degraded, json_string(line));
	return degraded;
}

static json_t *pack_libc(const struct findings *findings)
{
	json_t *functions = json_array();

	if (!findings->libc.nr) {
		json_decref(functions);
		return json_null();
	}
	for (size_t i = 0; i < findings->libc.nr; i++) {
		const struct allocator_probe *probe = &findings->libc.probe[i];

		json_array_append_new(functions,
				      json_pack("{s:s, s:I, s:i, s:b}", "function", probe->symbol,
						"offset", (json_int_t)probe->file_offset,
						"probe_behind", (int)bytes_behind(probe),
						"emulated", (int)probe->emulated));
	}
	return json_pack("{s:s, s:o}", "file", findings->libc_path, "functions", functions);
}

static int print_json(const struct findings *findings)
{
	const struct features *features = &findings->features;
	json_t *line = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "event", "features",
				 "version", MEMLEAK_VERSION, "kernel", features->system.release,
				 "architecture", features->system.machine, "has",
				 pack_features(features), "chosen", pack_paths(findings),
				 "degraded", pack_degraded(findings), "libc", pack_libc(findings));
	char *text = line ? json_dumps(line, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;

	json_decref(line);
	if (!text)
		return -ENOMEM;
	puts(text);
	free(text);
	return 0;
}

int features_report__print(const struct options *options)
{
	struct findings findings = { .wanted = options->paths };
	char error[256] = "", no_path[256] = "";
	int err = features__probe(&findings.features, PRIVILEGE_TRACE, options->btf_path, true,
				  error, sizeof(error));

	if (err) {
		log__error("%s", error);
		return err == -EPERM ? STATUS_PRIVILEGE : STATUS_KERNEL;
	}
	err = probe_paths__choose(&findings.features, &findings.wanted, &findings.paths, no_path,
				  sizeof(no_path));
	if (system_libc__probes(&findings.libc_path, &findings.libc))
		findings.libc.nr = 0;
	if (!options->json)
		print_text(&findings);
	else if (print_json(&findings))
		log__error("out of memory");
	if (fflush(stdout) || ferror(stdout)) {
		log__error("cannot write to standard output: %s", strerror(errno));
		return STATUS_OUTPUT;
	}
	if (!err)
		return STATUS_OK;
	log__error("%s", no_path);
	return STATUS_KERNEL;
}

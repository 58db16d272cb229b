// SPDX-License-Identifier: GPL-2.0
/* See features_report.h. */
#include "features_report.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/sanitize_text.h"
#include "definition_support.h"
#include "features_allocators.h"
#include "probes/kernel_features.h"
#include "probes/probe_paths.h"
#include "processes/privileges.h"

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
	struct installed_allocators installed;
	const struct options *options;
};

/* The name of a job's path; "none" where the kernel has none. */
static const char *shown(const char *name)
{
	return name ? name : "none";
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
	features_allocators__print(&findings->installed, findings->options);
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

static int print_json(const struct findings *findings)
{
	const struct features *features = &findings->features;
	json_t *line = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "event",
				 "features", "version", MEMLEAK_VERSION, "kernel",
				 features->system.release, "architecture", features->system.machine,
				 "has", pack_features(features), "chosen", pack_paths(findings),
				 "degraded", pack_degraded(findings), "libc",
				 features_allocators__pack_libc(&findings->installed), "allocators",
				 features_allocators__pack(&findings->installed), "not_found",
				 features_allocators__pack_missing(findings->options));
	char *text = line ? json_dumps(line, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;

	json_decref(line);
	if (!text)
		return -ENOMEM;
	puts(text);
	free(text);
	return 0;
}

/* Returns an exit status. */
static int print(const struct findings *findings)
{
	int err = 0;

	if (findings->options->json)
		err = print_json(findings);
	else
		print_text(findings);
	if (err) {
		log__error("out of memory");
		return STATUS_FAILED;
	}
	if (fflush(stdout) || ferror(stdout)) {
		log__error("cannot write to standard output: %s", strerror(errno));
		return STATUS_OUTPUT;
	}
	return STATUS_OK;
}

int features_report__print(const struct options *options)
{
	struct findings findings = { .wanted = options->paths, .options = options };
	char error[256] = "", no_path[256] = "";
	int status, err = features__probe(&findings.features, PRIVILEGE_TRACE, options->btf_path,
					  true, error, sizeof(error));

	if (err) {
		log__error("%s", error);
		return err == -EPERM ? STATUS_PRIVILEGE : STATUS_KERNEL;
	}
	err = probe_paths__choose(&findings.features, &findings.wanted, &findings.paths, no_path,
				  sizeof(no_path));
	if (features_allocators__find(&findings.installed, options)) {
		log__error("out of memory");
		status = STATUS_FAILED;
	} else {
		status = print(&findings);
	}
	installed_allocators__free(&findings.installed);
	if (status != STATUS_OK)
		return status;
	if (!err)
		return definition_support__check(&findings.features, &findings.paths);
	log__error("%s", no_path);
	return STATUS_KERNEL;
}

// SPDX-License-Identifier: GPL-2.0
/* See lifecycle_hooks.h. The programs are in bpf/lifecycle.bpf.c and bpf/pages.bpf.c. */
#include "probes/lifecycle_hooks.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "bpf/wire_unwind.h"
#include "base/log.h"
#include "memleak.skel.h"

enum hook_kind {
	HOOK_RAW_TRACEPOINT,
	HOOK_KPROBE,
	HOOK_KRETPROBE,
	HOOK_TRAMPOLINE,
	HOOK_PERF_TRACEPOINT /* optional, since it needs a mounted tracefs */
};

struct hook {
	struct bpf_program *program;
	enum hook_kind kind;
	const char *on; /* the tracepoint or function */
	bool wanted;
};

/*
 * Attach the after-teardown hooks first, so that every teardown seen to begin is also seen to end.
 */
static size_t list_hooks(const struct memleak_bpf *skeleton, const struct features *features,
			 const struct probe_paths *paths, struct hook list[LIFECYCLE_HOOKS_MAX])
{
	bool kprobe = paths->exit_before == EXIT_BEFORE_KPROBE;
	bool fentry = paths->exit_before == EXIT_BEFORE_FENTRY;
	bool prepare_exec = features__has(features, FEATURE_RAW_TP_PREPARE_EXEC);
	const struct hook all[] = {
		{ skeleton->progs.after_exit_mmap, HOOK_RAW_TRACEPOINT, "exit_mmap",
		  paths->exit_after == EXIT_AFTER_TRACEPOINT },
		{ skeleton->progs.after_exit_mmap_again, HOOK_RAW_TRACEPOINT, "exit_mmap",
		  paths->exit_after == EXIT_AFTER_TRACEPOINT },
		{ skeleton->progs.perf_after_exit_mmap, HOOK_PERF_TRACEPOINT, "exit_mmap",
		  paths->exit_after == EXIT_AFTER_TRACEPOINT },
		{ skeleton->progs.fexit_exit_mmap, HOOK_TRAMPOLINE, "exit_mmap",
		  paths->exit_after == EXIT_AFTER_FEXIT },
		{ skeleton->progs.kretprobe_exit_mmap, HOOK_KRETPROBE, "exit_mmap",
		  paths->exit_after == EXIT_AFTER_KRETPROBE },
		{ skeleton->progs.page_free, HOOK_RAW_TRACEPOINT, "mm_page_free", true },
		{ skeleton->progs.signal_generated, HOOK_RAW_TRACEPOINT, "signal_generate", true },
		{ skeleton->progs.thread_exit, HOOK_RAW_TRACEPOINT, "sched_process_exit", true },
		{ skeleton->progs.thread_exit_again, HOOK_RAW_TRACEPOINT, "sched_process_exit",
		  true },
		{ skeleton->progs.process_exec, HOOK_RAW_TRACEPOINT, "sched_process_exec", true },
		{ skeleton->progs.process_exec_again, HOOK_RAW_TRACEPOINT, "sched_process_exec",
		  true },
		{ skeleton->progs.process_fork, HOOK_RAW_TRACEPOINT, "sched_process_fork", true },
		{ skeleton->progs.process_fork_again, HOOK_RAW_TRACEPOINT, "sched_process_fork",
		  true },
		{ skeleton->progs.prepare_exec, HOOK_RAW_TRACEPOINT, "sched_prepare_exec",
		  prepare_exec },
		{ skeleton->progs.prepare_exec_again, HOOK_RAW_TRACEPOINT, "sched_prepare_exec",
		  prepare_exec },
		{ skeleton->progs.kprobe_exit_mm_release, HOOK_KPROBE, "exit_mm_release", kprobe },
		{ skeleton->progs.kprobe_exit_mmap, HOOK_KPROBE, "exit_mmap", kprobe },
		{ skeleton->progs.fentry_exit_mm_release, HOOK_TRAMPOLINE, "exit_mm_release",
		  fentry },
		{ skeleton->progs.fentry_exit_mmap, HOOK_TRAMPOLINE, "exit_mmap", fentry },
	};

	_Static_assert(sizeof(all) / sizeof(all[0]) <= LIFECYCLE_HOOKS_MAX, "hooks");
	memcpy(list, all, sizeof(all));
	return sizeof(all) / sizeof(all[0]);
}

int lifecycle_hooks__choose(struct memleak_bpf *skeleton, const struct features *features,
			    const struct probe_paths *paths)
{
	struct hook list[LIFECYCLE_HOOKS_MAX];
	size_t nr = list_hooks(skeleton, features, paths, list);

	for (size_t i = 0; i < nr; i++) {
		int err = bpf_program__set_autoload(list[i].program, list[i].wanted);

		if (err)
			return err;
	}
	return 0;
}

static struct bpf_link *attach(const struct hook *hook)
{
	switch (hook->kind) {
	case HOOK_RAW_TRACEPOINT:
		return bpf_program__attach_raw_tracepoint(hook->program, hook->on);
	case HOOK_KPROBE:
	case HOOK_KRETPROBE:
		return bpf_program__attach_kprobe(hook->program, hook->kind == HOOK_KRETPROBE,
						  hook->on);
	case HOOK_TRAMPOLINE:
		return bpf_program__attach_trace(hook->program);
	case HOOK_PERF_TRACEPOINT:
		return bpf_program__attach_tracepoint(hook->program, "mmap", hook->on);
	}
	errno = EINVAL;
	return NULL;
}

int lifecycle_hooks__attach(struct lifecycle_hooks *hooks, struct memleak_bpf *skeleton,
			    const struct features *features, const struct probe_paths *paths)
{
	struct hook list[LIFECYCLE_HOOKS_MAX];
	size_t nr = list_hooks(skeleton, features, paths, list);

	for (size_t i = 0; i < nr; i++) {
		struct bpf_link *link;

		if (!list[i].wanted)
			continue;
		link = attach(&list[i]);
		if (!link) {
			int err = -errno;

			log__detail("cannot hook %s: %s", list[i].on, strerror(-err));
			if (list[i].kind == HOOK_PERF_TRACEPOINT)
				continue;
			return err;
		}
		hooks->link[hooks->nr++] = link;
	}
	return 0;
}

size_t lifecycle_hooks__fds(const struct lifecycle_hooks *hooks, int *fds)
{
	for (size_t i = 0; i < hooks->nr; i++)
		fds[i] = bpf_link__fd(hooks->link[i]);
	return hooks->nr;
}

void lifecycle_hooks__detach(struct lifecycle_hooks *hooks)
{
	while (hooks->nr)
		bpf_link__destroy(hooks->link[--hooks->nr]);
}

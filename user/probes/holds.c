// SPDX-License-Identifier: GPL-2.0
/* See holds.h. The programs are in bpf/hold.bpf.c. */
#include "probes/holds.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "hold.skel.h"
#include "probes/feature_trials.h"
#include "probes/hold_keeper.h"
#include "probes/hold_rules.h"

/* At the end: so long, at most, until all have gone on. */
#define END_MS 200

struct holds {
	struct hold_bpf *skeleton;
	struct ring_buffer *ring;
	volatile struct hold_control *control; /* in the skeleton's memory */
	struct hold_maps maps;
	pid_t keeper; /* 0: it is gone */
	bool told_mute;
	/* Of the call of holds__take that is under way. */
	void (*taken)(const struct hold_event *event, void *context);
	void *context;
};

static pid_t parent_of(pid_t pid)
{
	char path[32], line[256];
	int parent = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file) && sscanf(line, "PPid: %d", &parent) != 1)
		;
	fclose(file);
	return parent;
}

/* An ancestor may be waiting for what the tracer writes. */
static void spare_ancestors(struct hold_bpf *skeleton)
{
	pid_t pid = getpid();

	for (size_t i = 0; i < HOLD_MAX_SPARED && pid > 0; i++) {
		skeleton->rodata->spared[i] = (uint32_t)pid;
		pid = parent_of(pid);
	}
}

static int take_record(void *context, void *data, size_t size)
{
	struct holds *holds = context;

	if (size >= sizeof(struct hold_event))
		holds->taken(data, holds->context);
	return 0;
}

static int load(struct holds *holds, const char *btf_path, int targets_fd)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = btf_path);
	struct hold_bpf *skeleton = hold_bpf__open_opts(&options);
	int err;

	if (!skeleton)
		return errno ? -errno : -ENOMEM;
	holds->skeleton = skeleton;
	spare_ancestors(skeleton);
	skeleton->rodata->only_targets = targets_fd >= 0;
	err = targets_fd < 0 ? 0 : bpf_map__reuse_fd(skeleton->maps.targets, targets_fd);
	if (!err)
		err = hold_bpf__load(skeleton);
	if (!err)
		err = hold_bpf__attach(skeleton);
	if (err)
		return err;
	holds->control = &skeleton->bss->control;
	holds->maps = (struct hold_maps){
		.held = bpf_map__fd(skeleton->maps.held),
		.parents = bpf_map__fd(skeleton->maps.hold_parents),
		.known_files = bpf_map__fd(skeleton->maps.known_files),
	};
	holds->ring =
		ring_buffer__new(bpf_map__fd(skeleton->maps.hold_events), take_record, holds, NULL);
	if (!holds->ring)
		return errno ? -errno : -ENOMEM;
	holds->control->keeper_ns = clock__monotonic_ns();
	holds->keeper = hold_keeper__start(holds->control, &holds->maps);
	return holds->keeper < 0 ? holds->keeper : 0;
}

struct holds *holds__new(const char *btf_path, int targets_fd)
{
	struct holds *holds = NULL;
	int err = -EOPNOTSUPP;

#ifdef __x86_64__
	err = -feature_trials__helper(BPF_FUNC_find_vma);
#endif
	if (!err) {
		holds = calloc(1, sizeof(*holds));
		err = holds ? load(holds, btf_path, targets_fd) : -ENOMEM;
	}
	if (!err)
		return holds;
	holds__free(holds);
	errno = -err;
	return NULL;
}

static void wait_until_released(const struct holds *holds)
{
	for (int waited_ms = 0; waited_ms < END_MS; waited_ms++) {
		if (!hold_release__several(&holds->maps, clock__monotonic_ns(), HOLD_RELEASE_ALL))
			break;
		usleep(1000);
	}
}

/* The keeper stays a moment longer than the tracer, for whatever was overlooked. */
void holds__free(struct holds *holds)
{
	if (!holds)
		return;
	if (holds->control) {
		holds->control->wanted = 0;
		holds->control->until_ns = 0;
		wait_until_released(holds);
	}
	ring_buffer__free(holds->ring);
	hold_bpf__destroy(holds->skeleton);
	free(holds);
}

int holds__fd(const struct holds *holds)
{
	return ring_buffer__epoll_fd(holds->ring);
}

void holds__begin(struct holds *holds)
{
	uint64_t now_ns = clock__monotonic_ns();

	holds->control->tracer_ns = now_ns;
	holds->control->wanted = 1;
	/* The keeper, which has not looked yet, moves it on. */
	holds->control->until_ns = now_ns + HOLD_BEAT_NS;
}

/* Not an error of a process that waits: it goes on, and is reported as late. */
static void stand_in_for_keeper(struct holds *holds, uint64_t now_ns)
{
	if (holds->keeper && waitpid(holds->keeper, NULL, WNOHANG)) {
		holds->keeper = 0;
		holds->control->wanted = 0;
		log__warning(
			"the process %s is gone: no process is held any more (--hold-new), and new programs are seen late",
			HOLD_KEEPER_NAME);
	}
	if (!holds->keeper) {
		holds->control->until_ns = 0;
		hold_release__several(&holds->maps, now_ns, HOLD_RELEASE_ALL);
		return;
	}
	if (!holds->told_mute)
		log__detail("the process %s is stopped: no process is held meanwhile",
			    HOLD_KEEPER_NAME);
	holds->told_mute = true;
	hold_release__several(&holds->maps, now_ns, HOLD_RELEASE_OVERDUE);
}

void holds__beat(struct holds *holds)
{
	uint64_t now_ns = clock__monotonic_ns();
	struct hold_control now = *holds->control;

	holds->control->tracer_ns = now_ns;
	if (hold_rules__keeper_is_mute(&now, now_ns))
		stand_in_for_keeper(holds, now_ns);
	else
		holds->told_mute = false;
}

void holds__take(struct holds *holds, void (*taken)(const struct hold_event *event, void *context),
		 void *context)
{
	holds->taken = taken;
	holds->context = context;
	ring_buffer__consume(holds->ring);
}

static void know(const struct holds *holds, const struct hold_seen *seen)
{
	if (seen->file.inode)
		bpf_map_update_elem(holds->maps.known_files, &seen->file, &seen->stamp, BPF_ANY);
}

int holds__answer(struct holds *holds, const struct hold_event *event)
{
	struct held held;

	for (size_t i = 0; i < HOLD_NR_FILES; i++)
		know(holds, &event->seen[i]);
	hold_release__one(&holds->maps, (pid_t)event->tgid, event->from_ns);
	return !bpf_map_lookup_elem(holds->maps.held, &event->tgid, &held) &&
			       held.from_ns == event->from_ns ?
		     -EAGAIN :
		     0;
}

void holds__know(struct holds *holds, const struct file_identity *identity,
		 const struct stat *status)
{
	struct hold_seen seen;

	if (!holds)
		return;
	seen = (struct hold_seen){
		.file = hold_file_of(identity),
		.stamp = { .size_bytes = (uint64_t)status->st_size,
			   .modified_s = status->st_mtim.tv_sec,
			   .modified_ns = (uint64_t)status->st_mtim.tv_nsec },
	};
	know(holds, &seen);
}

void holds__forget(struct holds *holds, const struct file_identity *identity)
{
	struct hold_file file;

	if (!holds)
		return;
	file = hold_file_of(identity);
	bpf_map_delete_elem(holds->maps.known_files, &file);
}

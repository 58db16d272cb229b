// SPDX-License-Identifier: GPL-2.0
/* See tracer.h. */
#include "tracer.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "log.h"
#include "memleak.skel.h"
#include "shield.h"
#include "uprobe_link.h"

#define MAX_LINKS 4096
#define MAX_HOOKS 16
#define MAX_THREADS_ON_DEMAND 65536
#define MAX_THREADS_PREALLOCATED 4096
#define MAX_SPACES_ON_DEMAND 65536
#define MAX_SPACES_PREALLOCATED 4096
/* Seconds of ends that nobody reads. */
#define MAX_ENDED 8192
#define MAX_STACKS_ON_DEMAND 65536
#define MAX_STACKS_PREALLOCATED 16384
#define SITES_FOR_EACH_STACK 4
#define RING_BYTES_FOR_TRACE (16U << 20)
/* A block for each 8 KiB of memory: the map's buckets take 0.4% of it, blocks come on demand. */
#define BYTES_FOR_EACH_BLOCK 8192
#define MIN_BLOCKS (64ULL << 10)
#define MAX_BLOCKS_ON_DEMAND (16ULL << 20)
#define MAX_BLOCKS_PREALLOCATED (1ULL << 20)

/* One attached uprobe, or several of one file. */
struct probe_link {
	struct bpf_link *perf; /* NULL: a multi or session link */
	int fd; /* of such a link */
	int file_fd; /* of the probed file, which the caller keeps open */
};

struct tracer {
	struct memleak_bpf *skeleton;
	struct ring_buffer *ring;
	enum uprobe_attach uprobe_attach;
	bool scoped; /* probes are put into one process after the other, not into files */
	struct tracer_maps maps;
	struct bpf_link *hooks[MAX_HOOKS]; /* of processes' lives */
	size_t nr_hooks;
	struct probe_link links[MAX_LINKS]; /* of allocator functions */
	size_t nr_links;
	void (*handle)(const struct event *event, void *context);
	void *handle_context;
};

static uint64_t default_max_blocks(bool on_demand)
{
	struct sysinfo info;
	uint64_t limit = on_demand ? MAX_BLOCKS_ON_DEMAND : MAX_BLOCKS_PREALLOCATED, blocks;

	if (sysinfo(&info))
		return MIN_BLOCKS;
	blocks = (uint64_t)info.totalram * info.mem_unit / BYTES_FOR_EACH_BLOCK;
	if (blocks < MIN_BLOCKS)
		return MIN_BLOCKS;
	return blocks < limit ? blocks : limit;
}

static int size_maps(struct tracer *tracer, const struct features *features,
		     const struct tracer_config *config)
{
	struct memleak_bpf *skeleton = tracer->skeleton;
	bool on_demand = features->on_demand_maps;
	uint64_t stacks = config->max_stacks ? config->max_stacks :
			  on_demand	     ? MAX_STACKS_ON_DEMAND :
					       MAX_STACKS_PREALLOCATED;
	/* Walks of the map cost what its buckets do. */
	bool many = config->system_wide || config->follow_children;
	uint64_t spaces = on_demand && many ? MAX_SPACES_ON_DEMAND : MAX_SPACES_PREALLOCATED;
	uint64_t blocks = config->max_blocks ? config->max_blocks : default_max_blocks(on_demand);
	const struct {
		struct bpf_map *map;
		uint64_t entries;
	} sizes[] = {
		{ skeleton->maps.live, spaces },
		{ skeleton->maps.blocks, blocks },
		{ skeleton->maps.sites, stacks * SITES_FOR_EACH_STACK },
		{ skeleton->maps.site_index, stacks * SITES_FOR_EACH_STACK },
		{ skeleton->maps.stacks, stacks },
		{ skeleton->maps.targets, spaces },
		{ skeleton->maps.threads,
		  on_demand ? MAX_THREADS_ON_DEMAND : MAX_THREADS_PREALLOCATED },
	};

	tracer->maps.max_blocks = blocks;
	if (bpf_map__set_max_entries(skeleton->maps.ended, MAX_ENDED))
		return -EINVAL;
	if (config->trace && bpf_map__set_max_entries(skeleton->maps.ring, RING_BYTES_FOR_TRACE))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int err = bpf_map__set_max_entries(sizes[i].map, (uint32_t)sizes[i].entries);

		/*
		 * Before 6.1 a hash map that allocates while it is used from a tracing program can
		 * deadlock, and the kernel warns.
		 */
		if (!err && on_demand)
			err = bpf_map__set_map_flags(sizes[i].map, BPF_F_NO_PREALLOC);
		if (err)
			return err;
	}
	return 0;
}

static int choose_programs(struct tracer *tracer, const struct features *features)
{
	struct memleak_bpf *skeleton = tracer->skeleton;
	bool session = features->uprobe_attach == UPROBE_ATTACH_SESSION;
	bool perf = !session || tracer->scoped;
	bool kprobe = features->exit_hook == EXIT_HOOK_KPROBE;
	const struct {
		struct bpf_program *program;
		bool wanted;
	} choices[] = {
		{ skeleton->progs.allocator_session, session },
		{ skeleton->progs.allocator_free, session },
		{ skeleton->progs.malloc_enter, perf },
		{ skeleton->progs.calloc_enter, perf },
		{ skeleton->progs.realloc_enter, perf },
		{ skeleton->progs.reallocarray_enter, perf },
		{ skeleton->progs.memalign_enter, perf },
		{ skeleton->progs.posix_memalign_enter, perf },
		{ skeleton->progs.free_enter_perf, perf },
		{ skeleton->progs.allocator_return, perf },
		{ skeleton->progs.kprobe_exit_mm_release, kprobe },
		{ skeleton->progs.kprobe_exit_mmap, kprobe },
		{ skeleton->progs.prepare_exec, !kprobe && features->raw_tp_prepare_exec },
	};

	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		int err = bpf_program__set_autoload(choices[i].program, choices[i].wanted);

		if (err)
			return err;
	}
	if (session) {
		bpf_program__set_expected_attach_type(skeleton->progs.allocator_session,
						      (enum bpf_attach_type)UPROBE_LINK_SESSION);
		bpf_program__set_expected_attach_type(skeleton->progs.allocator_free,
						      (enum bpf_attach_type)UPROBE_LINK_MULTI);
	}
	return 0;
}

static void configure(struct tracer *tracer, const struct features *features,
		      const struct tracer_config *config)
{
	struct memleak_bpf__rodata *constants = tracer->skeleton->rodata;
	int nr_cpus = libbpf_num_possible_cpus();

	constants->config_system_wide = config->system_wide;
	constants->config_trace = config->trace;
	constants->config_follow = config->follow_children;
	constants->config_own_tgid = (uint32_t)getpid();
	constants->config_min_bytes = config->min_size_bytes;
	constants->config_max_bytes = config->max_size_bytes;
	constants->config_nr_cpus = nr_cpus > 0 ? (uint32_t)nr_cpus : 1;
	constants->config_scoped = tracer->scoped;
	constants->config_exit_by_tracepoint = features->exit_hook == EXIT_HOOK_TRACEPOINT;
}

/* Lifecycle first: an allocation must never be seen of a process whose end could be missed. */
static int attach_lifecycle(struct tracer *tracer, const struct features *features)
{
	struct memleak_bpf *skeleton = tracer->skeleton;
	bool kprobe = features->exit_hook == EXIT_HOOK_KPROBE;
	const struct {
		struct bpf_program *program;
		const char *tracepoint, *function;
		bool wanted;
	} hooks[] = {
		{ skeleton->progs.after_exit_mmap, "exit_mmap", NULL, true },
		{ skeleton->progs.page_free, "mm_page_free", NULL, true },
		{ skeleton->progs.thread_exit, "sched_process_exit", NULL, true },
		{ skeleton->progs.process_exec, "sched_process_exec", NULL, true },
		{ skeleton->progs.process_fork, "sched_process_fork", NULL, true },
		{ skeleton->progs.prepare_exec, "sched_prepare_exec", NULL,
		  !kprobe && features->raw_tp_prepare_exec },
		{ skeleton->progs.kprobe_exit_mm_release, NULL, "exit_mm_release", kprobe },
		{ skeleton->progs.kprobe_exit_mmap, NULL, "exit_mmap", kprobe },
	};

	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		struct bpf_link *link;

		if (!hooks[i].wanted)
			continue;
		link = hooks[i].tracepoint ?
			       bpf_program__attach_raw_tracepoint(hooks[i].program,
								  hooks[i].tracepoint) :
			       bpf_program__attach_kprobe(hooks[i].program, false,
							  hooks[i].function);
		if (!link) {
			int err = -errno;

			log__detail("cannot hook %s: %s",
				    hooks[i].tracepoint ? hooks[i].tracepoint : hooks[i].function,
				    strerror(-err));
			return err;
		}
		tracer->hooks[tracer->nr_hooks++] = link;
	}
	return 0;
}

static int handle_record(void *context, void *data, size_t size)
{
	struct tracer *tracer = context;
	const struct event *event = data;

	if (size < sizeof(*event))
		return 0;
	if (tracer->handle && (event->type == EVENT_ALLOCATION || event->type == EVENT_FREE))
		tracer->handle(event, tracer->handle_context);
	return 0;
}

static void note_maps(struct tracer *tracer)
{
	struct memleak_bpf *skeleton = tracer->skeleton;

	tracer->maps.live = bpf_map__fd(skeleton->maps.live);
	tracer->maps.ended = bpf_map__fd(skeleton->maps.ended);
	tracer->maps.blocks = bpf_map__fd(skeleton->maps.blocks);
	tracer->maps.sites = bpf_map__fd(skeleton->maps.sites);
	tracer->maps.site_index = bpf_map__fd(skeleton->maps.site_index);
	tracer->maps.stacks = bpf_map__fd(skeleton->maps.stacks);
	tracer->maps.losses = bpf_map__fd(skeleton->maps.losses);
	tracer->maps.targets = bpf_map__fd(skeleton->maps.targets);
}

static int load(struct tracer *tracer, const struct features *features,
		const struct tracer_config *config)
{
	LIBBPF_OPTS(bpf_object_open_opts, open_options, .btf_custom_path = config->btf_path);
	int err;

	tracer->skeleton = memleak_bpf__open_opts(&open_options);
	if (!tracer->skeleton)
		return -errno;
	configure(tracer, features, config);
	err = size_maps(tracer, features, config);
	if (err)
		return err;
	err = choose_programs(tracer, features);
	if (err)
		return err;
	err = memleak_bpf__load(tracer->skeleton);
	if (err)
		return err;
	note_maps(tracer);
	tracer->ring = ring_buffer__new(bpf_map__fd(tracer->skeleton->maps.ring), handle_record,
					tracer, NULL);
	return tracer->ring ? 0 : -errno;
}

struct tracer *tracer__new(const struct features *features, const struct tracer_config *config)
{
	struct tracer *tracer = calloc(1, sizeof(*tracer));
	int err;

	if (!tracer)
		return NULL;
	tracer->uprobe_attach = features->uprobe_attach;
	/* Whoever is forked must be seen from its first call on: no time to put probes into it. */
	tracer->scoped = features->uprobe_attach == UPROBE_ATTACH_SESSION && !config->system_wide &&
			 !config->follow_children;
	err = load(tracer, features, config);
	if (!err)
		err = attach_lifecycle(tracer, features);
	if (err) {
		tracer__free(tracer);
		errno = -err;
		return NULL;
	}
	return tracer;
}

static void close_link(struct probe_link *link)
{
	if (link->perf)
		bpf_link__destroy(link->perf);
	else
		close(link->fd);
}

/* Allocator probes go first: see attach_lifecycle. */
static int detach(void *context)
{
	struct tracer *tracer = context;

	while (tracer->nr_links)
		close_link(&tracer->links[--tracer->nr_links]);
	while (tracer->nr_hooks)
		bpf_link__destroy(tracer->hooks[--tracer->nr_hooks]);
	return 0;
}

void tracer__free(struct tracer *tracer)
{
	if (!tracer)
		return;
	if (tracer->nr_links || tracer->nr_hooks)
		shield__run(detach, tracer);
	ring_buffer__free(tracer->ring);
	memleak_bpf__destroy(tracer->skeleton);
	free(tracer);
}

const struct tracer_maps *tracer__maps(const struct tracer *tracer)
{
	return &tracer->maps;
}

static int keep_link_fd(struct tracer *tracer, int fd, int file_fd)
{
	if (fd < 0)
		return fd;
	tracer->links[tracer->nr_links++] = (struct probe_link){ .fd = fd, .file_fd = file_fd };
	return 0;
}

/* One link for all that allocates, one for all that frees. */
static int attach_session(struct tracer *tracer, int file_fd, const struct allocator_probes *probes,
			  pid_t pid)
{
	struct memleak_bpf *skeleton = tracer->skeleton;
	int session_fd = bpf_program__fd(skeleton->progs.allocator_session);
	int free_fd = bpf_program__fd(skeleton->progs.allocator_free);
	uint64_t offsets[ALLOCATOR_PROBES_MAX], cookies[ALLOCATOR_PROBES_MAX];
	uint64_t frees[ALLOCATOR_PROBES_MAX];
	size_t nr = 0, nr_frees = 0;
	int err;

	for (size_t i = 0; i < probes->nr; i++) {
		const struct allocator_probe *probe = &probes->probe[i];

		if (probe->function == FUNCTION_FREE) {
			frees[nr_frees++] = probe->file_offset;
		} else {
			offsets[nr] = probe->file_offset;
			cookies[nr++] = probe->function;
		}
	}
	/* free before malloc: else a block could be recorded whose free goes unseen. */
	err = keep_link_fd(tracer,
			   uprobe_link__create(free_fd, UPROBE_LINK_MULTI, file_fd, pid, frees,
					       NULL, nr_frees),
			   file_fd);
	if (err)
		return err;
	return keep_link_fd(tracer,
			    uprobe_link__create(session_fd, UPROBE_LINK_SESSION, file_fd, pid,
						offsets, cookies, nr),
			    file_fd);
}

static struct bpf_program *enter_program(struct memleak_bpf *skeleton,
					 enum allocator_function function)
{
	switch (function) {
	case FUNCTION_MALLOC:
		return skeleton->progs.malloc_enter;
	case FUNCTION_CALLOC:
		return skeleton->progs.calloc_enter;
	case FUNCTION_REALLOC:
		return skeleton->progs.realloc_enter;
	case FUNCTION_REALLOCARRAY:
		return skeleton->progs.reallocarray_enter;
	case FUNCTION_MEMALIGN:
		return skeleton->progs.memalign_enter;
	case FUNCTION_POSIX_MEMALIGN:
		return skeleton->progs.posix_memalign_enter;
	case FUNCTION_FREE:
		return skeleton->progs.free_enter_perf;
	case NR_ALLOCATOR_FUNCTIONS:
		break;
	}
	return NULL;
}

static int attach_perf_probe(struct tracer *tracer, struct bpf_program *program, bool returns,
			     pid_t pid, int file_fd, uint64_t offset)
{
	LIBBPF_OPTS(bpf_uprobe_opts, options, .retprobe = returns);
	struct bpf_link *link;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file_fd);
	link = bpf_program__attach_uprobe_opts(program, pid ? pid : -1, path, offset, &options);
	if (!link)
		return -errno;
	tracer->links[tracer->nr_links++] =
		(struct probe_link){ .perf = link, .fd = -1, .file_fd = file_fd };
	return 0;
}

/*
 * A perf event for each entry and each return. Frees first, then returns before entries: a return
 * without its entry is ignored, an entry without its return would be a call that never ends.
 */
static int attach_perf(struct tracer *tracer, int file_fd, const struct allocator_probes *probes,
		       pid_t pid)
{
	struct memleak_bpf *skeleton = tracer->skeleton;
	int err = 0;

	for (int pass = 0; pass < 3 && !err; pass++) {
		for (size_t i = 0; i < probes->nr && !err; i++) {
			const struct allocator_probe *probe = &probes->probe[i];
			struct bpf_program *program =
				pass == 1 ? skeleton->progs.allocator_return :
					    enter_program(skeleton, probe->function);

			if ((probe->function == FUNCTION_FREE) != (pass == 0))
				continue;
			err = attach_perf_probe(tracer, program, pass == 1, pid, file_fd,
						probe->file_offset);
		}
	}
	return err;
}

bool tracer__probes_one_process(const struct tracer *tracer)
{
	return tracer->scoped;
}

/* What is to be attached, for work under the shield. */
struct attachment {
	struct tracer *tracer;
	int file_fd;
	const struct allocator_probes *probes;
	pid_t pid;
	bool guests;
};

static int attach(void *context)
{
	const struct attachment *attachment = context;
	struct tracer *tracer = attachment->tracer;

	if (tracer->nr_links + 2 * attachment->probes->nr + 2 > MAX_LINKS)
		return -ENOSPC;
	if (attachment->guests || tracer->uprobe_attach == UPROBE_ATTACH_PERF)
		return attach_perf(tracer, attachment->file_fd, attachment->probes,
				   attachment->pid);
	return attach_session(tracer, attachment->file_fd, attachment->probes, attachment->pid);
}

int tracer__attach_allocator(struct tracer *tracer, int file_fd,
			     const struct allocator_probes *probes, pid_t pid)
{
	struct attachment attachment = { tracer, file_fd, probes, pid, false };

	return shield__run(attach, &attachment);
}

/*
 * A session link to one process sees its threads, whatever becomes of the first one, but no vfork
 * child. A perf event sees all that share the memory of the first thread, as long as that lives;
 * its programs leave the process itself to the session (see bpf/allocator.bpf.c).
 */
int tracer__attach_guests(struct tracer *tracer, int file_fd, const struct allocator_probes *probes,
			  pid_t pid)
{
	struct attachment attachment = { tracer, file_fd, probes, pid, true };

	return shield__run(attach, &attachment);
}

struct detachment {
	struct tracer *tracer;
	int file_fd;
};

static int detach_file(void *context)
{
	const struct detachment *detachment = context;
	struct tracer *tracer = detachment->tracer;
	size_t kept = 0;

	for (size_t i = 0; i < tracer->nr_links; i++) {
		if (tracer->links[i].file_fd == detachment->file_fd)
			close_link(&tracer->links[i]);
		else
			tracer->links[kept++] = tracer->links[i];
	}
	tracer->nr_links = kept;
	return 0;
}

void tracer__detach_file(struct tracer *tracer, int file_fd)
{
	struct detachment detachment = { tracer, file_fd };

	shield__run(detach_file, &detachment);
}

int tracer__add_target(struct tracer *tracer, pid_t tgid, bool from_exec)
{
	struct target target = { .flags = from_exec ? TARGET_FROM_EXEC : 0 };
	uint32_t key = (uint32_t)tgid;

	return bpf_map_update_elem(tracer->maps.targets, &key, &target, BPF_ANY);
}

int tracer__fd(const struct tracer *tracer)
{
	return ring_buffer__epoll_fd(tracer->ring);
}

int tracer__consume(struct tracer *tracer, void (*handle)(const struct event *event, void *context),
		    void *context)
{
	int nr;

	tracer->handle = handle;
	tracer->handle_context = context;
	nr = ring_buffer__consume(tracer->ring);
	return nr < 0 ? nr : 0;
}

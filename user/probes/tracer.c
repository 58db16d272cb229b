// SPDX-License-Identifier: GPL-2.0
/* See tracer.h. */
#include "probes/tracer.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "probes/allocator_links.h"
#include "probes/feature_trials.h"
#include "probes/guest_programs.h"
#include "probes/lifecycle_hooks.h"
#include "probes/link_closers.h"
#include "base/log.h"
#include "memleak.skel.h"
#include "probes/shield.h"
#include "base/table_limits.h"

#define MAX_THREADS_ON_DEMAND 65536
#define MAX_THREADS_PREALLOCATED 4096
#define MAX_SPACES_ON_DEMAND 65536
#define MAX_SPACES_PREALLOCATED 4096
/* Ends of some seconds without a reader; late_ends has room for one more per address space. */
#define MAX_ENDED 8192
#define MAX_STACKS_ON_DEMAND 65536
#define MAX_STACKS_PREALLOCATED 16384
#define SITES_FOR_EACH_STACK 4
#define RING_BYTES_FOR_TRACE (16U << 20)
/* One block for each 8 KiB of memory. The buckets take 0.4% of memory; blocks are on demand. */
#define BYTES_FOR_EACH_BLOCK 8192
#define MIN_BLOCKS (64ULL << 10)
#define MAX_BLOCKS_ON_DEMAND (16ULL << 20)
#define MAX_BLOCKS_PREALLOCATED (1ULL << 20)
/* Wait for the probes to go, so that the next program meets none, but no longer than this. */
#define DETACH_WAIT_MS 300

struct tracer {
	struct memleak_bpf *skeleton;
	struct memleak_bpf *guests; /* NULL: no process has needed them yet */
	struct ring_buffer *ring;
	struct probe_paths paths;
	const char *btf_path;
	bool scoped; /* probes go into one process after the other, not into files */
	struct tracer_maps maps;
	struct lifecycle_hooks hooks;
	struct allocator_links links;
	struct file_identifier identifier;
	const struct tracer_handlers *handlers; /* while records are consumed */
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

/* Without table-driven walks, the tables' maps should take no memory. */
static void drop_tables(struct memleak_bpf *skeleton)
{
	bpf_map__set_max_entries(skeleton->maps.unwind_rules, 1);
	bpf_map__set_max_entries(skeleton->maps.unwind_files, 1);
	bpf_map__set_max_entries(skeleton->maps.code_cache, 1);
	bpf_map__set_max_entries(skeleton->maps.page_cache, 1);
}

static int size_maps(struct tracer *tracer, const struct features *features,
		     const struct probe_paths *paths, const struct tracer_config *config)
{
	struct memleak_bpf *skeleton = tracer->skeleton;
	bool on_demand = features__has(features, FEATURE_ON_DEMAND_MAPS);
	uint64_t stacks = config->max_stacks ? config->max_stacks :
			  on_demand	     ? MAX_STACKS_ON_DEMAND :
					       MAX_STACKS_PREALLOCATED;
	/* The cost of iterating over a map grows with its number of buckets. */
	bool many = config->system_wide || config->follow_children;
	uint64_t spaces = on_demand && many ? MAX_SPACES_ON_DEMAND : MAX_SPACES_PREALLOCATED;
	uint64_t blocks = config->max_blocks ? config->max_blocks : default_max_blocks(on_demand);
	const struct {
		struct bpf_map *map;
		uint64_t entries;
	} sizes[] = {
		{ skeleton->maps.live, table_limits__of("spaces", spaces) },
		{ skeleton->maps.late_ends, table_limits__of("late_ends", spaces) },
		{ skeleton->maps.blocks, blocks },
		{ skeleton->maps.sites, stacks * SITES_FOR_EACH_STACK },
		{ skeleton->maps.site_index, stacks * SITES_FOR_EACH_STACK },
		{ skeleton->maps.stacks, stacks },
		{ skeleton->maps.targets, spaces },
		{ skeleton->maps.threads,
		  on_demand ? MAX_THREADS_ON_DEMAND : MAX_THREADS_PREALLOCATED },
	};

	tracer->maps.max_blocks = blocks;
	tracer->maps.max_stacks = stacks;
	tracer->maps.max_ended = table_limits__of("ended", MAX_ENDED);
	if (bpf_map__set_max_entries(skeleton->maps.ended, (uint32_t)tracer->maps.max_ended))
		return -EINVAL;
	if (config->trace && bpf_map__set_max_entries(skeleton->maps.ring, RING_BYTES_FOR_TRACE))
		return -EINVAL;
	if (paths->stack_walk != STACK_WALK_TABLES)
		drop_tables(skeleton);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int err = bpf_map__set_max_entries(sizes[i].map, (uint32_t)sizes[i].entries);

		/*
		 * Before Linux 6.1, a hash map that allocates while a tracing program uses it can
		 * deadlock, and the kernel warns.
		 */
		if (!err && on_demand)
			err = bpf_map__set_map_flags(sizes[i].map, BPF_F_NO_PREALLOC);
		if (err)
			return err;
	}
	return 0;
}

static void configure(struct tracer *tracer, const struct features *features,
		      const struct probe_paths *paths, const struct tracer_config *config)
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
	constants->config_max_frames = (uint32_t)config->max_frames;
	constants->config_stacks = paths->stack_walk != STACK_WALK_NONE;
	constants->config_unwind = paths->stack_walk == STACK_WALK_TABLES;
	constants->config_typed_task = features__has(features, FEATURE_UNWIND);
	/* Private stacks came with Linux 6.13, as sessions did. */
	constants->config_avoid_private_stack = features__has(features, FEATURE_UPROBE_SESSION);
	constants->config_scoped = tracer->scoped;
	constants->config_exit_by_tracepoint = paths->exit_before == EXIT_BEFORE_TRACEPOINT;
}

static int handle_record(void *context, void *data, size_t size)
{
	const struct tracer *tracer = context;
	const struct tracer_handlers *handlers = tracer->handlers;
	__u32 type;

	if (size < sizeof(type))
		return 0;
	memcpy(&type, data, sizeof(type));
	if (type == EVENT_UNWIND_REQUEST && size >= sizeof(struct unwind_request))
		handlers->unwind_request(data, handlers->context);
	else if (type == EVENT_UNFINISHED_WALK && size >= sizeof(struct unfinished_walk))
		handlers->unfinished_walk(data, handlers->context);
	else if ((type == EVENT_ALLOCATION || type == EVENT_FREE) && size >= sizeof(struct event))
		handlers->event(data, handlers->context);
	return 0;
}

static void note_maps(struct tracer *tracer)
{
	struct memleak_bpf *skeleton = tracer->skeleton;

	tracer->maps.live = bpf_map__fd(skeleton->maps.live);
	tracer->maps.late_ends = bpf_map__fd(skeleton->maps.late_ends);
	tracer->maps.ended = bpf_map__fd(skeleton->maps.ended);
	tracer->maps.blocks = bpf_map__fd(skeleton->maps.blocks);
	tracer->maps.sites = bpf_map__fd(skeleton->maps.sites);
	tracer->maps.site_index = bpf_map__fd(skeleton->maps.site_index);
	tracer->maps.stacks = bpf_map__fd(skeleton->maps.stacks);
	tracer->maps.losses = bpf_map__fd(skeleton->maps.losses);
	tracer->maps.targets = bpf_map__fd(skeleton->maps.targets);
}

/* Chooses the one of the two identifying programs that this kernel can run. */
static int choose_identifier(struct tracer *tracer, const struct features *features)
{
	const struct memleak_bpf *skeleton = tracer->skeleton;
	bool lowest = !features__has(features, FEATURE_UNWIND) &&
		      feature_trials__helper(BPF_FUNC_find_vma);
	int err = bpf_program__set_autoload(skeleton->progs.identify, !lowest);

	tracer->identifier.lowest = lowest;
	return err ? err : bpf_program__set_autoload(skeleton->progs.identify_lowest, lowest);
}

/* Without an identifier, a file shared by container images may be probed and counted twice. */
static void find_identifier(struct tracer *tracer)
{
	const struct memleak_bpf *skeleton = tracer->skeleton;
	struct file_identifier *identifier = &tracer->identifier;
	struct file_identity identity;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	identifier->program_fd = bpf_program__fd(
		identifier->lowest ? skeleton->progs.identify_lowest : skeleton->progs.identify);
	if (skeleton->bss)
		identifier->answer = &skeleton->bss->identified;
	else
		identifier->program_fd = -1;
	if (fd < 0 || file_identity__read(identifier, fd, &identity) || identity.address) {
		close(fd);
		return;
	}
	close(fd);
	identifier->program_fd = -1;
	log__warning("cannot ask the kernel which file a mapping shows: processes whose container "
		     "images share an allocator may be counted twice");
}

static int load(struct tracer *tracer, const struct features *features,
		const struct probe_paths *paths, const struct tracer_config *config)
{
	LIBBPF_OPTS(bpf_object_open_opts, open_options, .btf_custom_path = config->btf_path);
	int err;

	tracer->skeleton = memleak_bpf__open_opts(&open_options);
	if (!tracer->skeleton)
		return -errno;
	configure(tracer, features, paths, config);
	err = size_maps(tracer, features, paths, config);
	if (err)
		return err;
	err = lifecycle_hooks__choose(tracer->skeleton, features, paths);
	if (!err)
		err = allocator_links__choose(tracer->skeleton, paths, tracer->scoped);
	if (!err)
		err = choose_identifier(tracer, features);
	if (err)
		return err;
	err = memleak_bpf__load(tracer->skeleton);
	if (err)
		return err;
	note_maps(tracer);
	find_identifier(tracer);
	tracer->ring = ring_buffer__new(bpf_map__fd(tracer->skeleton->maps.ring), handle_record,
					tracer, NULL);
	return tracer->ring ? 0 : -errno;
}

struct tracer *tracer__new(const struct features *features, const struct probe_paths *paths,
			   const struct tracer_config *config)
{
	struct tracer *tracer = calloc(1, sizeof(*tracer));
	int err;

	if (!tracer)
		return NULL;
	tracer->paths = *paths;
	tracer->btf_path = config->btf_path;
	/* A child must be seen from its first call on, with no time to put probes into it. */
	tracer->scoped = paths->call_probes == CALL_PROBES_SESSION && !config->system_wide &&
			 !config->follow_children;
	err = load(tracer, features, paths, config);
	/* Attach these first: no allocation may be seen of a process whose end could be missed. */
	if (!err)
		err = lifecycle_hooks__attach(&tracer->hooks, tracer->skeleton, features, paths);
	if (err) {
		tracer__free(tracer);
		errno = -err;
		return NULL;
	}
	return tracer;
}

/* Remove the allocator probes first, for the reason given in tracer__new. */
static int detach(void *context)
{
	struct tracer *tracer = context;

	allocator_links__detach(&tracer->links);
	lifecycle_hooks__detach(&tracer->hooks);
	return 0;
}

/* Returns whether all probes are gone. If not, the closers finish soon. */
static bool detach_all(struct tracer *tracer)
{
	int *fds = calloc(ALLOCATOR_LINKS_MAX + LIFECYCLE_HOOKS_MAX, sizeof(*fds));
	struct link_closers closers;
	size_t nr;
	int err = -ENOMEM;

	if (fds) {
		nr = allocator_links__fds(&tracer->links, fds);
		nr += lifecycle_hooks__fds(&tracer->hooks, fds + nr);
		err = link_closers__begin(&closers, fds, nr);
		free(fds);
	}
	if (err) {
		log__detail("detaching takes longer: no process could be created for it: %s",
			    strerror(-err));
		shield__run(detach, tracer);
		return true;
	}
	detach(tracer);
	link_closers__release(&closers);
	return link_closers__wait(&closers, DETACH_WAIT_MS);
}

bool tracer__free(struct tracer *tracer)
{
	bool gone = true;

	if (!tracer)
		return gone;
	if (tracer->links.nr || tracer->hooks.nr)
		gone = detach_all(tracer);
	ring_buffer__free(tracer->ring);
	memleak_bpf__destroy(tracer->guests);
	memleak_bpf__destroy(tracer->skeleton);
	free(tracer);
	return gone;
}

const struct tracer_maps *tracer__maps(const struct tracer *tracer)
{
	return &tracer->maps;
}

const struct file_identifier *tracer__identifier(const struct tracer *tracer)
{
	return &tracer->identifier;
}

bool tracer__probes_one_process(const struct tracer *tracer)
{
	return tracer->scoped;
}

/* The arguments of an attachment, for work under the shield. */
struct attachment {
	struct tracer *tracer;
	struct memleak_bpf *skeleton;
	enum call_probes path;
	int file_fd;
	const struct allocator_probes *probes;
	pid_t pid;
};

static int attach(void *context)
{
	const struct attachment *attachment = context;
	struct tracer *tracer = attachment->tracer;

	return allocator_links__attach(&tracer->links, attachment->skeleton, attachment->path,
				       attachment->file_fd, attachment->probes, attachment->pid);
}

int tracer__attach_allocator(struct tracer *tracer, int file_fd,
			     const struct allocator_probes *probes, pid_t pid)
{
	struct attachment attachment = { tracer,  tracer->skeleton, tracer->paths.call_probes,
					 file_fd, probes,	    pid };

	return shield__run(attach, &attachment);
}

int tracer__load_guests(struct tracer *tracer)
{
	if (!tracer->guests)
		tracer->guests =
			guest_programs__load(tracer->skeleton, &tracer->paths, tracer->btf_path);
	return tracer->guests ? 0 : -errno;
}

/*
 * A session link to one process sees the process's threads, even after the first has ended, but no
 * vfork child. A perf event sees all that share the memory of its one thread, as long as that
 * thread lives. The perf programs leave the process itself to the session (see
 * bpf/allocator.bpf.c).
 */
int tracer__attach_guests(struct tracer *tracer, int file_fd, const struct allocator_probes *probes,
			  pid_t tid)
{
	struct attachment attachment = { tracer,  tracer->guests, CALL_PROBES_PERF,
					 file_fd, probes,	  tid };

	return shield__run(attach, &attachment);
}

static int attach_breakpoints(void *context)
{
	const struct attachment *attachment = context;
	struct tracer *tracer = attachment->tracer;

	return allocator_links__attach_breakpoints(&tracer->links, tracer->skeleton,
						   attachment->file_fd, attachment->probes);
}

int tracer__attach_breakpoints(struct tracer *tracer, int file_fd,
			       const struct allocator_probes *probes)
{
	struct attachment attachment = { tracer, NULL, CALL_PROBES_ANY, file_fd, probes, 0 };

	return shield__run(attach_breakpoints, &attachment);
}

struct detachment {
	struct tracer *tracer;
	int file_fd;
};

static int detach_file(void *context)
{
	const struct detachment *detachment = context;

	allocator_links__detach_file(&detachment->tracer->links, detachment->file_fd);
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

	if (!bpf_map_update_elem(tracer->maps.targets, &key, &target, BPF_NOEXIST))
		return 0;
	return errno == EEXIST ? 0 : -errno;
}

void tracer__forget_target(struct tracer *tracer, pid_t tgid)
{
	uint32_t key = (uint32_t)tgid;

	bpf_map_delete_elem(tracer->maps.targets, &key);
}

int tracer__fd(const struct tracer *tracer)
{
	return ring_buffer__epoll_fd(tracer->ring);
}

int tracer__consume(struct tracer *tracer, const struct tracer_handlers *handlers)
{
	int nr;

	tracer->handlers = handlers;
	nr = ring_buffer__consume(tracer->ring);
	tracer->handlers = NULL;
	return nr < 0 ? nr : 0;
}

struct unwind_maps tracer__unwind_maps(const struct tracer *tracer)
{
	const struct memleak_bpf *skeleton = tracer->skeleton;

	return (struct unwind_maps){
		.files = bpf_map__fd(skeleton->maps.unwind_files),
		.chunks = bpf_map__fd(skeleton->maps.unwind_chunks),
		.rules = bpf_map__fd(skeleton->maps.unwind_rules),
		.changed = skeleton->bss ? (uint64_t *)&skeleton->bss->tables_changed : NULL,
	};
}

void tracer__set_vdso(struct tracer *tracer, const struct unwind_file_key *key)
{
	if (tracer->skeleton->bss)
		memcpy(&tracer->skeleton->bss->vdso_file, key, sizeof(*key));
}

void tracer__note_mapped(struct tracer *tracer, pid_t tgid)
{
	if (tracer->skeleton->bss)
		tracer->skeleton->bss->mappings_changed[tgid % WIRE_MAPPING_GENERATIONS]++;
}

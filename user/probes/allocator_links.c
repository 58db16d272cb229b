// SPDX-License-Identifier: GPL-2.0
/* See allocator_links.h. The programs are in bpf/allocator.bpf.c. */
#include "probes/allocator_links.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "bpf/wire_unwind.h"
#include "memleak.skel.h"
#include "probes/uprobe_link.h"

int allocator_links__choose(struct memleak_bpf *skeleton, const struct probe_paths *paths,
			    bool scoped)
{
	bool session = paths->call_probes == CALL_PROBES_SESSION;
	bool multi = paths->call_probes == CALL_PROBES_MULTI;
	bool perf = paths->call_probes == CALL_PROBES_PERF;
	bool tables = paths->stack_walk == STACK_WALK_TABLES;
	const struct {
		struct bpf_program *program;
		bool wanted;
		int attach_type; /* 0: a perf event */
	} choices[] = {
		{ skeleton->progs.allocator_session, session, UPROBE_LINK_SESSION },
		{ skeleton->progs.allocator_free, session || multi, UPROBE_LINK_MULTI },
		{ skeleton->progs.allocator_enter, multi, UPROBE_LINK_MULTI },
		{ skeleton->progs.breakpoints_alone, scoped, UPROBE_LINK_MULTI },
		{ skeleton->progs.allocator_return, (multi || perf) && tables,
		  multi ? UPROBE_LINK_MULTI : 0 },
		{ skeleton->progs.allocator_return_old, (multi || perf) && !tables,
		  multi ? UPROBE_LINK_MULTI : 0 },
		{ skeleton->progs.malloc_enter, perf, 0 },
		{ skeleton->progs.calloc_enter, perf, 0 },
		{ skeleton->progs.realloc_enter, perf, 0 },
		{ skeleton->progs.reallocarray_enter, perf, 0 },
		{ skeleton->progs.memalign_enter, perf, 0 },
		{ skeleton->progs.posix_memalign_enter, perf, 0 },
		{ skeleton->progs.free_enter_perf, perf, 0 },
	};

	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		int err = bpf_program__set_autoload(choices[i].program, choices[i].wanted);

		if (!err && choices[i].attach_type)
			err = bpf_program__set_expected_attach_type(
				choices[i].program, (enum bpf_attach_type)choices[i].attach_type);
		if (err)
			return err;
	}
	return 0;
}

static struct bpf_program *return_program(const struct memleak_bpf *skeleton)
{
	return bpf_program__autoload(skeleton->progs.allocator_return) ?
		       skeleton->progs.allocator_return :
		       skeleton->progs.allocator_return_old;
}

/*
 * The input of one link: the functions' offsets, and for a program that serves several functions,
 * the function at each offset.
 */
struct offset_list {
	uint64_t offsets[ALLOCATOR_PROBES_MAX], cookies[ALLOCATOR_PROBES_MAX];
	size_t nr;
};

static void split_probes(const struct allocator_probes *probes, struct offset_list *allocating,
			 struct offset_list *freeing)
{
	allocating->nr = freeing->nr = 0;
	for (size_t i = 0; i < probes->nr; i++) {
		const struct allocator_probe *probe = &probes->probe[i];
		struct offset_list *list = probe->function == FUNCTION_FREE ? freeing : allocating;

		list->offsets[list->nr] = probe->probe_offset;
		list->cookies[list->nr++] = probe->function;
	}
}

static int add_link(struct allocator_links *links, const struct bpf_program *program,
		    struct uprobe_link_request *request, const struct offset_list *list)
{
	int fd;

	if (!list->nr)
		return 0;
	request->program_fd = bpf_program__fd(program);
	request->offsets = list->offsets;
	request->cookies = list->cookies;
	request->nr = list->nr;
	fd = uprobe_link__create(request);
	if (fd < 0)
		return fd;
	links->link[links->nr++] = (struct allocator_link){ .fd = fd, .file_fd = request->file_fd };
	return 0;
}

/* Attach free before malloc, or a block could be recorded whose free goes unseen. */
static int attach_session(struct allocator_links *links, struct memleak_bpf *skeleton, int file_fd,
			  const struct allocator_probes *probes, pid_t pid)
{
	struct uprobe_link_request free_request = { .attach_type = UPROBE_LINK_MULTI,
						    .file_fd = file_fd,
						    .pid = pid };
	struct uprobe_link_request request = { .attach_type = UPROBE_LINK_SESSION,
					       .file_fd = file_fd,
					       .pid = pid };
	struct offset_list allocating, freeing;
	int err;

	split_probes(probes, &allocating, &freeing);
	err = add_link(links, skeleton->progs.allocator_free, &free_request, &freeing);
	if (!err)
		err = add_link(links, skeleton->progs.allocator_session, &request, &allocating);
	return err;
}

/* Attach frees first, then returns before entries, for the reason given at attach_perf. */
static int attach_multi(struct allocator_links *links, struct memleak_bpf *skeleton, int file_fd,
			const struct allocator_probes *probes, pid_t pid)
{
	struct uprobe_link_request request = { .attach_type = UPROBE_LINK_MULTI,
					       .file_fd = file_fd,
					       .pid = pid };
	struct uprobe_link_request returns = request;
	struct offset_list allocating, freeing;
	int err;

	returns.returns = true;
	split_probes(probes, &allocating, &freeing);
	err = add_link(links, skeleton->progs.allocator_free, &request, &freeing);
	if (!err)
		err = add_link(links, return_program(skeleton), &returns, &allocating);
	if (!err)
		err = add_link(links, skeleton->progs.allocator_enter, &request, &allocating);
	return err;
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

static int add_perf_event(struct allocator_links *links, struct bpf_program *program, bool returns,
			  pid_t pid, int file_fd, uint64_t offset)
{
	LIBBPF_OPTS(bpf_uprobe_opts, options, .retprobe = returns);
	struct bpf_link *link;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file_fd);
	link = bpf_program__attach_uprobe_opts(program, pid ? pid : -1, path, offset, &options);
	if (!link)
		return -errno;
	links->link[links->nr++] =
		(struct allocator_link){ .perf = link, .fd = -1, .file_fd = file_fd };
	return 0;
}

/*
 * Attaches one perf event for each entry and each return. Frees come first, then returns before
 * entries: a return without its entry is ignored, but an entry without its return would look like a
 * call that never ends.
 */
static int attach_perf(struct allocator_links *links, struct memleak_bpf *skeleton, int file_fd,
		       const struct allocator_probes *probes, pid_t pid)
{
	int err = 0;

	for (int pass = 0; pass < 3 && !err; pass++) {
		for (size_t i = 0; i < probes->nr && !err; i++) {
			const struct allocator_probe *probe = &probes->probe[i];
			struct bpf_program *program =
				pass == 1 ? return_program(skeleton) :
					    enter_program(skeleton, probe->function);

			if ((probe->function == FUNCTION_FREE) != (pass == 0))
				continue;
			err = add_perf_event(links, program, pass == 1, pid, file_fd,
					     probe->probe_offset);
		}
	}
	return err;
}

int allocator_links__attach(struct allocator_links *links, struct memleak_bpf *skeleton,
			    enum call_probes path, int file_fd,
			    const struct allocator_probes *probes, pid_t pid)
{
	if (links->nr + 2 * probes->nr + 3 > ALLOCATOR_LINKS_MAX)
		return -ENOSPC;
	switch (path) {
	case CALL_PROBES_SESSION:
		return attach_session(links, skeleton, file_fd, probes, pid);
	case CALL_PROBES_MULTI:
		return attach_multi(links, skeleton, file_fd, probes, pid);
	case CALL_PROBES_PERF:
		return attach_perf(links, skeleton, file_fd, probes, pid);
	case CALL_PROBES_ANY:
		break;
	}
	return -EINVAL;
}

size_t allocator_links__fds(const struct allocator_links *links, int *fds)
{
	for (size_t i = 0; i < links->nr; i++)
		fds[i] = links->link[i].perf ? bpf_link__fd(links->link[i].perf) :
					       links->link[i].fd;
	return links->nr;
}

int allocator_links__attach_breakpoints(struct allocator_links *links, struct memleak_bpf *skeleton,
					int file_fd, const struct allocator_probes *probes)
{
	struct uprobe_link_request request = { .attach_type = UPROBE_LINK_MULTI,
					       .file_fd = file_fd };
	struct offset_list all = { .nr = probes->nr };

	if (links->nr == ALLOCATOR_LINKS_MAX)
		return -ENOSPC;
	for (size_t i = 0; i < probes->nr; i++)
		all.offsets[i] = probes->probe[i].probe_offset;
	return add_link(links, skeleton->progs.breakpoints_alone, &request, &all);
}

static void close_link(struct allocator_link *link)
{
	if (link->perf)
		bpf_link__destroy(link->perf);
	else
		close(link->fd);
}

void allocator_links__detach_file(struct allocator_links *links, int file_fd)
{
	size_t kept = 0;

	for (size_t i = 0; i < links->nr; i++) {
		if (links->link[i].file_fd == file_fd)
			close_link(&links->link[i]);
		else
			links->link[kept++] = links->link[i];
	}
	links->nr = kept;
}

void allocator_links__detach(struct allocator_links *links)
{
	while (links->nr)
		close_link(&links->link[--links->nr]);
}

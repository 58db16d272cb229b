// SPDX-License-Identifier: GPL-2.0
/* See allocator_links.h. The programs are in bpf/allocator.bpf.c. */
#include "probes/allocator_links.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "allocators/defined_functions.h"
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
		{ skeleton->progs.by_ret_enter, session || multi, UPROBE_LINK_MULTI },
		{ skeleton->progs.by_ret_return, session || (multi && tables), UPROBE_LINK_MULTI },
		{ skeleton->progs.operator_new_enter_perf, perf, 0 },
		{ skeleton->progs.by_ret_return_perf, perf && tables, 0 },
		{ skeleton->progs.by_ret_return_old, (multi || perf) && !tables,
		  multi ? UPROBE_LINK_MULTI : 0 },
		{ skeleton->progs.defined_enter_perf, perf && defined_functions__nr(), 0 },
		{ skeleton->progs.defined_free_perf, perf && defined_functions__nr(), 0 },
		{ skeleton->progs.malloc_enter, perf, 0 },
		{ skeleton->progs.calloc_enter, perf, 0 },
		{ skeleton->progs.realloc_enter, perf, 0 },
		{ skeleton->progs.reallocarray_enter, perf, 0 },
		{ skeleton->progs.xallocx_enter, perf, 0 },
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

static struct bpf_program *by_ret_program(const struct memleak_bpf *skeleton)
{
	if (bpf_program__autoload(skeleton->progs.by_ret_return_old))
		return skeleton->progs.by_ret_return_old;
	return bpf_program__autoload(skeleton->progs.by_ret_return) ?
		       skeleton->progs.by_ret_return :
		       skeleton->progs.by_ret_return_perf;
}

/*
 * The input of one link: the functions' offsets, and for a program that serves several functions,
 * the function at each offset.
 */
struct offset_list {
	uint64_t offsets[ALLOCATOR_PROBES_MAX], cookies[ALLOCATOR_PROBES_MAX];
	size_t nr;
};

/* The links of a file, in the order in which they are made. */
enum link_kind {
	LINK_FREES, /* first, or a block could be recorded whose free goes unseen */
	LINK_RETS,
	LINK_BY_RET,
	LINK_ALLOCATIONS,
	NR_LINK_KINDS
};

static enum link_kind kind_of(const struct allocator_probe *probe)
{
	switch (probe->function) {
	case FUNCTION_FREE:
	case FUNCTION_DEFINED_FREE:
		return LINK_FREES;
	case FUNCTION_NEW:
	case FUNCTION_DEFINED_BY_RET:
		return LINK_BY_RET;
	case FUNCTION_NEW_RETURN:
		return LINK_RETS;
	default:
		return LINK_ALLOCATIONS;
	}
}

static void list_probes(const struct allocator_probes *probes, enum link_kind kind,
			struct offset_list *list)
{
	list->nr = 0;
	for (size_t i = 0; i < probes->nr; i++) {
		const struct allocator_probe *probe = &probes->probe[i];

		if (kind_of(probe) != kind)
			continue;
		list->offsets[list->nr] = probe->probe_offset;
		list->cookies[list->nr++] = probe->cookie;
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

/*
 * Attaches one kind of probes to a whole file. Of functions that return by a return probe of their
 * own, the returns come before the entries, for the reason given at attach_perf.
 */
static int attach_kind(struct allocator_links *links, struct memleak_bpf *skeleton,
		       enum call_probes path, const struct uprobe_link_request *place,
		       enum link_kind kind, const struct offset_list *list)
{
	struct uprobe_link_request request = *place;
	int err;

	request.attach_type = UPROBE_LINK_MULTI;
	switch (kind) {
	case LINK_FREES:
		return add_link(links, skeleton->progs.allocator_free, &request, list);
	case LINK_RETS:
		return add_link(links, by_ret_program(skeleton), &request, list);
	case LINK_BY_RET:
		return add_link(links, skeleton->progs.by_ret_enter, &request, list);
	default:
		break;
	}
	if (path == CALL_PROBES_SESSION) {
		request.attach_type = UPROBE_LINK_SESSION;
		return add_link(links, skeleton->progs.allocator_session, &request, list);
	}
	request.returns = true;
	err = add_link(links, return_program(skeleton), &request, list);
	request.returns = false;
	return err ? err : add_link(links, skeleton->progs.allocator_enter, &request, list);
}

static int attach_file(struct allocator_links *links, struct memleak_bpf *skeleton,
		       enum call_probes path, int file_fd, const struct allocator_probes *probes,
		       pid_t pid)
{
	const struct uprobe_link_request place = { .file_fd = file_fd, .pid = pid };
	int err = 0;

	for (int kind = 0; kind < NR_LINK_KINDS && !err; kind++) {
		struct offset_list list;

		list_probes(probes, (enum link_kind)kind, &list);
		err = attach_kind(links, skeleton, path, &place, (enum link_kind)kind, &list);
	}
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
	case FUNCTION_XALLOCX:
		return skeleton->progs.xallocx_enter;
	case FUNCTION_MEMALIGN:
		return skeleton->progs.memalign_enter;
	case FUNCTION_POSIX_MEMALIGN:
		return skeleton->progs.posix_memalign_enter;
	case FUNCTION_FREE:
		return skeleton->progs.free_enter_perf;
	case FUNCTION_NEW:
		return skeleton->progs.operator_new_enter_perf;
	case FUNCTION_NEW_RETURN:
		return by_ret_program(skeleton);
	case FUNCTION_DEFINED:
	case FUNCTION_DEFINED_BY_RET:
		return skeleton->progs.defined_enter_perf;
	case FUNCTION_DEFINED_FREE:
		return skeleton->progs.defined_free_perf;
	case NR_ALLOCATOR_FUNCTIONS:
		break;
	}
	return NULL;
}

static int add_perf_event(struct allocator_links *links, struct bpf_program *program, bool returns,
			  pid_t pid, int file_fd, const struct allocator_probe *probe)
{
	/* The programs of libc's functions have no cookie, which kernels before 5.15 refuse. */
	LIBBPF_OPTS(bpf_uprobe_opts, options, .retprobe = returns,
		    .bpf_cookie = probe->function >= FUNCTION_DEFINED && !returns ? probe->cookie :
										    0);
	struct bpf_link *link;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file_fd);
	link = bpf_program__attach_uprobe_opts(program, pid ? pid : -1, path, probe->probe_offset,
					       &options);
	if (!link)
		return -errno;
	links->link[links->nr++] =
		(struct allocator_link){ .perf = link, .fd = -1, .file_fd = file_fd };
	return 0;
}

static int attach_perf_kind(struct allocator_links *links, struct memleak_bpf *skeleton,
			    int file_fd, const struct allocator_probes *probes, pid_t pid,
			    enum link_kind kind, bool returns)
{
	int err = 0;

	for (size_t i = 0; i < probes->nr && !err; i++) {
		const struct allocator_probe *probe = &probes->probe[i];
		struct bpf_program *program = returns ? return_program(skeleton) :
							enter_program(skeleton, probe->function);

		if (kind_of(probe) == kind)
			err = add_perf_event(links, program, returns, pid, file_fd, probe);
	}
	return err;
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

	for (int kind = 0; kind < NR_LINK_KINDS && !err; kind++) {
		if (kind == LINK_ALLOCATIONS)
			err = attach_perf_kind(links, skeleton, file_fd, probes, pid,
					       (enum link_kind)kind, true);
		if (!err)
			err = attach_perf_kind(links, skeleton, file_fd, probes, pid,
					       (enum link_kind)kind, false);
	}
	return err;
}

int allocator_links__attach(struct allocator_links *links, struct memleak_bpf *skeleton,
			    enum call_probes path, int file_fd,
			    const struct allocator_probes *probes, pid_t pid)
{
	if (links->nr + 2 * probes->nr + NR_LINK_KINDS + 1 > ALLOCATOR_LINKS_MAX)
		return -ENOSPC;
	switch (path) {
	case CALL_PROBES_SESSION:
	case CALL_PROBES_MULTI:
		return attach_file(links, skeleton, path, file_fd, probes, pid);
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

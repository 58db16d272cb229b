// SPDX-License-Identifier: GPL-2.0
/* See file_identity.h. The programs are in bpf/identify.bpf.c. */
#include "probes/file_identity.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/file_key.h"

/* vm.mmap_min_addr is at most this, except on unusual systems. */
#define LOWEST_ADDRESS 0x10000UL
#define LOWEST_PAGES 16
#define MAX_ATTEMPTS 20
#define RETRY_US 200

static uint32_t read_generation(int fd)
{
	int generation = 0; /* the ioctl is declared to take a long, but writes an int */

	return ioctl(fd, FS_IOC_GETVERSION, &generation) ? 0 : (uint32_t)generation;
}

struct unwind_file_key file_identity__key_by_stat(int fd, const struct stat *status)
{
	struct file_key key = file_key__of_stat(status);

	return (struct unwind_file_key){
		.inode = key.inode,
		.device = file_key__device(&key),
		.generation = read_generation(fd),
	};
}

static void *map_page(const struct file_identifier *identifier, int fd, size_t page_bytes)
{
	void *page = MAP_FAILED;

	if (!identifier->lowest)
		return mmap(NULL, page_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	for (size_t i = 0; i < LOWEST_PAGES && page == MAP_FAILED; i++)
		page = mmap((void *)(LOWEST_ADDRESS + i * page_bytes), page_bytes, PROT_READ,
			    MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd, 0);
	return page;
}

/*
 * Another thread of the tracer may be mapping something just then, which keeps the program from
 * reading the mappings. So it is asked again.
 */
static int run_program(const struct file_identifier *identifier, uint64_t address)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = &address, .ctx_size_in = sizeof(address));
	int err = 0;

	for (int i = 0; i < MAX_ATTEMPTS; i++) {
		if (i)
			usleep(RETRY_US);
		*identifier->answer = (struct file_identity){ 0 };
		err = bpf_prog_test_run_opts(identifier->program_fd, &run);
		if (err || ((volatile struct file_identity *)identifier->answer)->address)
			return err;
	}
	return -ENOENT;
}

/* The mapping is never read, since the file may shrink at any time. */
static int ask(const struct file_identifier *identifier, int fd, struct file_identity *identity)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	void *page = map_page(identifier, fd, page_bytes);
	int err;

	if (page == MAP_FAILED)
		return -errno;
	err = run_program(identifier, (uint64_t)(uintptr_t)page);
	*identity = *identifier->answer;
	munmap(page, page_bytes);
	return err;
}

int file_identity__read(const struct file_identifier *identifier, int fd,
			struct file_identity *identity)
{
	struct statfs filesystem;
	struct stat status;

	if (identifier && identifier->program_fd >= 0 && !ask(identifier, fd, identity))
		return 0;
	if (fstat(fd, &status) || fstatfs(fd, &filesystem))
		return -errno;
	*identity = (struct file_identity){
		.key = file_identity__key_by_stat(fd, &status),
		.filesystem = (uint32_t)filesystem.f_type,
	};
	return 0;
}

static uint64_t mount_of(int folder_fd, const char *path)
{
	struct statx status;

	return statx(folder_fd, path, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &status) ||
			       !(status.stx_mask & STATX_MNT_ID) ?
		       0 :
		       status.stx_mnt_id;
}

bool file_identity__is_of_the_system(int fd)
{
	uint64_t mount = mount_of(fd, "");

	return mount && (mount == mount_of(AT_FDCWD, "/") || mount == mount_of(AT_FDCWD, "/usr"));
}

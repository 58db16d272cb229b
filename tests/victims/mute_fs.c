// SPDX-License-Identifier: GPL-2.0
/*
 * A file system in user space with one executable file in it, "program", whose content is that of
 * FILE: mute_fs FOLDER FILE. While a signal has stopped it, it answers no request, like a network
 * server that is gone. It speaks the kernel's own protocol (linux/fuse.h), so that it needs no
 * library.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define PROGRAM_NODE 2
#define NAME "program"
#define MAX_READ_BYTES (128 << 10)
#define REQUEST_BYTES (MAX_READ_BYTES + 4096)
/* Its answers about a file hold that long: the kernel asks anew at every look. */
#define VALID_S 0

static int device_fd, file_fd;
static struct stat file_status;

static void reply(const struct fuse_in_header *request, int err, const void *data, size_t size)
{
	struct fuse_out_header header = {
		.len = (unsigned int)(sizeof(header) + (err ? 0 : size)),
		.error = err,
		.unique = request->unique,
	};
	struct iovec parts[] = { { &header, sizeof(header) }, { (void *)data, err ? 0 : size } };

	if (writev(device_fd, parts, 2) < 0 && errno != ENOENT)
		exit(1);
}

static void fill_attributes(struct fuse_attr *attributes, uint64_t node)
{
	memset(attributes, 0, sizeof(*attributes));
	attributes->ino = node;
	attributes->nlink = 1;
	attributes->blksize = 4096;
	attributes->mode = S_IFDIR | 0755;
	if (node != PROGRAM_NODE)
		return;
	attributes->mode = S_IFREG | 0755;
	attributes->size = (uint64_t)file_status.st_size;
	attributes->blocks = (uint64_t)file_status.st_size / 512 + 1;
}

static void look_up(const struct fuse_in_header *request, const char *name)
{
	struct fuse_entry_out entry = { .nodeid = PROGRAM_NODE, .attr_valid = VALID_S };

	fill_attributes(&entry.attr, PROGRAM_NODE);
	reply(request, strcmp(name, NAME) ? -ENOENT : 0, &entry, sizeof(entry));
}

static void read_file(const struct fuse_in_header *request, const struct fuse_read_in *wanted)
{
	static char bytes[MAX_READ_BYTES];
	size_t size = wanted->size < sizeof(bytes) ? wanted->size : sizeof(bytes);
	ssize_t nr = pread(file_fd, bytes, size, (off_t)wanted->offset);

	reply(request, nr < 0 ? -errno : 0, bytes, nr < 0 ? 0 : (size_t)nr);
}

static void answer(const struct fuse_in_header *request)
{
	const void *body = request + 1;
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION,
		.minor = 31,
		.max_write = 4096,
		.max_readahead = MAX_READ_BYTES,
	};
	struct fuse_attr_out attributes = { .attr_valid = VALID_S };
	struct fuse_open_out opened = { .fh = 1 };
	struct fuse_statfs_out filesystem = { .st.bsize = 4096, .st.namelen = 255 };

	switch (request->opcode) {
	case FUSE_INIT:
		reply(request, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		look_up(request, body);
		break;
	case FUSE_GETATTR:
		fill_attributes(&attributes.attr, request->nodeid);
		reply(request, 0, &attributes, sizeof(attributes));
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		reply(request, 0, &opened, sizeof(opened));
		break;
	case FUSE_READ:
		read_file(request, body);
		break;
	case FUSE_STATFS:
		reply(request, 0, &filesystem, sizeof(filesystem));
		break;
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_FLUSH:
	case FUSE_ACCESS:
		reply(request, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		reply(request, -ENOSYS, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	static char request[REQUEST_BYTES];
	char options[128];

	if (argc != 3)
		return 2;
	device_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	file_fd = open(argv[2], O_RDONLY | O_CLOEXEC);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", device_fd);
	if (device_fd < 0 || file_fd < 0 || fstat(file_fd, &file_status) ||
	    mount("mute", argv[1], "fuse.mute", MS_NOSUID | MS_NODEV, options)) {
		printf("no file system in user space: %s\n", strerror(errno));
		return 77;
	}
	puts("mounted");
	fflush(stdout);
	for (;;) {
		ssize_t nr = read(device_fd, request, sizeof(request));

		if (nr < 0 && errno == ENODEV)
			return 0; /* unmounted */
		if (nr < 0 && errno != EINTR && errno != EAGAIN && errno != ENOENT)
			return 1;
		if (nr >= (ssize_t)sizeof(struct fuse_in_header))
			answer((const void *)request);
	}
}

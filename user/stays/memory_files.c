// SPDX-License-Identifier: GPL-2.0
/*
 * See memory_files.h. A path is as the process saw it: the file system of a container may be
 * mounted elsewhere for us. So a file is looked for below each of our mount points of that file
 * system, by the ends of its path, and recognized by its inode. Only folders of memory file systems
 * are opened: a path of another namespace could lead us to a server that does not answer.
 */
#include "stays/memory_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/living_thread.h"
#include "stays/mount_table.h"
#include "base/scan_budget.h"

#define MAX_KERNEL_MOUNTS 16
#define MAX_FOREIGN_DEVICES 64
#define FOREIGN_NS 1000000000ULL
/* Bounds on the search for one file. */
#define MAX_POINTS 16
#define MAX_FOLDERS 32
#define MAX_ENTRIES 10000
#ifndef MFD_HUGE_SHIFT
#define MFD_HUGE_SHIFT 26
#endif

struct device {
	uint32_t dev_major, dev_minor;
	enum memory_filesystem filesystem;
	uint64_t learned_ns;
};

struct memory_files {
	struct device kernel[MAX_KERNEL_MOUNTS];
	size_t nr_kernel;
	FILE *mountinfo; /* polled: the kernel says when the mounts have changed */
	struct mount_table *mounts; /* ours; NULL: unknown */
	/*
	 * Devices of other mount namespaces, and devices that are mounted nowhere (of btrfs,
	 * overlays).
	 */
	struct device foreign[MAX_FOREIGN_DEVICES];
	size_t next_foreign;
	struct scan_budget folders; /* that are looked through */
};

/* A file made in one of the kernel's own mounts shows that mount's device. */
static void learn_kernel_mount(struct memory_files *files, unsigned int flags,
			       enum memory_filesystem filesystem)
{
	int fd = memfd_create("memleak-bpf", MFD_CLOEXEC | flags);
	struct stat status;

	if (fd < 0)
		return;
	if (!fstat(fd, &status) && files->nr_kernel < MAX_KERNEL_MOUNTS)
		files->kernel[files->nr_kernel++] = (struct device){
			.dev_major = major(status.st_dev),
			.dev_minor = minor(status.st_dev),
			.filesystem = filesystem,
		};
	close(fd);
}

/* Each size of huge pages has a mount. */
static void learn_huge_mounts(struct memory_files *files)
{
	DIR *sizes = opendir("/sys/kernel/mm/hugepages");
	const struct dirent *entry;

	while (sizes && (entry = readdir(sizes))) {
		uint64_t kib;

		if (sscanf(entry->d_name, "hugepages-%" SCNu64 "kB", &kib) != 1 || !kib)
			continue;
		learn_kernel_mount(files,
				   MFD_HUGETLB | (unsigned int)__builtin_ctzll(kib << 10)
							 << MFD_HUGE_SHIFT,
				   FILESYSTEM_KERNEL_HUGETLBFS);
	}
	if (sizes)
		closedir(sizes);
}

struct memory_files *memory_files__new(void)
{
	struct memory_files *files = calloc(1, sizeof(*files));

	if (!files)
		return NULL;
	learn_kernel_mount(files, 0, FILESYSTEM_KERNEL_TMPFS);
	learn_huge_mounts(files);
	return files;
}

void memory_files__free(struct memory_files *files)
{
	if (!files)
		return;
	mount_table__free(files->mounts);
	if (files->mountinfo)
		fclose(files->mountinfo);
	free(files);
}

static const struct mount_table *current_mounts(struct memory_files *files)
{
	struct pollfd changed = { .events = POLLPRI };

	if (!files->mountinfo)
		files->mountinfo = fopen("/proc/self/mountinfo", "re");
	if (!files->mountinfo)
		return NULL;
	changed.fd = fileno(files->mountinfo);
	if (files->mounts && poll(&changed, 1, 0) <= 0)
		return files->mounts;
	mount_table__free(files->mounts);
	rewind(files->mountinfo);
	files->mounts = mount_table__read(files->mountinfo);
	return files->mounts;
}

static struct device *find_device(struct device *devices, size_t nr, const struct mapping *map)
{
	for (size_t i = 0; i < nr; i++)
		if (devices[i].dev_minor == map->file.dev_minor &&
		    devices[i].dev_major == map->file.dev_major)
			return &devices[i];
	return NULL;
}

/* Asks the process's own mounts while it runs; after that only the path is left to judge by. */
static enum memory_filesystem ask_process(pid_t tgid, const struct mapping *map)
{
	enum memory_filesystem filesystem = FILESYSTEM_OTHER;
	struct mount_table *mounts = NULL;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)living_thread__of(tgid));
	file = fopen(path, "re");
	if (file) {
		mounts = mount_table__read(file);
		fclose(file);
	}
	if (mounts)
		mount_table__filesystem(mounts, map->file.dev_major, map->file.dev_minor,
					&filesystem);
	else if (!strncmp(map->path, "/dev/shm/", strlen("/dev/shm/")))
		filesystem = FILESYSTEM_TMPFS;
	mount_table__free(mounts);
	return filesystem;
}

/*
 * The kernel soon gives such a device number to another file system: an answer does not stay valid
 * for long.
 */
static enum memory_filesystem foreign_filesystem(struct memory_files *files, pid_t tgid,
						 const struct mapping *map)
{
	struct device *device = find_device(files->foreign, MAX_FOREIGN_DEVICES, map);
	uint64_t now_ns = clock__monotonic_ns();

	if (device && device->learned_ns && now_ns - device->learned_ns < FOREIGN_NS)
		return device->filesystem;
	if (!device) {
		device = &files->foreign[files->next_foreign];
		files->next_foreign = (files->next_foreign + 1) % MAX_FOREIGN_DEVICES;
	}
	*device = (struct device){
		.dev_major = map->file.dev_major,
		.dev_minor = map->file.dev_minor,
		.filesystem = ask_process(tgid, map),
		.learned_ns = now_ns,
	};
	return device->filesystem;
}

enum memory_filesystem memory_files__filesystem(struct memory_files *files, pid_t tgid,
						const struct mapping *map)
{
	const struct device *kernel = find_device(files->kernel, files->nr_kernel, map);
	const struct mount_table *mounts;
	enum memory_filesystem filesystem;

	/*
	 * A file system without a disk has major number 0; a mapping without a file has both
	 * numbers 0.
	 */
	if (map->file.dev_major || !map->file.dev_minor)
		return FILESYSTEM_OTHER;
	if (kernel)
		return kernel->filesystem;
	mounts = current_mounts(files);
	if (mounts &&
	    mount_table__filesystem(mounts, map->file.dev_major, map->file.dev_minor, &filesystem))
		return filesystem;
	return foreign_filesystem(files, tgid, map);
}

/* Never leaves the file system: no symbolic link of another user can lead us away. */
static int open_below(int folder, const char *path, uint64_t flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};

	return (int)syscall(SYS_openat2, folder, *path ? path : ".", &how, sizeof(how));
}

static bool is_object(const struct stat *status, const struct shared_object *object)
{
	struct file_key key = file_key__of_stat(status);

	return S_ISREG(status->st_mode) && file_key__same_numbers(&key, &object->file);
}

static bool note_found(struct memory_file *file, const char *point, const char *folder,
		       const char *name, const struct stat *status)
{
	const char *gap = *folder ? "/" : "";
	int length = snprintf(file->path, sizeof(file->path), "%s/%s%s%s",
			      strcmp(point, "/") ? point : "", folder, gap, name);

	file->bytes = (uint64_t)status->st_blocks * 512;
	return length > 0 && (size_t)length < sizeof(file->path);
}

static bool is_at(int root, const char *point, const char *path, const struct shared_object *object,
		  struct memory_file *file)
{
	int fd = open_below(root, path, O_PATH | O_NOFOLLOW);
	struct stat status;
	bool found = false;

	if (fd < 0)
		return false;
	if (!fstat(fd, &status) && is_object(&status, object))
		found = note_found(file, point, "", path, &status);
	close(fd);
	return found;
}

static bool is_in_folder_of(int root, const char *point, const char *path,
			    const struct shared_object *object, struct memory_file *file)
{
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;
	const struct dirent *entry;
	char folder[4096];
	bool found = false;
	DIR *entries;
	int fd;

	snprintf(folder, sizeof(folder), "%.*s", (int)length, path);
	fd = open_below(root, folder, O_RDONLY | O_DIRECTORY);
	entries = fd >= 0 ? fdopendir(fd) : NULL;
	if (!entries) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	for (int i = 0; !found && i < MAX_ENTRIES && (entry = readdir(entries)); i++) {
		struct stat status;

		if (entry->d_ino == object->file.inode &&
		    !fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) &&
		    is_object(&status, object))
			found = note_found(file, point, folder, entry->d_name, &status);
	}
	closedir(entries);
	return found;
}

/* "/a/b/c" may be a/b/c, b/c or c below our mount point of its file system. */
static bool try_ends(int root, const char *point, const struct shared_object *object,
		     bool (*is_there)(int root, const char *point, const char *path,
				      const struct shared_object *object, struct memory_file *file),
		     struct memory_file *file)
{
	const char *end = object->name;

	for (int i = 0; i < MAX_FOLDERS && (end = strchr(end, '/')); i++) {
		end += strspn(end, "/");
		if (*end && is_there(root, point, end, object, file))
			return true;
	}
	return false;
}

/*
 * A process that makes deep and full folders could keep us busy, so a budget limits the time.
 * Returns 1 when the file is found, 0 when it is not, or -EAGAIN when the budget is used up.
 */
static int look_through_folders(struct memory_files *files, int root, const char *point,
				const struct shared_object *object, struct memory_file *file)
{
	uint64_t began_ns = clock__monotonic_ns(), began_cpu_ns = clock__thread_cpu_ns();
	bool found;

	if (scan_budget__wait_ns(&files->folders, began_ns))
		return -EAGAIN;
	found = try_ends(root, point, object, is_in_folder_of, file);
	scan_budget__charge(&files->folders, began_ns, clock__monotonic_ns(),
			    clock__thread_cpu_ns() - began_cpu_ns);
	return found;
}

int memory_files__find(struct memory_files *files, const struct shared_object *object,
		       struct memory_file *file)
{
	const struct mount_table *mounts = current_mounts(files);
	const char *point;
	bool looked = false;
	int found = 0;

	for (size_t n = 0; mounts && !found && n < MAX_POINTS &&
			   (point = mount_table__point(mounts, object->file.dev_major,
						       object->file.dev_minor, n));
	     n++) {
		int root = open(point, O_PATH | O_DIRECTORY | O_CLOEXEC);
		struct stat status;

		if (root < 0)
			continue;
		/* Another mount may hide this one. */
		if (!fstat(root, &status) && major(status.st_dev) == object->file.dev_major &&
		    minor(status.st_dev) == object->file.dev_minor) {
			looked = true;
			found = try_ends(root, point, object, is_at, file);
			if (!found)
				found = look_through_folders(files, root, point, object, file);
		}
		close(root);
	}
	if (found)
		return found < 0 ? found : 0;
	return looked ? -ENOENT : -EXDEV;
}

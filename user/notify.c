// SPDX-License-Identifier: GPL-2.0
/* See notify.h. Called by the monitor. */
#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* Returns the address's size, or -errno. */
static int fill_address(struct sockaddr_un *address, const char *socket_name)
{
	size_t length = strlen(socket_name);

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (*socket_name != '/' && *socket_name != '@')
		return -EAFNOSUPPORT; /* vsock:, for virtual machines */
	if (length < 2)
		return -EINVAL;
	/* The kernel wants a path's NUL, and takes it as part of an abstract name. */
	if (length + (*socket_name == '/') > sizeof(address->sun_path))
		return -ENAMETOOLONG;
	memcpy(address->sun_path, socket_name, length);
	if (*socket_name == '@')
		address->sun_path[0] = '\0';
	return (int)(offsetof(struct sockaddr_un, sun_path) + length + (*socket_name == '/'));
}

int notify__send(const char *socket_name, const char *state)
{
	const struct timeval patience = { .tv_sec = 1 };
	struct sockaddr_un address;
	int fd, size, err = 0;

	if (!socket_name || !*socket_name)
		return 0;
	size = fill_address(&address, socket_name);
	if (size < 0)
		return size;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) ||
	    sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address,
		   (socklen_t)size) < 0)
		err = -errno;
	close(fd);
	return err;
}

// SPDX-License-Identifier: GPL-2.0
/* See reply_stream.h. */
#include "leaks/reply_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

void reply_stream__begin(struct reply_stream *stream, const struct watch_reply *reply,
			 struct paused_thread *threads)
{
	free(stream->threads);
	stream->reply = *reply;
	stream->threads = threads;
	stream->sent_bytes = 0;
	stream->busy = true;
}

int reply_stream__send(struct reply_stream *stream)
{
	size_t threads_bytes = stream->reply.nr_threads * sizeof(*stream->threads);
	size_t total_bytes = sizeof(stream->reply) + threads_bytes;

	while (stream->busy && stream->sent_bytes < total_bytes) {
		size_t sent = stream->sent_bytes, skip;
		struct iovec parts[2] = { 0 };
		struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
		ssize_t nr;

		if (sent < sizeof(stream->reply))
			parts[0] = (struct iovec){ (char *)&stream->reply + sent,
						   sizeof(stream->reply) - sent };
		skip = sent > sizeof(stream->reply) ? sent - sizeof(stream->reply) : 0;
		if (threads_bytes)
			parts[1] = (struct iovec){ (char *)stream->threads + skip,
						   threads_bytes - skip };
		nr = sendmsg(stream->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (nr < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		stream->sent_bytes += (size_t)nr;
	}
	stream->busy = false;
	free(stream->threads);
	stream->threads = NULL;
	return 0;
}

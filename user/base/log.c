// SPDX-License-Identifier: GPL-2.0
/*
 * Messages on stderr. A message is built in bounded buffers on the stack and written at once. So
 * it needs no memory, and doesn't mix with output that a traced command writes there.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/line_wrap.h"
#include "base/log.h"
#include "base/sanitize_text.h"
#include "base/terminal.h"

/* libbpf's longest messages quote a verifier log; its first screens are enough. */
#define MESSAGE_SIZE 16384
#define LINE_SIZE (MESSAGE_SIZE + 256)
#define PATIENCE_MS 500

static bool verbose_is_on;

void log__set_verbose(bool verbose)
{
	verbose_is_on = verbose;
}

/* A message that nobody reads must not hold up the tracer. */
static bool stderr_has_room(void)
{
	static bool was_full;
	struct pollfd room = { .fd = fileno(stderr), .events = POLLOUT };

	if (room.fd >= 0)
		was_full = !poll(&room, 1, was_full ? 0 : PATIENCE_MS);
	return !was_full;
}

/* The part of a line that is written next: a pipe with any room takes it whole. */
struct piece {
	char bytes[PIPE_BUF];
	size_t length;
	bool given_up; /* stderr had no room for an earlier piece of this line */
};

static void write_piece(struct piece *piece)
{
	piece->given_up = piece->given_up || !stderr_has_room();
	if (!piece->given_up)
		fwrite(piece->bytes, 1, piece->length, stderr);
	piece->length = 0;
}

static void add_to_piece(void *context, const char *bytes, size_t size)
{
	struct piece *piece = context;

	for (size_t i = 0; i < size; i++) {
		if (piece->length == sizeof(piece->bytes))
			write_piece(piece);
		piece->bytes[piece->length++] = bytes[i];
	}
}

/* Writes the line, broken where a terminal's width ends. */
static void write_patiently(const char *line, size_t length)
{
	unsigned int columns = terminal__columns(fileno(stderr));
	struct piece piece = { .length = 0 };
	struct line_wrap wrap = { .put = add_to_piece, .context = &piece, .columns = columns };

	if (columns)
		line_wrap__write(&wrap, line, length);
	else
		add_to_piece(&piece, line, length);
	write_piece(&piece);
}

static void write_line(const char *prefix, const char *message)
{
	char line[LINE_SIZE];
	size_t length = snprintf(line, sizeof(line), "%s", prefix);
	/* Room for the mark of a cut and the newline. */
	size_t room = sizeof(line) - length - strlen("...") - 1;
	bool cut = sanitize_text__copy(line + length, room, message) >= room;

	length += strlen(line + length);
	length += snprintf(line + length, sizeof(line) - length, "%s\n", cut ? "..." : "");
	write_patiently(line, length);
}

static void format_message(char message[MESSAGE_SIZE], const char *format, va_list arguments)
{
	int length = vsnprintf(message, MESSAGE_SIZE, format, arguments);

	if (length < 0)
		snprintf(message, MESSAGE_SIZE, "(a message that can't be formatted: %s)", format);
	else if (length >= MESSAGE_SIZE)
		memcpy(message + MESSAGE_SIZE - sizeof("..."), "...", sizeof("..."));

	/* A caller may pass on a text with or without a newline at its end. */
	for (size_t last = strlen(message); last > 0 && message[last - 1] == '\n'; last--)
		message[last - 1] = '\0';
}

static void write_message(const char *prefix, const char *format, va_list arguments)
{
	int saved_errno = errno;
	char message[MESSAGE_SIZE];

	format_message(message, format, arguments);
	write_line(prefix, message);
	errno = saved_errno;
}

void log__error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_message("memleak-bpf: ", format, arguments);
	va_end(arguments);
}

void log__warning(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_message("memleak-bpf: warning: ", format, arguments);
	va_end(arguments);
}

void log__detail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log__detail_va(format, arguments);
	va_end(arguments);
}

void log__detail_va(const char *format, va_list arguments)
{
	int saved_errno = errno;
	char message[MESSAGE_SIZE];
	char *rest = message, *line;

	if (!verbose_is_on)
		return;
	format_message(message, format, arguments);
	while ((line = strsep(&rest, "\n")))
		write_line("memleak-bpf: ", line);
	errno = saved_errno;
}

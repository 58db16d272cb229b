// SPDX-License-Identifier: GPL-2.0
/* See progress.h. */
#include "base/progress.h"

#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/terminal.h"

#define SHOWN_AFTER_NS NS_PER_S
#define INTERVAL_NS (NS_PER_S / 10)
#define BAR_MIN_COLUMNS 10
#define BAR_MAX_COLUMNS 30
/* "[", "]", and " 100%". */
#define FRAME_COLUMNS 7
#define ERASE_LINE "\r\033[K"

static struct {
	char text[96];
	const char *phase;
	uint64_t next_ns; /* when to write next; 0: no work was begun */
	bool shown;
} work;

void progress__render(char *line, size_t size, unsigned int columns, const char *text,
		      uint64_t done, uint64_t total)
{
	unsigned int length = (unsigned int)strlen(text), bar, filled, percent;

	if (!total || columns < length + 1 + FRAME_COLUMNS + BAR_MIN_COLUMNS) {
		snprintf(line, size, "%.*s", (int)columns, text);
		return;
	}
	bar = columns - length - 1 - FRAME_COLUMNS;
	if (bar > BAR_MAX_COLUMNS)
		bar = BAR_MAX_COLUMNS;
	if (done > total)
		done = total;
	percent = (unsigned int)((double)done / (double)total * 100);
	filled = bar * percent / 100;
	snprintf(line, size, "%s [%.*s%*s] %3u%%", text, (int)filled,
		 "##############################", (int)(bar - filled), "", percent);
}

/* Whether a write would not wait. */
static bool takes_output(void)
{
	struct pollfd writable = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&writable, 1, 0) == 1 && writable.revents & POLLOUT;
}

static void write_line(const char *line)
{
	char whole[320];
	int length = snprintf(whole, sizeof(whole), ERASE_LINE "%s", line);

	if (takes_output() && write(STDERR_FILENO, whole, (size_t)length) > 0)
		work.shown = *line;
}

void progress__begin(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(work.text, sizeof(work.text), format, arguments);
	va_end(arguments);
	work.phase = NULL;
	work.next_ns = clock__monotonic_ns() + SHOWN_AFTER_NS;
}

void progress__show(uint64_t done, uint64_t total)
{
	char text[160], line[256];
	unsigned int columns;
	uint64_t now_ns;

	if (!work.next_ns)
		return;
	now_ns = clock__monotonic_ns();
	if (now_ns < work.next_ns)
		return;
	work.next_ns = now_ns + INTERVAL_NS;
	columns = terminal__columns(STDERR_FILENO);
	if (!columns)
		return;
	snprintf(text, sizeof(text), "%s%s%s", work.text, work.phase ? ": " : "",
		 work.phase ? work.phase : "");
	/* In the last column, some terminals go on to the next line. */
	progress__render(line, sizeof(line), columns - 1, text, done, total);
	write_line(line);
}

void progress__phase(const char *phase)
{
	work.phase = phase;
	progress__show(0, 0);
}

void progress__end(void)
{
	if (work.next_ns && work.shown)
		write_line("");
	work.next_ns = 0;
}

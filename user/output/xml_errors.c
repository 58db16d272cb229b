// SPDX-License-Identifier: GPL-2.0
/*
 * See xml_errors.h. Called by output_xml.c. Texts are Valgrind's to the letter ("1 blocks are"):
 * programs match them.
 */
#include "output/xml_errors.h"

#include <inttypes.h>
#include <string.h>

#include "base/text_units.h"
#include "output/leak_words.h"
#include "output/xml_text.h"

/* NULL: a record of that kind is no error. */
static const char *const error_kinds[NR_LEAK_KINDS] = {
	[LEAK_DEFINITE] = "Leak_DefinitelyLost",
	[LEAK_INDIRECT] = "Leak_IndirectlyLost",
	[LEAK_POSSIBLE] = "Leak_PossiblyLost",
	[LEAK_REACHABLE] = "Leak_StillReachable",
};

/*
 * Valgrind's address is a process's own, and no frame is without one. A dead process's frames have
 * none: then it is the offset in the file of <obj>.
 */
static uint64_t frame_address(const struct report_frame *frame)
{
	return frame->address || !frame->module ? frame->address : frame->module_offset;
}

static void print_folder(FILE *out, const char *path, const char *end)
{
	fputs("      <dir>", out);
	for (const char *at = path; at < end;)
		at += xml_text__print_first(out, at);
	fputs("</dir>\n", out);
}

/* As Valgrind does, the path of a source is parted in its folder and its name. */
static void print_source(FILE *out, const struct report_frame *frame)
{
	const char *slash = strrchr(frame->file, '/'), *name = frame->file;

	if (slash && slash[1]) {
		name = slash + 1;
		print_folder(out, frame->file, slash == frame->file ? name : slash);
	}
	xml_text__element(out, 6, "file", name);
	if (frame->line)
		fprintf(out, "      <line>%u</line>\n", frame->line);
}

static void print_frame(FILE *out, const struct report_frame *frame)
{
	fprintf(out, "    <frame>\n      <ip>0x%" PRIX64 "</ip>\n", frame_address(frame));
	if (frame->module)
		xml_text__element(out, 6, "obj", frame->module);
	if (frame->function)
		xml_text__element(out, 6, "fn", frame->function);
	if (frame->file)
		print_source(out, frame);
	fputs("    </frame>\n", out);
}

/* The protocol wants a frame in every stack. */
static void print_stack(FILE *out, const struct report_stack *stack)
{
	static const struct report_frame unknown = { 0 };

	fputs("  <stack>\n", out);
	for (size_t i = 0; i < stack->nr_frames; i++)
		print_frame(out, &stack->frames[i]);
	if (!stack->nr_frames)
		print_frame(out, &unknown);
	fputs("  </stack>\n", out);
}

static uint64_t add_sizes(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* The records of all kinds, the hidden ones among them. */
static uint64_t count_records(const struct process_report *process)
{
	uint64_t shown = add_sizes(process->stacks.nr, process->stacks.more.stacks), nr = 0;

	for (int kind = LEAK_DEFINITE; kind < NR_LEAK_KINDS; kind++)
		nr = add_sizes(nr, process->leaks->records[kind]);
	return nr > shown ? nr : shown;
}

static void print_what(FILE *out, const struct report_stack *stack, size_t number,
		       uint64_t nr_records)
{
	uint64_t bytes = add_sizes(stack->bytes, stack->indirect_bytes);

	fprintf(out, "  <xwhat>\n    <text>%s ", text_units__count(bytes).text);
	if (stack->indirect_blocks)
		fprintf(out, "(%s direct, %s indirect) ", text_units__count(stack->bytes).text,
			text_units__count(stack->indirect_bytes).text);
	fprintf(out, "bytes in %s blocks are %s in loss record %s of %s</text>\n",
		text_units__count(stack->blocks).text, leak_words__kind(stack->kind),
		text_units__count(number).text, text_units__count(nr_records).text);
	fprintf(out,
		"    <leakedbytes>%" PRIu64 "</leakedbytes>\n    <leakedblocks>%" PRIu64
		"</leakedblocks>\n  </xwhat>\n",
		bytes, stack->blocks);
}

/* Threads are not told apart: they all are the first. */
uint64_t xml_errors__print(FILE *out, const struct process_report *process, bool is_other,
			   uint64_t nr)
{
	uint64_t nr_records = count_records(process);

	for (size_t i = 0; process->leaks->full && i < process->stacks.nr; i++) {
		const struct report_stack *stack = &process->stacks.list[i];

		if (!error_kinds[stack->kind])
			continue;
		fprintf(out,
			"<error>\n  <unique>0x%" PRIx64 "</unique>\n  <tid>1</tid>\n"
			"  <kind>%s</kind>\n",
			nr++, error_kinds[stack->kind]);
		print_what(out, stack, i + 1, nr_records);
		print_stack(out, stack);
		if (is_other) {
			fprintf(out, "  <auxwhat>in process %d (", process->pid);
			xml_text__print(out, process->comm);
			fputs(")</auxwhat>\n", out);
		}
		fputs("</error>\n\n", out);
	}
	return nr;
}

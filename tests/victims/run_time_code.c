// SPDX-License-Identifier: GPL-2.0
/*
 * Makes a function at run time, as a just-in-time compiler does, and writes its name to
 * /tmp/perf-PID.map; the function calls one of the program, which allocates. Prints the path of the
 * map, which it leaves there, or "none" where its few instructions are not the machine's.
 */
#include <sys/mman.h>

#include "truth.h"

#if defined(__x86_64__)
/* push %rbp; mov %rsp,%rbp; call *%rdi; pop %rbp; ret */
static const unsigned char instructions[] = { 0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3 };
#elif defined(__aarch64__)
/* stp x29,x30,[sp,#-16]!; mov x29,sp; blr x0; ldp x29,x30,[sp],#16; ret */
static const unsigned int instructions[] = { 0xa9bf7bfd, 0x910003fd, 0xd63f0000, 0xa8c17bfd,
					     0xd65f03c0 };
#else
static const unsigned char instructions[] = { 0 };
#endif

static NOINLINE void *take(void)
{
	void *block = malloc(4321);

	truth_allocated(block, 4321);
	*(volatile char *)block = 1;
	return block;
}

int main(void)
{
	void *(*function)(void *(*)(void));
	char path[64], text[128];
	void *code;
	FILE *map;

	if (sizeof(instructions) == 1) {
		say("none\n");
		return 0;
	}
	code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(code, instructions, sizeof(instructions));
	mprotect(code, 4096, PROT_READ | PROT_EXEC);
	__builtin___clear_cache(code, (char *)code + sizeof(instructions));
	memcpy(&function, &code, sizeof(function));
	*(volatile char *)function(take) = 2;

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	map = fopen(path, "w");
	if (!map)
		return 1;
	/* A buffer of our own: stdio's would be a block. */
	setbuf(map, NULL);
	snprintf(text, sizeof(text), "%lx %zx Interpreter::run(made, here)\n", (unsigned long)code,
		 sizeof(instructions));
	fputs(text, map);
	/* After a process has ended, nobody can see which /tmp was its own. */
	sleep(1);
	snprintf(text, sizeof(text), "%s\n", path);
	say(text);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * A program without any allocator, without a C library even: maps 4 MiB, touches them, exits 5.
 * Linked static with -nostdlib.
 */
#include <asm/unistd.h>
#include <linux/mman.h>

#define SIZE (4UL << 20)

static long call(long number, long a, long b, long c, long d, long e, long f)
{
#ifdef __x86_64__
	long result;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
#else
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
#endif
}

void _start(void);

void _start(void)
{
	volatile char *memory = (volatile char *)call(__NR_mmap, 0, SIZE, PROT_READ | PROT_WRITE,
						      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (unsigned long i = 0; i < SIZE; i += 4096)
		memory[i] = 1;
	for (;;)
		call(__NR_exit_group, 5, 0, 0, 0, 0, 0);
}

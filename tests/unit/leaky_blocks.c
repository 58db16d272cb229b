// SPDX-License-Identifier: GPL-2.0
/*
 * The child's own side: it allocates blocks, puts pointers to them where it says, and forgets them
 * everywhere else. What it tells the tests goes through a shared file, with addresses inverted, so
 * that these are no pointers.
 */
#include "leaky_blocks.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE_BYTES 4096
#define SPARSE_BYTES (8ULL << 30)

/* glibc's own malloc, also where ASan puts another one in its place. */
void *__libc_malloc(size_t size);
void __libc_free(void *block);

static struct leaky_table *table;

/* Writes a block into the table. Its address comes back inverted, too. */
static uintptr_t note(const char *name, void *block, size_t size_bytes, enum leak_kind kind)
{
	struct leaky_entry *entry = &table->entries[table->nr++];

	strncpy(entry->name, name, sizeof(entry->name) - 1);
	entry->inverted = ~(uintptr_t)block;
	entry->size_bytes = size_bytes;
	entry->kind = entry->kind_with_heuristics = kind;
	return entry->inverted;
}

static uintptr_t make(const char *name, size_t size_bytes, enum leak_kind kind)
{
	void *block = __libc_malloc(size_bytes);

	memset(block, 0, size_bytes);
	return note(name, block, size_bytes, kind);
}

static void put(volatile uintptr_t *place, uintptr_t inverted, uintptr_t offset)
{
	*place = ~inverted + offset;
}

static struct leaky_entry *last(void)
{
	return &table->entries[table->nr - 1];
}

static volatile uintptr_t in_data = 1, in_bss, middle, past_end, list, zero, with_slack, length,
			  second_length, freed_owner;
static volatile char unaligned[24] __attribute__((aligned(8)));
static __thread volatile uintptr_t variable;

static void make_simple_blocks(void)
{
	uintptr_t block, next, text, second;

	put(&in_data, make("in .data", 100, LEAK_REACHABLE), 0);
	put(&in_bss, make("in .bss", 100, LEAK_REACHABLE), 0);
	put(&middle, make("pointer to the middle", 100, LEAK_POSSIBLE), 50);
	put(&past_end, make("pointer to the end", 104, LEAK_DEFINITE), 104);
	put(&zero, make("no bytes", 0, LEAK_REACHABLE), 0);
	block = make("unaligned pointer", 100, LEAK_DEFINITE);
	block = ~block;
	memcpy((char *)unaligned + 4, &block, sizeof(block));

	block = make("list, first", 48, LEAK_REACHABLE);
	put(&list, block, 0);
	next = make("list, second", 48, LEAK_REACHABLE);
	put((uintptr_t *)~block, next, 0);
	put((uintptr_t *)~next, make("list, last", 48, LEAK_REACHABLE), 0);

	/* The last four bytes of the pointer are past the block's end, which is not on a word. */
	block = make("with a word half its own", 28, LEAK_REACHABLE);
	put(&with_slack, block, 0);
	put((uintptr_t *)(~block + 24), make("in a word that is half a block's", 24, LEAK_DEFINITE),
	    0);

	text = make("length first", 100, LEAK_POSSIBLE);
	last()->kind_with_heuristics = LEAK_REACHABLE;
	*(uint64_t *)~text = 92;
	put(&length, text, 8);
	/* Reachable by a heuristic, and by a plain pointer of what only a heuristic reaches. */
	second = make("length first, and held", 100, LEAK_POSSIBLE);
	last()->kind_with_heuristics = LEAK_REACHABLE;
	*(uint64_t *)~second = 92;
	put(&second_length, second, 8);
	put((uintptr_t *)(~text + 16), second, 0);
}

/* A page that tests take for another allocator's, with a block of 28 bytes. */
static void make_foreign_block(void)
{
	uintptr_t *page =
		mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	put(&page[8], make("in a foreign block", 100, LEAK_REACHABLE), 0);
	put(&page[8 + 3], make("half in a foreign block", 100, LEAK_REACHABLE), 0);
	table->foreign_inverted = ~(uintptr_t)&page[8];
}

static void make_lost_blocks(void)
{
	uintptr_t head = make("lost, head", 64, LEAK_DEFINITE), child;

	last()->indirect_bytes = 64 + 32;
	last()->indirect_blocks = 2;
	child = make("lost, child", 64, LEAK_INDIRECT);
	put((uintptr_t *)~head, child, 0);
	put((uintptr_t *)~child, make("lost, grandchild", 32, LEAK_INDIRECT), 0);
	make("lost, alone", 1000, LEAK_DEFINITE);
}

/* Not in the first bytes of the freed chunk, which the allocator writes over. */
static void make_pointer_in_freed_memory(void)
{
	uintptr_t *freed = __libc_malloc(3000);

	freed[100] = ~make("pointer in freed memory", 100, LEAK_DEFINITE);
	/* Keeps the freed chunk from the top of the heap. */
	put(&freed_owner, make("after freed memory", 100, LEAK_REACHABLE), 0);
	__libc_free(freed);
}

static void make_mapped_pointers(void)
{
	uintptr_t *private =
		mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uintptr_t *shared =
		mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uintptr_t *constant =
		mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *sparse = mmap(NULL, SPARSE_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	put(&private[10], make("in a mapping", 100, LEAK_REACHABLE), 0);
	put(&shared[10], make("in shared memory", 100, LEAK_REACHABLE), 0);
	put(&constant[10], make("in memory made read-only", 100, LEAK_DEFINITE), 0);
	mprotect(constant, PAGE_BYTES, PROT_READ);
	put((uintptr_t *)(sparse + SPARSE_BYTES / 2),
	    make("in a sparse mapping", 100, LEAK_REACHABLE), 0);
}

/* A large block, with a mapping of its own, holds another. */
static volatile uintptr_t large;

static void make_large_block(void)
{
	uintptr_t block = make("large", 1 << 20, LEAK_REACHABLE);

	put(&large, block, 0);
	put((uintptr_t *)(~block + (1 << 20) - 8), make("in a large block", 100, LEAK_REACHABLE),
	    0);
}

/* A frame that is left again, deep enough that none after it writes over its middle. */
static __attribute__((noinline)) void leave_pointer(uintptr_t inverted)
{
	volatile uintptr_t frame[4096];

	memset((void *)frame, 0, sizeof(frame));
	put(&frame[100], inverted, 0);
	/* Of an ended thread, glibc keeps the 16 KiB below its last frame. */
	put(&frame[2800], inverted, 0);
}

/* Writes over what calls have left just below. */
static __attribute__((noinline)) void clean_stack(void)
{
	volatile uintptr_t frame[1024];

	memset((void *)frame, 0, sizeof(frame));
}

/* A thread and the blocks that it has. */
struct thread_part {
	uintptr_t in_variable, in_frame, below, in_register;
	pthread_barrier_t ready;
};

static void *live_until_killed(void *argument)
{
	struct thread_part *part = argument;
	volatile uintptr_t frame;

	put(&variable, part->in_variable, 0);
	put(&frame, part->in_frame, 0);
	leave_pointer(part->below);
	clean_stack();
	pthread_barrier_wait(&part->ready);
	for (;;)
		pause();
	return NULL;
}

/* A thread that is in no system call, with pointers in registers alone. */
static void *spin_with_registers(void *argument)
{
	struct thread_part *part = argument;
	uintptr_t in_register = part->in_register, in_vector = part->in_frame;

	clean_stack();
	pthread_barrier_wait(&part->ready);
	__asm__ volatile("not %0\n"
			 "not %1\n"
			 "movq %1, %%xmm15\n"
			 "xor %1, %1\n"
			 "1: pause\n"
			 "jmp 1b\n"
			 : "+b"(in_register), "+r"(in_vector)
			 :
			 : "xmm15");
	return NULL;
}

static void *end_at_once(void *argument)
{
	struct thread_part *part = argument;
	volatile uintptr_t frame;

	put(&variable, part->in_variable, 0);
	put(&frame, part->in_frame, 0);
	leave_pointer(part->below);
	return NULL;
}

/* The first stack in libc's cache is taken by the next thread, so those that live come first. */
static void make_threads(void)
{
	static struct thread_part alive, spinning, ended;
	pthread_t thread;

	alive.in_variable = make("variable of a thread", 100, LEAK_REACHABLE);
	alive.in_frame = make("frame of a thread", 100, LEAK_REACHABLE);
	alive.below = make("below a thread's stack pointer", 100, LEAK_DEFINITE);
	spinning.in_register = make("in a register", 100, LEAK_REACHABLE);
	spinning.in_frame = make("in a vector register", 100, LEAK_REACHABLE);
	ended.in_variable = make("variable of an ended thread", 100, LEAK_REACHABLE);
	ended.in_frame = make("frame of an ended thread", 100, LEAK_DEFINITE);
	ended.below = make("below an ended thread's frames", 100, LEAK_DEFINITE);
	pthread_barrier_init(&alive.ready, NULL, 2);
	pthread_barrier_init(&spinning.ready, NULL, 2);
	pthread_create(&thread, NULL, live_until_killed, &alive);
	pthread_barrier_wait(&alive.ready);
	pthread_create(&thread, NULL, spin_with_registers, &spinning);
	pthread_barrier_wait(&spinning.ready);
	pthread_create(&thread, NULL, end_at_once, &ended);
	pthread_join(thread, NULL);
}

/* The tests' list of blocks does not have this one. */
static void *volatile unlisted;

static __attribute__((noinline)) void make_blocks(void)
{
	unlisted = __libc_malloc(UNLISTED_BYTES);
	make_simple_blocks();
	make_lost_blocks();
	make_pointer_in_freed_memory();
	make_mapped_pointers();
	make_large_block();
	make_foreign_block();
	make_threads();
	put(&variable, make("variable of the first thread", 100, LEAK_REACHABLE), 0);
	leave_pointer(make("below the stack pointer", 100, LEAK_DEFINITE));
}

void leaky_blocks__run(int fd)
{
	volatile uintptr_t frame;

	table = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (table == MAP_FAILED)
		_exit(1);
	make_blocks();
	put(&frame, make("frame of the first thread", 100, LEAK_REACHABLE), 0);
	clean_stack();
	table->ready = 1;
	for (;;)
		pause();
}

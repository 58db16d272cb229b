// SPDX-License-Identifier: GPL-2.0
/*
 * A daemon that never stops to allocate, link, unlink and free, and loses nothing but what it is
 * told to. Blocks are held by stacks, by registers alone for moments, by other blocks, and by
 * blocks from before "ready". It reads commands from stdin, and answers each with "ok":
 * - churn COUNT: so many threads work on lists of their own, and hand nodes over;
 * - wait COUNT: so many threads hold a block each, and wait;
 * - come_and_go COUNT: so many threads start threads that end at once;
 * - map COUNT: so many threads move blocks through mappings that vanish;
 * - shift COUNT: so many threads shift pointers within arrays, by memmove;
 * - resize COUNT: so many threads resize blocks that have mappings of their own;
 * - hang COUNT: blocks that only blocks from before "ready" point to;
 * - leak COUNT: loses blocks of 1,000 bytes, each with the pointer to one of 500;
 * - count: prints the work done, as "count NUMBER";
 * - exit CODE.
 */
#include <pthread.h>
#include <sys/mman.h>

#include "leak_case.h"

#define LISTS 32
#define MAX_LENGTH 16
#define OLD_BLOCKS 1000
#define SLOTS_PER_OLD_BLOCK 8
#define STACK_BYTES (128 << 10)

struct node {
	struct node *next;
	char *payload;
	size_t payload_size;
	char padding[40];
};

static unsigned long work_done;
static struct node *handed_over;
static void **volatile old_blocks[OLD_BLOCKS];
static int nr_hanging;

static void start(void *(*function)(void *), int count)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	for (int i = 0; i < count; i++)
		if (pthread_create(&thread, &attributes, function, NULL) != 0)
			die("pthread_create");
	pthread_attr_destroy(&attributes);
}

static unsigned int next_random(unsigned int *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* ---- churn ---- */

static struct node *make_node(unsigned int *random)
{
	struct node *node = (struct node *)allocate(sizeof(*node));

	node->payload_size = 8 + next_random(random) % 2000;
	node->payload = (char *)allocate(node->payload_size);
	return node;
}

static void free_node(struct node *node)
{
	free(node->payload);
	free(node);
}

/* At times it is so large that it has a mapping of its own. Its first word points to a block. */
static void change_payload(struct node *node, unsigned int *random)
{
	size_t size = next_random(random) % 100 ? 8 + next_random(random) % 5000 : 300000;
	void **payload;

	*(void **)node->payload = allocate(24);
	payload = (void **)realloc(node->payload, size);
	if (!payload)
		die("realloc");
	node->payload = (char *)payload;
	node->payload_size = size;
	free(payload[0]);
	payload[0] = NULL;
}

/* Unlinks the last node of a list that has some. */
static struct node *take_last(struct node **list)
{
	struct node *node;

	while ((*list)->next)
		list = &(*list)->next;
	node = *list;
	*list = NULL;
	return node;
}

static int length_of(const struct node *list)
{
	int length = 0;

	for (; list; list = list->next)
		length++;
	return length;
}

static void push(struct node **list, struct node *node)
{
	node->next = *list;
	*list = node;
}

static void hand_over(struct node **list)
{
	struct node *node = __atomic_exchange_n(&handed_over, take_last(list), __ATOMIC_ACQ_REL);

	if (node)
		push(list, node);
}

static void *churn(void *unused)
{
	struct node *lists[LISTS] = { NULL };
	unsigned int random = (unsigned int)(unsigned long)pthread_self();

	(void)unused;
	for (;;) {
		struct node **list = &lists[next_random(&random) % LISTS];

		if (!*list || length_of(*list) < MAX_LENGTH / 2)
			push(list, make_node(&random));
		switch (next_random(&random) % 4) {
		case 0:
			free_node(take_last(list));
			break;
		case 1:
			change_payload(*list, &random);
			break;
		case 2:
			push(&lists[next_random(&random) % LISTS], take_last(list));
			break;
		default:
			hand_over(list);
			break;
		}
		while (length_of(*list) > MAX_LENGTH)
			free_node(take_last(list));
		truth_add(&work_done, 1);
	}
	return NULL;
}

/* ---- other threads ---- */

static void *hold_and_wait(void *unused)
{
	void *volatile held = allocate(48);

	(void)unused;
	(void)held;
	truth_add(&work_done, 1);
	for (;;)
		pause();
	return NULL;
}

static void *hold_for_a_moment(void *unused)
{
	void *volatile held = make_list(3, 72);

	(void)unused;
	while (held) {
		void *next = *(void **)held;

		free(held);
		held = next;
	}
	truth_add(&work_done, 1);
	return NULL;
}

static void *come_and_go(void *unused)
{
	(void)unused;
	for (;;) {
		pthread_t threads[4];
		int i;

		for (i = 0; i < 4; i++)
			if (pthread_create(&threads[i], NULL, hold_for_a_moment, NULL) != 0)
				break;
		while (i-- > 0)
			pthread_join(threads[i], NULL);
	}
	return NULL;
}

/* The pointers wander from one mapping to the next, which is made before the last one goes. */
static void *move_through_mappings(void *unused)
{
	size_t size = 16 * 4096, nr = size / sizeof(void *);
	void **last = NULL;

	(void)unused;
	for (;;) {
		void **region = mmap(NULL, size, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (region == MAP_FAILED)
			die("mmap");
		for (size_t i = 0; i < nr; i += 64)
			region[i] = last ? last[i] : allocate(56);
		if (last)
			munmap(last, size);
		last = region;
		truth_add(&work_done, 1);
	}
	return NULL;
}

/* memmove has many pointers in registers alone, the widest that there are, for some instructions. */
static void *shift(void *unused)
{
	enum { NR = 30, BY = 7 };
	void *array[NR + BY] = { NULL };

	(void)unused;
	for (int i = 0; i < NR; i++)
		array[i] = allocate(40);
	for (;;) {
		memmove(array + BY, array, NR * sizeof(*array));
		memset(array, 0, BY * sizeof(*array));
		memmove(array, array + BY, NR * sizeof(*array));
		memset(array + NR, 0, BY * sizeof(*array));
		__asm__ volatile("" : : "r"(array) : "memory");
		truth_add(&work_done, 1);
	}
	return NULL;
}

#define LARGE_BYTES ((1UL << 20) - 16)
#define PAGE_BYTES 4096UL

static NOINLINE void *resized(void *block, size_t size)
{
	block = realloc(block, size);
	if (!block)
		die("realloc");
	return block;
}

/* Always in the same pages, so the block stays where it is. The last word is the only pointer. */
static NOINLINE char *resize_within_pages(char *block, size_t size, size_t next)
{
	void *held = *(void **)(block + size - sizeof(held));

	if (next > size)
		block = (char *)resized(block, next);
	*(void **)(block + size - sizeof(held)) = NULL;
	*(void **)(block + next - sizeof(held)) = held;
	return next < size ? (char *)resized(block, next) : block;
}

static void *resize(void *unused)
{
	size_t size = LARGE_BYTES - PAGE_BYTES + 64, steps = PAGE_BYTES / 64 - 2;
	char *block = (char *)allocate(LARGE_BYTES);

	(void)unused;
	block = (char *)resized(block, size);
	*(void **)(block + size - sizeof(void *)) = allocate(88);
	for (size_t i = 0;; i++) {
		size_t next = LARGE_BYTES - PAGE_BYTES + 64 * (1 + i * 7 % steps);

		block = resize_within_pages(block, size, next);
		size = next;
		scrub();
		usleep(200);
		truth_add(&work_done, 1);
	}
	return NULL;
}

/* ---- blocks on command ---- */

static NOINLINE void make_old_blocks(void)
{
	for (int i = 0; i < OLD_BLOCKS; i++)
		old_blocks[i] = (void **)allocate(SLOTS_PER_OLD_BLOCK * sizeof(void *));
}

static NOINLINE void hang(int count)
{
	for (; count > 0 && nr_hanging < OLD_BLOCKS * SLOTS_PER_OLD_BLOCK; count--, nr_hanging++)
		old_blocks[nr_hanging % OLD_BLOCKS][nr_hanging / OLD_BLOCKS] = allocate(104);
}

static NOINLINE void plant(int count)
{
	while (count-- > 0)
		*(void **)allocate(1000) = allocate(500);
}

/* One line, byte by byte: what follows belongs to the next command. */
static int read_line(char *line, size_t size)
{
	size_t n = 0;

	while (n + 1 < size) {
		if (read(STDIN_FILENO, line + n, 1) != 1)
			return 0;
		if (line[n] == '\n')
			break;
		n++;
	}
	line[n] = '\0';
	return 1;
}

static const struct {
	const char *name;
	void *(*function)(void *);
} kinds_of_threads[] = {
	{ "churn", churn },
	{ "wait", hold_and_wait },
	{ "come_and_go", come_and_go },
	{ "map", move_through_mappings },
	{ "shift", shift },
	{ "resize", resize },
};

static NOINLINE void obey(const char *name, int number)
{
	char line[64];

	for (size_t i = 0; i < sizeof(kinds_of_threads) / sizeof(kinds_of_threads[0]); i++)
		if (!strcmp(name, kinds_of_threads[i].name))
			start(kinds_of_threads[i].function, number);
	if (!strcmp(name, "hang"))
		hang(number);
	else if (!strcmp(name, "leak"))
		plant(number);
	else if (!strcmp(name, "exit"))
		exit(number);
	else if (!strcmp(name, "count")) {
		snprintf(line, sizeof(line), "count %lu\n",
			 __atomic_load_n(&work_done, __ATOMIC_RELAXED));
		say(line);
	}
}

int main(void)
{
	char line[64], name[32];

	make_old_blocks();
	scrub();
	say("ready\n");
	while (read_line(line, sizeof(line))) {
		int number = 0;

		if (sscanf(line, "%31s %d", name, &number) < 1)
			continue;
		obey(name, number);
		scrub();
		say("ok\n");
	}
	return 0;
}

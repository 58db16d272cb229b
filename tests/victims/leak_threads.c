// SPDX-License-Identifier: GPL-2.0
/*
 * leak_threads CASE: the last pointers are on stacks, in registers, and in what threads have of
 * their own, some of which live at the end and some of which don't. tests/system/leak_truth.c says
 * what each case loses.
 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "leak_case.h"

#define STACK_BYTES (256 << 10)
#define MANY 8

static pthread_barrier_t ready;
/* volatile: the compiler drops what is never read. */
static void *volatile global;
static __thread void *volatile thread_local_block;
static pthread_key_t key;

static NOINLINE pthread_t start(void *(*function)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, function, NULL) != 0)
		die("pthread_create");
	return thread;
}

/* Starts that many threads, and returns once each of them waits for ever. */
static NOINLINE void start_waiting(void *(*function)(void *), unsigned int count)
{
	pthread_barrier_init(&ready, NULL, count + 1);
	for (unsigned int i = 0; i < count; i++)
		start(function);
	pthread_barrier_wait(&ready);
}

static NOINLINE __attribute__((noreturn)) void wait_for_ever(void)
{
	scrub();
	pthread_barrier_wait(&ready);
	for (;;)
		syscall(SYS_pause);
}

/* ---- threads that live at the end ---- */

static void *hold_on_stack(void *unused)
{
	void *volatile held = make_list(3, 64);

	(void)unused;
	(void)held;
	wait_for_ever();
}

static void on_stack(void)
{
	start_waiting(hold_on_stack, 1);
}

static NOINLINE void *make_for_register(void)
{
	void *block = allocate(120);

	scrub();
	return block;
}

static volatile int in_register_now;

/* The kernel keeps r12 while pause lasts; nothing else of the thread has the pointer. */
static void *hold_in_register(void *unused)
{
	(void)unused;
	__asm__ volatile("movq %0, %%r12\n"
			 "xorl %%eax, %%eax\n"
			 "movl $1, %1\n"
			 "1: movl %2, %%eax\n"
			 "syscall\n"
			 "jmp 1b"
			 :
			 : "a"(make_for_register()), "m"(in_register_now), "i"(SYS_pause)
			 : "r12", "rcx", "r11", "memory");
	return NULL;
}

static void in_register(void)
{
	start(hold_in_register);
	while (!in_register_now)
		usleep(1000);
}

static void *hold_in_tls(void *unused)
{
	(void)unused;
	thread_local_block = make_list(2, 72);
	wait_for_ever();
}

static void in_tls_of_thread(void)
{
	start_waiting(hold_in_tls, 2);
}

static void *hold_in_key(void *unused)
{
	(void)unused;
	pthread_setspecific(key, make_list(2, 80));
	wait_for_ever();
}

static void in_key_of_thread(void)
{
	pthread_key_create(&key, NULL);
	start_waiting(hold_in_key, 2);
}

/* glibc gives each of them an arena of its own. */
static void *fill_arena(void *unused)
{
	void *volatile held = make_list(500, 48);

	(void)unused;
	(void)held;
	lose(2, 1000);
	free(make_list(1, 5000));
	wait_for_ever();
}

static void many_arenas(void)
{
	start_waiting(fill_arena, MANY);
}

/* ---- threads that have ended ---- */

static void *hold_and_return(void *unused)
{
	void *volatile held = make_list(3, 88);

	(void)unused;
	(void)held;
	return NULL;
}

static void on_ended_stack(void)
{
	pthread_join(start(hold_and_return), NULL);
}

/* glibc keeps the stack of an ended thread for the next one, with the variables in it. */
static void *keep_in_tls(void *unused)
{
	(void)unused;
	thread_local_block = make_list(2, 96);
	return NULL;
}

static void in_ended_tls(void)
{
	pthread_join(start(keep_in_tls), NULL);
}

/* All of them live at once, since a thread could get the stack of one that has ended. */
static void *lose_some(void *unused)
{
	(void)unused;
	lose(2, 104);
	pthread_barrier_wait(&ready);
	return NULL;
}

static void many_ended(void)
{
	pthread_t threads[MANY];

	pthread_barrier_init(&ready, NULL, MANY);
	for (int i = 0; i < MANY; i++)
		threads[i] = start(lose_some);
	for (int i = 0; i < MANY; i++)
		pthread_join(threads[i], NULL);
}

/* ---- ends by threads ---- */

static void *hold_and_exit(void *unused)
{
	void *volatile held = make_list(2, 112);

	(void)unused;
	(void)held;
	lose(1, 40);
	scrub();
	syscall(SYS_exit_group, 5);
	return NULL;
}

static NOINLINE void hold_in_main(void (*go_on)(void))
{
	void *volatile held = make_list(2, 128);

	(void)held;
	go_on();
}

static void join_exiting(void)
{
	scrub();
	pthread_join(start(hold_and_exit), NULL);
}

/* The first thread and three others wait when another ends the process. */
static void ended_by_thread(void)
{
	start_waiting(hold_on_stack, 3);
	hold_in_main(join_exiting);
}

static void *exit_after_main(void *main_thread)
{
	void *volatile held = make_list(2, 112);

	(void)held;
	pthread_join(*(pthread_t *)main_thread, NULL);
	lose(1, 40);
	scrub();
	exit(6);
}

static NOINLINE void leave_main(void)
{
	scrub();
	pthread_exit(NULL);
}

/* The first thread is a zombie by then. */
static void main_ended_first(void)
{
	static pthread_t self;
	pthread_t thread;

	self = pthread_self();
	pthread_create(&thread, NULL, exit_after_main, &self);
	hold_in_main(leave_main);
}

/* ---- stacks that are no thread's ---- */

static ucontext_t main_context, coroutine_context;

static void hold_and_swap(void)
{
	void *volatile held = make_list(3, 136);

	(void)held;
	scrub();
	swapcontext(&coroutine_context, &main_context);
}

static NOINLINE void enter(void *stack, void (*function)(void))
{
	getcontext(&coroutine_context);
	coroutine_context.uc_stack.ss_sp = stack;
	coroutine_context.uc_stack.ss_size = STACK_BYTES;
	coroutine_context.uc_link = NULL;
	makecontext(&coroutine_context, function, 0);
	swapcontext(&main_context, &coroutine_context);
}

static NOINLINE void *map_stack(void)
{
	void *stack =
		mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (stack == MAP_FAILED)
		die("mmap");
	return stack;
}

static void on_allocated_coroutine(void)
{
	global = allocate(STACK_BYTES);
	enter(global, hold_and_swap);
}

static void on_mapped_coroutine(void)
{
	enter(map_stack(), hold_and_swap);
}

static NOINLINE void forget_coroutine(void)
{
	memset(&coroutine_context, 0, sizeof(coroutine_context));
}

static void on_freed_coroutine(void)
{
	void *stack = allocate(STACK_BYTES);

	enter(stack, hold_and_swap);
	free(stack);
	forget_coroutine();
}

static void on_unmapped_coroutine(void)
{
	void *stack = map_stack();

	enter(stack, hold_and_swap);
	munmap(stack, STACK_BYTES);
	forget_coroutine();
}

static void exit_here(void)
{
	void *volatile held = make_list(2, 144);

	(void)held;
	lose(1, 56);
	scrub();
	_exit(7);
}

static void enter_exiting(void)
{
	scrub();
	enter(map_stack(), exit_here);
}

/* The process's own stack is not the one that runs at the end. */
static void ended_on_coroutine(void)
{
	hold_in_main(enter_exiting);
}

static void exit_in_handler(int signal)
{
	(void)signal;
	exit_here();
}

static NOINLINE void raise_on(void *memory)
{
	stack_t stack = { .ss_sp = memory, .ss_size = STACK_BYTES };
	struct sigaction action = { .sa_handler = exit_in_handler, .sa_flags = SA_ONSTACK };

	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	scrub();
	raise(SIGUSR1);
}

static void raise_on_alternate_stack(void)
{
	raise_on(map_stack());
}

static void ended_on_alternate_stack(void)
{
	hold_in_main(raise_on_alternate_stack);
}

static char *volatile part_of_stack;

static void raise_on_part_of_stack(void)
{
	raise_on(part_of_stack);
}

/* What is interrupted lies below the alternate stack. */
static void ended_above_interrupted(void)
{
	char part[STACK_BYTES];

	memset(part, 0, sizeof(part));
	part_of_stack = part;
	hold_in_main(raise_on_part_of_stack);
}

static void *end_above_interrupted(void *unused)
{
	(void)unused;
	ended_above_interrupted();
	return NULL;
}

static void thread_ended_above_interrupted(void)
{
	pthread_join(start(end_above_interrupted), NULL);
}

static const struct leak_case cases[] = {
	{ "on_stack", on_stack },
	{ "in_register", in_register },
	{ "in_tls_of_thread", in_tls_of_thread },
	{ "in_key_of_thread", in_key_of_thread },
	{ "many_arenas", many_arenas },
	{ "on_ended_stack", on_ended_stack },
	{ "in_ended_tls", in_ended_tls },
	{ "many_ended", many_ended },
	{ "ended_by_thread", ended_by_thread },
	{ "main_ended_first", main_ended_first },
	{ "on_allocated_coroutine", on_allocated_coroutine },
	{ "on_mapped_coroutine", on_mapped_coroutine },
	{ "on_freed_coroutine", on_freed_coroutine },
	{ "on_unmapped_coroutine", on_unmapped_coroutine },
	{ "ended_on_coroutine", ended_on_coroutine },
	{ "ended_on_alternate_stack", ended_on_alternate_stack },
	{ "ended_above_interrupted", ended_above_interrupted },
	{ "thread_ended_above_interrupted", thread_ended_above_interrupted },
};

int main(int argc, char **argv)
{
	return run_case(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}

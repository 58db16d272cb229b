/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's clocks, in nanoseconds, and these as a timespec. Linux has each of these clocks, so
 * reading one never fails.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_S 1000000000ULL

static inline uint64_t clock__read_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* CLOCK_MONOTONIC, which does not run while the machine is asleep. Times from BPF are of it. */
static inline uint64_t clock__monotonic_ns(void)
{
	return clock__read_ns(CLOCK_MONOTONIC);
}

/* CLOCK_BOOTTIME: since boot, with the time that the machine was asleep. */
static inline uint64_t clock__boot_ns(void)
{
	return clock__read_ns(CLOCK_BOOTTIME);
}

/* CLOCK_REALTIME: since 1970. It jumps when someone sets it. */
static inline uint64_t clock__wall_ns(void)
{
	return clock__read_ns(CLOCK_REALTIME);
}

/* The CLOCK_REALTIME of a moment that CLOCK_MONOTONIC counted, by what both show now. */
static inline uint64_t clock__wall_of_monotonic_ns(uint64_t monotonic_ns)
{
	return clock__wall_ns() - (clock__monotonic_ns() - monotonic_ns);
}

/* The processor time that the calling thread has used. */
static inline uint64_t clock__thread_cpu_ns(void)
{
	return clock__read_ns(CLOCK_THREAD_CPUTIME_ID);
}

static inline struct timespec clock__timespec(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_S),
				  .tv_nsec = (long)(ns % NS_PER_S) };
}

#endif

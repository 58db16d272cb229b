/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The data of --hold-new that cross between bpf/hold.bpf.c, the tracer and the keeper: map keys,
 * map values, ring records, and what the three tell each other. Both sides include this.
 */
#ifndef WIRE_HOLD_H
#define WIRE_HOLD_H

#include "wire_unwind.h"

/* A hold ends after that time at the latest. */
#define HOLD_BOUND_NS 500000000ULL
#define HOLD_MAX_HELD 1024 /* at a time; further processes are not held */
#define HOLD_MAX_KNOWN 16384 /* files; those that were asked for least recently make room */
#define HOLD_MAX_SPARED 32
#define HOLD_RING_BYTES (1 << 18)
#define HOLD_NR_FILES 2 /* that one exec maps: the program and its interpreter */

/* Where inode numbers don't suffice: snapshots of one file have the same. */
#define HOLD_BTRFS_MAGIC 0x9123683E

/* A file, by the inode that its mappings show. inode 0: none. */
struct hold_file {
	__u64 inode;
	__u64 address; /* of the inode in the kernel, where the numbers don't suffice; else 0 */
	__u32 device; /* major << 20 | minor */
	__u32 generation;
};

/* Its content, as far as that can be told: a program that is overwritten is a new one. */
struct hold_stamp {
	__u64 size_bytes;
	__s64 modified_s;
	__u64 modified_ns;
};

struct hold_seen {
	struct hold_file file;
	struct hold_stamp stamp;
};

/*
 * A held process, by tgid. Made by BPF before it sends SIGSTOP; deleted by BPF when a SIGCONT is
 * sent, when somebody else stops the process too, and when it ends.
 */
struct held {
	__u64 from_ns; /* CLOCK_MONOTONIC; with the tgid, it names the hold */
	__u64 start_ns; /* CLOCK_BOOTTIME, when the process began */
	__u32 stopped; /* SIGSTOP was sent: until then, a SIGCONT would have no effect */
	__u32 pad;
	struct hold_seen seen[HOLD_NR_FILES]; /* the files that were not known */
};

/*
 * The parent of a process that is or was held, by tgid. Some parents (su, nsenter) see that their
 * child was stopped, and stop themselves until somebody continues them: the keeper does.
 */
struct hold_parent {
	__u64 until_ns; /* CLOCK_MONOTONIC; later stops have nothing to do with the hold */
	__u64 stopped_ns; /* when it stopped itself; 0: it did not */
	__u32 child_tgid;
	__u32 pad;
};

enum hold_event_type {
	HOLD_EVENT_HELD = 1,
	HOLD_EVENT_RELEASED = 2, /* it goes on, or somebody else has stopped it, or it has ended */
};

struct hold_event {
	__u32 type; /* enum hold_event_type */
	__u32 tgid;
	__u64 from_ns, until_ns; /* CLOCK_MONOTONIC; until_ns 0: held now */
	/* In the mapping that the hold is for; 0: an exec, and for all of its mappings. */
	__u64 address;
	struct hold_seen seen[HOLD_NR_FILES];
};

/* In memory that BPF, the tracer and the keeper share. Times are CLOCK_MONOTONIC; 0: never. */
struct hold_control {
	__u64 until_ns; /* nobody is held after that: the keeper moves it on */
	__u64 tracer_ns; /* when the tracer last looked for held processes */
	__u64 keeper_ns; /* when the keeper last looked */
	__u64 wanted; /* 1: the tracer is ready to look into files */
};

static inline __attribute__((always_inline)) struct hold_file
hold_file_of(const struct file_identity *identity)
{
	const struct unwind_file_key *key = &identity->key;
	int shared = !key->generation || identity->filesystem == HOLD_BTRFS_MAGIC;
	struct hold_file file = {
		.inode = key->inode,
		.address = shared ? identity->address : 0,
		.device = key->device,
		.generation = key->generation,
	};

	return file;
}

_Static_assert(sizeof(struct hold_file) == 24, "hold_file");
_Static_assert(sizeof(struct hold_stamp) == 24, "hold_stamp");
_Static_assert(sizeof(struct hold_seen) == 48, "hold_seen");
_Static_assert(sizeof(struct held) == 120, "held");
_Static_assert(sizeof(struct hold_parent) == 24, "hold_parent");
_Static_assert(sizeof(struct hold_event) == 128, "hold_event");
_Static_assert(sizeof(struct hold_control) == 32, "hold_control");

#endif

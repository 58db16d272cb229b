// SPDX-License-Identifier: GPL-2.0
/* shm_fate.h: every verdict about a piece of shared memory, and its words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "failing_alloc.h"
#include "stays/shm_fate.h"

static enum fate decide(const struct shared_object *object, const struct shm_facts *facts,
			struct report_kept *kept)
{
	enum fate fate;

	assert_int_equal(shm_fate__decide(object, facts, &fate, kept), 0);
	assert_int_equal(fate == FATE_STAYS, kept->kind != NULL);
	return fate;
}

static void check_stays(const struct shared_object *object, const struct shm_facts *facts,
			const char *kind, const char *name, const char *why, figure bytes)
{
	struct report_kept kept;

	assert_int_equal(decide(object, facts, &kept), FATE_STAYS);
	assert_string_equal(kept.kind, kind);
	assert_string_equal(kept.name, name);
	assert_string_equal(kept.why, why);
	assert_true(kept.bytes == bytes);
	shm_fate__free(&kept);
}

static void check_fate(const struct shared_object *object, const struct shm_facts *facts,
		       enum fate expected)
{
	struct report_kept kept;

	assert_int_equal(decide(object, facts, &kept), expected);
}

static void test_segments_that_stay(void **state)
{
	struct sysv_segment segment = { .id = 5, .key = 0x1234, .bytes = 65536, .nr_attached = 2 };
	struct shared_object object = {
		.kind = SHARED_SYSV, .file.inode = 5, .key = 0x1234, .name = ""
	};
	struct shm_facts facts = { .segments_known = true, .segment = &segment };

	(void)state;
	assert_false(shm_fate__needs_holders(&object, &facts));
	check_stays(&object, &facts, "System V shared memory", "shmid 5, key 0x1234",
		    "until it is removed (ipcrm -m 5)", 65536);
	facts.removed_when_unused = true; /* it is in use */
	object.huge = true;
	check_stays(&object, &facts, "System V huge pages", "shmid 5, key 0x1234",
		    "until it is removed (ipcrm -m 5)", 65536);
	object.huge = false;
	object.key = segment.key = 0;
	check_stays(&object, &facts, "System V shared memory", "shmid 5, no key",
		    "until it is removed (ipcrm -m 5)", 65536);
	/* Removal takes its key; its name keeps it. */
	object.key = 0x1234;
	segment.removed = true;
	assert_true(shm_fate__needs_holders(&object, &facts));
	check_stays(&object, &facts, "System V shared memory", "shmid 5, key 0x1234",
		    "until its last attachment ends", 65536);
	facts.holders_known = true;
	check_stays(&object, &facts, "System V shared memory", "shmid 5, key 0x1234",
		    "until its last attachment ends", 65536);
	facts.holding = (struct holding){ .nr_processes = 1, .first = 4711, .mapped = true };
	check_stays(&object, &facts, "System V shared memory", "shmid 5, key 0x1234",
		    "PID 4711 maps it", 65536);
}

static void test_segments_that_do_not_stay(void **state)
{
	struct sysv_segment segment = { .id = 5, .key = 0x1234 };
	struct shared_object object = {
		.kind = SHARED_SYSV, .file.inode = 5, .key = 0x1234, .name = ""
	};
	struct shm_facts facts = { .segments_known = true };

	(void)state;
	check_fate(&object, &facts, FATE_GONE);
	assert_false(shm_fate__needs_holders(&object, &facts));
	object.elsewhere = true;
	check_fate(&object, &facts, FATE_UNKNOWN);
	object.elsewhere = false;
	facts.segments_known = false;
	check_fate(&object, &facts, FATE_UNKNOWN);
	facts.segments_known = true;
	facts.segment = &segment;
	facts.removed_when_unused = true;
	check_fate(&object, &facts, FATE_GONE);
	object.key = 0x1235;
	check_fate(&object, &facts, FATE_UNKNOWN);
}

static void test_files(void **state)
{
	struct shared_object object = { .kind = SHARED_FILE,
					.file.inode = 9,
					.name = "/dev/shm/x" };
	struct shm_facts facts = { .place_known = true, .path = "/dev/shm/y", .file_bytes = 8192 };

	(void)state;
	assert_false(shm_fate__needs_holders(&object, &facts));
	check_stays(&object, &facts, "POSIX shared memory", "/dev/shm/y", "until it is removed",
		    8192);
	facts.path = "/tmp/y";
	check_stays(&object, &facts, "tmpfs file", "/tmp/y", "until it is removed", 8192);
	object.huge = true;
	check_stays(&object, &facts, "hugetlbfs file", "/tmp/y", "until it is removed", 8192);
	object.huge = false;

	facts.path = NULL;
	assert_true(shm_fate__needs_holders(&object, &facts));
	check_fate(&object, &facts, FATE_UNKNOWN);
	facts.holders_known = true;
	check_fate(&object, &facts, FATE_GONE);
	facts.place_known = false;
	check_fate(&object, &facts, FATE_UNKNOWN);
	object.had_no_name = true;
	check_fate(&object, &facts, FATE_GONE);
	facts.holding =
		(struct holding){ .nr_processes = 3, .first = 12, .open = true, .bytes = 4096 };
	check_stays(&object, &facts, "POSIX shared memory", "/dev/shm/x (deleted)",
		    "PID 12 and 2 more hold it", 4096);
	object.had_no_name = false;
	check_stays(&object, &facts, "POSIX shared memory", "/dev/shm/x",
		    "PID 12 and 2 more hold it", 4096);
}

static void test_what_has_no_name(void **state)
{
	struct shared_object object = { .kind = SHARED_MEMFD, .file.inode = 9, .name = "a\nb" };
	struct shm_facts facts = { .holders_known = true };

	(void)state;
	assert_true(shm_fate__needs_holders(&object, &facts));
	check_fate(&object, &facts, FATE_GONE);
	facts.holding = (struct holding){
		.nr_processes = 1, .first = 12, .open = true, .mapped = true, .bytes = 4096
	};
	check_stays(&object, &facts, "memfd", "a\nb", "PID 12 has it open", 4096);
	facts.holding.open = false;
	check_stays(&object, &facts, "memfd", "a\nb", "PID 12 maps it", 4096);
	object.huge = true;
	check_stays(&object, &facts, "memfd of huge pages", "a\nb", "PID 12 maps it", 4096);
	object.kind = SHARED_ANONYMOUS;
	check_stays(&object, &facts, "shared anonymous huge pages", "/anon_hugepage, inode 9",
		    "PID 12 maps it", 4096);
	object.huge = false;
	check_stays(&object, &facts, "shared anonymous memory", "/dev/zero, inode 9",
		    "PID 12 maps it", 4096);
	object.kind = SHARED_DRIVER;
	check_stays(&object, &facts, "driver memory", "a\nb", "PID 12 maps it", 4096);
	facts.holding.bytes = UINT64_MAX;
	check_stays(&object, &facts, "driver memory", "a\nb", "PID 12 maps it", FIGURE_UNKNOWN);
	facts.holders_known = false;
	check_fate(&object, &facts, FATE_UNKNOWN);
}

static void test_who_made_a_segment(void **state)
{
	struct sysv_segment segment = { .creator = 70, .changed_s = 1000 };

	(void)state;
	assert_true(shm_fate__created(&segment, 70, 1000));
	assert_true(shm_fate__created(&segment, 70, 999));
	assert_false(shm_fate__created(&segment, 71, 999));
	/* An earlier process with the same PID did. */
	assert_false(shm_fate__created(&segment, 70, 1001));
}

static void test_out_of_memory(void **state)
{
	struct shared_object object = { .kind = SHARED_MEMFD, .file.inode = 9, .name = "x" };
	struct shm_facts facts = { .holders_known = true, .holding = { .nr_processes = 1 } };
	struct report_kept kept;
	enum fate fate;

	(void)state;
	for (long nr = 0; nr < 2; nr++) {
		failing_alloc__after(nr);
		assert_int_equal(shm_fate__decide(&object, &facts, &fate, &kept), -ENOMEM);
		failing_alloc__never();
		assert_null(kept.name);
		assert_null(kept.why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segments_that_stay),
		cmocka_unit_test(test_segments_that_do_not_stay),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_what_has_no_name),
		cmocka_unit_test(test_who_made_a_segment),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

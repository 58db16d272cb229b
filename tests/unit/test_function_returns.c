// SPDX-License-Identifier: GPL-2.0
/*
 * The returns of functions: assembly made for each rule, in which labels say what is to be found;
 * damaged files; and the libraries of this machine, whose returns objdump must show, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "allocators/function_returns.h"
#include "elf_fixture.h"
#include "failing_alloc.h"

#define LINK "gcc -shared -nostdlib -o code.so "
#define BEGIN(name) ".globl " name "\n.type " name ", @function\n" name ": .cfi_startproc\n"
#define END ".cfi_endproc\n"
/* A return that is to be found. */
#define FOUND(nth, code) ".globl found_" nth "\nfound_" nth ": " code "\n"
/* A function whose indirect jump makes everything that leads there be refused. */
#define TRAP BEGIN("trap") "jmp *%rax\n" END

static char *folder;

static int make_folder(void **state)
{
	(void)state;
	folder = elf_fixture__folder();
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	elf_fixture__remove(folder);
	return 0;
}

static struct elf_image *open_image(const char *name, int *fd)
{
	struct elf_image *image;
	char path[512];

	snprintf(path, sizeof(path), "%s%s%s", *name == '/' ? "" : folder, *name == '/' ? "" : "/",
		 name);
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(*fd >= 0);
	assert_int_equal(elf_image__open(*fd, &image), 0);
	return image;
}

static uint64_t offset_of(const struct elf_image *image, const char *address)
{
	uint64_t offset;

	assert_int_equal(elf_image__offset_of(image, strtoull(address, NULL, 16), true, &offset),
			 0);
	return offset;
}

/* The file offset of f in code.so; the labels that are to be found are added to expected. */
static uint64_t read_labels(const struct elf_image *image, struct function_returns *expected)
{
	char command[512], *lines, *rest = NULL;
	uint64_t entry = 0;

	expected->nr = 0;
	snprintf(command, sizeof(command), "nm --numeric-sort '%s/code.so'", folder);
	lines = elf_fixture__output(command);
	for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char name[64] = "";

		if (sscanf(line, "%*x %*c %63s", name) != 1)
			continue;
		if (!strcmp(name, "f"))
			entry = offset_of(image, line);
		if (strncmp(name, "found_", 6) != 0)
			continue;
		assert_true(expected->nr < FUNCTION_RETURNS_MAX);
		expected->file_offset[expected->nr++] = offset_of(image, line);
	}
	free(lines);
	assert_int_not_equal(entry, 0);
	return entry;
}

static void link_code(const char *assembly, const char *command)
{
	elf_fixture__text(folder, "code.s", assembly);
	elf_fixture__run(folder, "%s code.s", command);
}

static void assert_code(const char *assembly, const char *command, int wanted, bool by_name)
{
	struct function_returns expected, found;
	struct elf_image *image;
	uint64_t entry;
	int fd, err;

	link_code(assembly, command);
	image = open_image("code.so", &fd);
	entry = read_labels(image, &expected);
	err = function_returns__find(image, entry, &found);
	if (err != wanted)
		fail_msg("%d rather than %d: %s", err, wanted, assembly);
	if (!err) {
		assert_int_equal(found.nr, expected.nr);
		assert_memory_equal(found.file_offset, expected.file_offset,
				    found.nr * sizeof(*found.file_offset));
		assert_int_equal(found.by_name, by_name);
	} else {
		assert_int_equal(found.nr, 0);
	}
	elf_image__free(image);
	close(fd);
}

static void assert_found(const char *assembly)
{
	assert_code(assembly, LINK, 0, false);
}

static void assert_refused(const char *assembly, int err)
{
	assert_code(assembly, LINK, err, false);
}

static void test_one_return(void **state)
{
	(void)state;
	assert_found(BEGIN("f") "push %rbx\npop %rbx\n" FOUND("1", "ret") END TRAP);
	assert_found(BEGIN("f") "enter $16,$0\nleave\n" FOUND("1", "ret") END TRAP);
	/* It begins the file's last function, and nothing comes after it. */
	assert_found(BEGIN("f") FOUND("1", "ret") END);
}

static void test_forms_of_return(void **state)
{
	static const char *const found[] = { "ret", "rep ret", "bnd ret", "ret $8",
					     "repz ret $16" };
	static const char *const refused[] = { "lretq", "lretq $8", "iretq", "sysretq", "retw" };
	char assembly[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(found) / sizeof(*found); i++) {
		snprintf(assembly, sizeof(assembly), BEGIN("f") FOUND("1", "%s") END, found[i]);
		assert_found(assembly);
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		snprintf(assembly, sizeof(assembly), BEGIN("f") "jz 1f\nret\n1: %s\n" END,
			 refused[i]);
		assert_refused(assembly, -ENOTSUP);
	}
}

static void test_several_returns(void **state)
{
	(void)state;
	assert_found(BEGIN("f") "jz 1f\njc 2f\n" FOUND("1", "ret") "1: pop %rax\n" FOUND(
		"2", "ret") "2: leave\n" FOUND("3", "ret") "ret\nnop\n" END TRAP);
	/* Conditional jumps of all kinds, near and far. */
	assert_found(BEGIN("f") "loop 1f\njrcxz 2f\nxbegin 3f\n" FOUND("1", "ret") "1:" FOUND(
		"2", "ret") "2:" FOUND("3", "ret") ".fill 300,1,0x90\n3:" FOUND("4", "ret") END);
	assert_found(BEGIN("f") "bnd jz 1f\nbnd jmp 2f\nret\n1: " FOUND("1", "ret") "2: " FOUND(
		"2", "ret") END);
}

static void test_loops(void **state)
{
	(void)state;
	assert_found(BEGIN("f") "1: dec %edi\njnz 1b\njz f\n" FOUND("1", "ret") END);
	/* A loop without an end, and nothing else. */
	assert_refused(BEGIN("f") "1: jmp 1b\n" END, -ENOTSUP);
	assert_refused(BEGIN("f") "jmp f\nret\n" END, -ENOTSUP);
}

static void test_tail_jumps(void **state)
{
	static const char f[] = BEGIN("f") "jz 1f\n" FOUND("1", "ret") "1: jmp g\n" END;
	static const char h[] = BEGIN("h") "jc 1f\n" FOUND("2", "ret") "1: jmp f\n" END;
	static const char g[] = BEGIN("g") "jz h\n" FOUND("3", "ret") END;
	char assembly[1024];

	(void)state;
	snprintf(assembly, sizeof(assembly), ".hidden f, g, h\n%s%s%s%s", f, TRAP, h, g);
	assert_found(assembly);
}

/* Calls are passed over: g's return is not f's. */
static void test_calls(void **state)
{
	(void)state;
	assert_found(BEGIN("f") "call g\ncall *%rax\ncall *8(%rsp)\ncall f\n" FOUND("1", "ret") END
		     ".hidden f, g\n" BEGIN("g") "ret\n" END);
	/* The form of calls for thread-local variables. */
	assert_found(".hidden g\n" BEGIN("f") ".value 0x6666\nrex64\ncall g\n" FOUND("1", "ret")
			     END BEGIN("g") "ret\n" END);
}

/* A ret that serves as a jump. */
static void test_thunks(void **state)
{
	(void)state;
	assert_refused(BEGIN("f") "jz 1f\nret\n1: jmp thunk\n" END ".hidden thunk\n" BEGIN(
			       "thunk") "call 2f\n1: pause\nlfence\njmp 1b\n"
					"2: mov %rax,(%rsp)\nret\n" END,
		       -ENOTSUP);
}

static void test_cold_part(void **state)
{
	(void)state;
	assert_found(BEGIN("f") "jz cold\n1: " FOUND("2", "ret") END
		     ".section .text.unlikely,\"ax\"\n" TRAP
		     "cold: .cfi_startproc\njc 1b\njo 1f\n" FOUND("1", "ret") "1: call trap\n" END
									      ".hidden trap\n");
}

static void test_indirect_jumps(void **state)
{
	static const char *const jumps[] = {
		"jmp *%rax",	"notrack jmp *%rax", "jmp *(%rax)",	 "jmp *8(,%rax,8)",
		"ljmp *(%rax)", "jmp *%fs:(%rip)",   "jmp *table(%rip)",
	};
	char assembly[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(jumps) / sizeof(*jumps); i++) {
		snprintf(assembly, sizeof(assembly),
			 BEGIN("f") "jz 1f\nret\n1: %s\n" END
				    ".data\n.hidden table\ntable: .quad 0\n",
			 jumps[i]);
		assert_refused(assembly, -ENOTSUP);
	}
}

static void test_no_instruction(void **state)
{
	(void)state;
	assert_refused(BEGIN("f") "jz 1f\nret\n1: .byte 6\nret\n" END, -ENOTSUP);
	/* Cut off by the function's end. */
	assert_refused(BEGIN("f") "jz 1f\nret\n1: .byte 0xe8\n" END ".zero 4\n", -ENOTSUP);
	/* Whose length processors disagree on. */
	assert_refused(BEGIN("f") "jz 1f\nret\n1: .byte 0x66, 0xe9, 0, 0, 0, 0\nret\n" END,
		       -ENOTSUP);
	/* Not reached. */
	assert_found(BEGIN("f") FOUND("1", "ret") ".byte 6\n" END);
}

static void test_overlapping_instructions(void **state)
{
	(void)state;
	/* Into the middle of an instruction that is reached, too: a ret there would be none. */
	assert_refused(BEGIN("f") "jz 1f+1\n1: mov $0xc3,%eax\nret\n" END, -ENOTSUP);
	assert_refused(BEGIN("f") "jz 2f\n1: mov $0xc3,%eax\nret\n2: jmp 1b+1\n" END, -ENOTSUP);
}

static void test_calls_that_do_not_return(void **state)
{
	(void)state;
	/* The function ends there. */
	assert_found(BEGIN("f") "jz 1f\n" FOUND("1", "ret") "1: call trap\n" END TRAP
							    ".hidden trap\n");
	assert_found(BEGIN("f") "jz 1f\n" FOUND(
		"1", "ret") "1: call trap\nnop\nnopw (%rax)\n" END TRAP ".hidden trap\n");
	/* Padding, and another function. */
	assert_found(BEGIN("f") "jz 1f\n" FOUND("1", "ret") "1: call *%rax\n" END
							    ".p2align 6\n" BEGIN("g") "ret\n" END);
	/* A signal ends it. */
	assert_found(BEGIN("f") "jz 1f\njc 2f\n" FOUND("1", "ret") "1: ud2\n2: hlt\n" END TRAP);
	/* Without a call, the code goes on where it isn't known to. */
	assert_refused(BEGIN("f") "jz 1f\nret\n1: nop\n" END TRAP, -ENOTSUP);
	assert_refused(BEGIN("f") "jz 1f\nret\n1: call trap\nxor %eax,%eax\n" END TRAP
				  ".hidden trap\n",
		       -ENOTSUP);
	/* It never returns. */
	assert_refused(BEGIN("f") "call trap\n" END TRAP ".hidden trap\n", -ENOTSUP);
}

static void test_without_frame_information(void **state)
{
	(void)state;
	assert_refused(".globl f\n.type f, @function\nf: ret\n", -ENOTSUP);
	assert_refused(".globl f\n.type f, @function\nf: ret\n" TRAP, -ENOTSUP);
	assert_refused(TRAP ".globl f\n.type f, @function\nf: ret\n", -ENOTSUP);
	assert_refused(BEGIN("f") "jmp 1f\n" END "1: ret\n" TRAP, -ENOTSUP);
	assert_code(BEGIN("f") "ret\n" END, LINK "-Wl,--no-eh-frame-hdr", -ENOTSUP, false);
}

static void test_jump_out_of_the_code(void **state)
{
	(void)state;
	assert_refused(BEGIN("f") "jz f+0x1000000\nret\n" END, -ENOTSUP);
	/* Another segment of code. */
	assert_code(BEGIN("f") "jz far\nret\n" END ".section .far,\"ax\",@progbits\nfar: "
			       ".cfi_startproc\nret\n" END,
		    LINK "-Wl,--section-start=.far=0x900800", -ENOTSUP, false);
	assert_refused(".data\ndata: ret\n.text\n" BEGIN("f") "jz data\nret\n" END, -ENOTSUP);
}

/* By the procedure linkage table. */
static void test_jumps_by_name(void **state)
{
	static const char own[] = BEGIN("f") "jz g@plt\n" FOUND("1", "ret") END TRAP BEGIN("g")
		FOUND("2", "ret") END;
	static const char no_stub[] = BEGIN("f") "jmp *g@GOTPCREL(%rip)\n" END TRAP BEGIN("g")
		FOUND("1", "ret") END;
	static const char foreign[] = BEGIN("f") "jz g@plt\nret\n" END;
	static const char chosen[] =
		BEGIN("f") "jz g@plt\nret\n" END
			   ".globl g\n.type g, @gnu_indirect_function\ng: ret\n";

	(void)state;
	assert_code(own, LINK, 0, true);
	assert_code(own, LINK "-Wl,-z,now", 0, true);
	assert_code(own, LINK "-Wl,-z,ibtplt", 0, true);
	assert_code(own, LINK "-Wl,--hash-style=sysv", 0, true);
	/* Where addresses are no file offsets. */
	assert_code(own, LINK "-Wl,-Ttext-segment=0x200000", 0, true);
	assert_code(no_stub, LINK "-Wl,-z,norelro", 0, true);
	assert_code(foreign, LINK, -ENOTSUP, false);
	assert_code(foreign, LINK "-Wl,-z,now", -ENOTSUP, false);
	assert_code(chosen, LINK, -ENOTSUP, false);
	if (elf_fixture__has_command("ld.lld"))
		assert_code(own, LINK "-fuse-ld=lld", 0, true);
}

/* Stubs without call frame information, as lld makes them. */
static void test_bare_stubs(void **state)
{
	static const char slot[] = "jmp *g@GOTPCREL(%rip)\n";
	static const char ends[] = BEGIN("g") FOUND("1", "ret") END TRAP;
	char assembly[1024];

	(void)state;
	snprintf(assembly, sizeof(assembly), "%sjmp stub\n%sstub: %s%s", BEGIN("f"), END, slot,
		 ends);
	assert_code(assembly, LINK, 0, true);
	snprintf(assembly, sizeof(assembly), "%sjmp stub\n%sstub: endbr64\nbnd %s%s", BEGIN("f"),
		 END, slot, ends);
	assert_code(assembly, LINK, 0, true);
	snprintf(assembly, sizeof(assembly), "%sjmp stub\n%sstub: inc %%eax\n%s%s", BEGIN("f"), END,
		 slot, ends);
	assert_code(assembly, LINK, -ENOTSUP, false);
}

static void test_too_much(void **state)
{
	(void)state;
	assert_found(BEGIN("f") ".fill 8000,1,0x90\n" FOUND("1", "ret") END);
	assert_refused(BEGIN("f") ".fill 9000,1,0x90\nret\n" END, -E2BIG);
	assert_refused(BEGIN("f") ".rept 65\njz 1f\nret\n1:\n.endr\nret\n" END, -E2BIG);
	/* Parts. */
	assert_refused(BEGIN("f") ".rept 70\njmp 1f\n" END ".cfi_startproc\n1:\n.endr\nret\n" END,
		       -E2BIG);
}

/* ---- exceptions ---- */

static const char catching[] = "extern \"C\" void *take(unsigned long);\n"
			       "extern \"C\" void *f(unsigned long n)\n"
			       "{ try { return take(n); } catch (...) { return 0; } }\n";

/* All returns of code.so that objdump shows were found. */
static void assert_all_shown(const struct function_returns *found)
{
	char command[512], *lines, *rest = NULL;
	size_t nr = 0;

	snprintf(command, sizeof(command),
		 "objdump -d --no-show-raw-insn '%s/code.so' | grep -E '\\sret'", folder);
	lines = elf_fixture__output(command);
	for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		assert_true(nr < found->nr);
		/* Here, addresses of code are offsets, too. */
		assert_int_equal(strtoull(line, NULL, 16), found->file_offset[nr++]);
	}
	assert_int_equal(nr, found->nr);
	free(lines);
}

/* LLVM gives the landing pad a return of its own, to which no jump leads. */
static void test_landing_pads(void **state)
{
	static const char *const compilers[] = {
		"g++ -O1",     "g++ -O2",     "g++ -Os", "g++ -O2 -fcf-protection",
		"clang++ -O1", "clang++ -O2",
	};
	struct function_returns expected, found;

	(void)state;
	elf_fixture__text(folder, "catch.cc", catching);
	for (size_t i = 0; i < sizeof(compilers) / sizeof(*compilers); i++) {
		struct elf_image *image;
		int fd;

		if (*compilers[i] == 'c' && !elf_fixture__has_command("clang++"))
			continue;
		elf_fixture__run(folder, "%s -shared -fPIC -nostdlib -o code.so catch.cc",
				 compilers[i]);
		image = open_image("code.so", &fd);
		assert_int_equal(
			function_returns__find(image, read_labels(image, &expected), &found), 0);
		assert_all_shown(&found);
		elf_image__free(image);
		close(fd);
	}
}

/* A table by hand: the landing pad has a return of its own. */
#define PAD_TABLE(encoding, size)                                                        \
	".section .gcc_except_table,\"a\",@progbits\ntable: .byte 0xff, 0xff, " encoding \
	"\n.uleb128 2f-1f\n1: " size " 0\n" size " 2\n" size " pad-f\n.uleb128 0\n2:\n.text\n"
#define PAD_CODE \
	BEGIN("f") ".cfi_lsda 0x1b, table\n" FOUND("1", "ret") "pad: " FOUND("2", "ret") END

static void test_forms_of_exception_tables(void **state)
{
	(void)state;
	assert_found(PAD_CODE PAD_TABLE("1", ".uleb128"));
	assert_found(PAD_CODE PAD_TABLE("3", ".4byte"));
	assert_found(PAD_CODE PAD_TABLE("2", ".2byte"));
	/* An unknown form, or a table that ends early. */
	assert_refused(PAD_CODE PAD_TABLE("5", ".4byte"), -EBADMSG);
	assert_refused(PAD_CODE ".section .gcc_except_table,\"a\",@progbits\n"
				"table: .byte 0xff, 0xff, 1, 3, 0, 0, 0\n",
		       -EBADMSG);
	assert_refused(PAD_CODE ".section .gcc_except_table,\"a\",@progbits\n"
				"table: .byte 0xff, 0xff, 1, 0xff, 0xff, 0x7f\n",
		       -ENOTSUP);
}

/* ---- damage ---- */

static int find_bytes(const unsigned char *bytes, size_t nr_bytes, uint64_t entry)
{
	int fd = memfd_create("elf", MFD_CLOEXEC), err;
	struct function_returns found;
	struct elf_image *image;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, nr_bytes), nr_bytes);
	err = elf_image__open(fd, &image);
	if (!err) {
		err = function_returns__find(image, entry, &found);
		assert_true(err ? !found.nr : found.nr && found.nr <= FUNCTION_RETURNS_MAX);
		for (size_t i = 0; i < found.nr; i++) {
			assert_true(found.file_offset[i] < nr_bytes);
			assert_true(!i || found.file_offset[i] > found.file_offset[i - 1]);
		}
		elf_image__free(image);
	}
	close(fd);
	return err;
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static const char *const all_rules =
	BEGIN("f") ".cfi_lsda 0x1b, table\njz g@plt\njc 1f\ncall *%rax\n" FOUND(
		"1", "ret") "pad: " FOUND("2", "ret") "1: call g@plt\n" END BEGIN("g")
		FOUND("3", "ret") END PAD_TABLE("1", ".uleb128");

/* The whole file, owned, and where its f is. */
static unsigned char *read_all_rules(size_t *nr_bytes, uint64_t *entry)
{
	struct function_returns expected;
	struct elf_image *image;
	char path[512];
	int fd;

	assert_code(all_rules, LINK, 0, true);
	image = open_image("code.so", &fd);
	*entry = read_labels(image, &expected);
	elf_image__free(image);
	close(fd);
	snprintf(path, sizeof(path), "%s/code.so", folder);
	return elf_fixture__read(path, nr_bytes);
}

static void test_damage(void **state)
{
	uint64_t entry, seed = 0x9e3779b97f4a7c15;
	size_t nr_bytes, nr_found = 0;
	unsigned char *bytes = read_all_rules(&nr_bytes, &entry);

	(void)state;
	assert_int_equal(find_bytes(bytes, nr_bytes, entry), 0);
	for (size_t cut = 0; cut < nr_bytes; cut += 61)
		find_bytes(bytes, cut, entry);
	for (size_t round = 0; round < 10000; round++) {
		unsigned char saved[4];
		size_t at[4];

		for (size_t i = 0; i < 4; i++) {
			at[i] = next_random(&seed) % nr_bytes;
			saved[i] = bytes[at[i]];
			bytes[at[i]] = (unsigned char)next_random(&seed);
		}
		nr_found += !find_bytes(bytes, nr_bytes, entry);
		for (size_t i = 4; i-- > 0;)
			bytes[at[i]] = saved[i];
	}
	assert_in_range(nr_found, 1000, 9999);
	free(bytes);
}

static void test_entry_elsewhere(void **state)
{
	size_t nr_bytes;
	uint64_t entry;
	unsigned char *bytes = read_all_rules(&nr_bytes, &entry);

	(void)state;
	assert_int_equal(find_bytes(bytes, nr_bytes, 0), -EBADMSG);
	assert_int_equal(find_bytes(bytes, nr_bytes, nr_bytes), -EBADMSG);
	assert_int_equal(find_bytes(bytes, nr_bytes, UINT64_MAX), -EBADMSG);
	for (uint64_t at = 0; at < nr_bytes; at += 5)
		find_bytes(bytes, nr_bytes, at);
	free(bytes);
}

static void test_no_memory(void **state)
{
	struct function_returns expected, found;
	struct elf_image *image;
	int fd, err = -ENOMEM;
	uint64_t entry;

	(void)state;
	assert_code(all_rules, LINK, 0, true);
	image = open_image("code.so", &fd);
	entry = read_labels(image, &expected);
	for (long nr = 0; err && nr < 100; nr++) {
		failing_alloc__after(nr);
		err = function_returns__find(image, entry, &found);
		failing_alloc__never();
		assert_true(!err || (err == -ENOMEM && !found.nr));
		assert_true(nr || err);
	}
	assert_int_equal(err, 0);
	assert_int_equal(found.nr, expected.nr);
	elf_image__free(image);
	close(fd);
}

/* ---- the libraries of this machine ---- */

static const char *const libraries[] = {
	"libjemalloc.so.2",   "libtcmalloc_minimal.so.4", "libtcmalloc.so.4",
	"libmimalloc.so.2.0", "libtbbmalloc_proxy.so.2",  "libasan.so.8",
	"libstdc++.so.6",
};

static bool has(const struct function_returns *found, uint64_t offset)
{
	for (size_t i = 0; i < found->nr; i++)
		if (found->file_offset[i] == offset)
			return true;
	return false;
}

/* All that objdump shows within the symbol's bytes, from first to last, was found. */
static void check_shown(const char *path, uint64_t address, uint64_t nr_bytes, uint64_t offset,
			const struct function_returns *found)
{
	char command[512], *lines, *rest = NULL;

	snprintf(command, sizeof(command),
		 "objdump -d --no-show-raw-insn --start-address=0x%lx --stop-address=0x%lx '%s' | "
		 "grep -E '\\sret' || true",
		 address, address + nr_bytes, path);
	lines = elf_fixture__output(command);
	for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (!has(found, strtoull(line, NULL, 16) - address + offset))
			fail_msg("%s: not found: %s", path, line);
	free(lines);
}

static void check_bytes(const struct elf_image *image, const struct function_returns *found)
{
	for (size_t i = 0; i < found->nr; i++) {
		uint8_t bytes[2];

		assert_int_equal(elf_image__read(image, found->file_offset[i], bytes, 2), 0);
		assert_int_equal(bytes[0] == 0xf3 ? bytes[1] : bytes[0], 0xc3);
	}
}

/* Returns how many functions were followed. */
static size_t check_library(const char *path)
{
	char command[512], *lines, *rest = NULL;
	struct elf_image *image;
	size_t nr = 0;
	int fd;

	image = open_image(path, &fd);
	snprintf(command, sizeof(command), "nm -D -S --defined-only '%s' | grep -E ' [TW] _Zn[wa]'",
		 path);
	lines = elf_fixture__output(command);
	for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		uint64_t address, nr_bytes, offset = offset_of(image, line);
		struct function_returns found;

		assert_int_equal(sscanf(line, "%lx %lx", &address, &nr_bytes), 2);
		if (function_returns__find(image, offset, &found))
			fail_msg("%s: %s", path, line);
		check_shown(path, address, nr_bytes, offset, &found);
		check_bytes(image, &found);
		nr++;
	}
	free(lines);
	elf_image__free(image);
	close(fd);
	return nr;
}

static void test_libraries(void **state)
{
	size_t nr = 0;
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(libraries) / sizeof(*libraries); i++) {
		snprintf(path, sizeof(path), "/usr/lib/x86_64-linux-gnu/%s", libraries[i]);
		if (!access(path, R_OK))
			nr += check_library(path);
	}
	if (!nr)
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_return),
		cmocka_unit_test(test_forms_of_return),
		cmocka_unit_test(test_several_returns),
		cmocka_unit_test(test_loops),
		cmocka_unit_test(test_tail_jumps),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_thunks),
		cmocka_unit_test(test_cold_part),
		cmocka_unit_test(test_indirect_jumps),
		cmocka_unit_test(test_no_instruction),
		cmocka_unit_test(test_overlapping_instructions),
		cmocka_unit_test(test_calls_that_do_not_return),
		cmocka_unit_test(test_without_frame_information),
		cmocka_unit_test(test_jump_out_of_the_code),
		cmocka_unit_test(test_jumps_by_name),
		cmocka_unit_test(test_bare_stubs),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_landing_pads),
		cmocka_unit_test(test_forms_of_exception_tables),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_entry_elsewhere),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_libraries),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

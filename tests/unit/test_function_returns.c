// SPDX-License-Identifier: GPL-2.0
/*
 * The returns of functions: assembly made for each rule, in which labels say what is to be found.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "elf_fixture.h"
#include "returning_code.h"

static void test_one_return(void **state)
{
	(void)state;
	returning_code__assert_found(BEGIN("f") "push %rbx\npop %rbx\n" FOUND("1", "ret") END TRAP);
	returning_code__assert_found(BEGIN("f") "enter $16,$0\nleave\n" FOUND("1", "ret") END TRAP);
	/* It begins the file's last function, and nothing comes after it. */
	returning_code__assert_found(BEGIN("f") FOUND("1", "ret") END);
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
		returning_code__assert_found(assembly);
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		snprintf(assembly, sizeof(assembly), BEGIN("f") "jz 1f\nret\n1: %s\n" END,
			 refused[i]);
		returning_code__assert_refused(assembly, -ENOTSUP);
	}
}

static void test_several_returns(void **state)
{
	(void)state;
	returning_code__assert_found(
		BEGIN("f") "jz 1f\njc 2f\n" FOUND("1", "ret") "1: pop %rax\n" FOUND(
			"2", "ret") "2: leave\n" FOUND("3", "ret") "ret\nnop\n" END TRAP);
	/* Conditional jumps of all kinds, near and far. */
	returning_code__assert_found(
		BEGIN("f") "loop 1f\njrcxz 2f\nxbegin 3f\n" FOUND("1", "ret") "1:" FOUND(
			"2", "ret") "2:" FOUND("3", "ret") ".fill 300,1,0x90\n3:" FOUND("4", "ret")
			END);
	returning_code__assert_found(BEGIN("f") "bnd jz 1f\nbnd jmp 2f\nret\n1: " FOUND(
		"1", "ret") "2: " FOUND("2", "ret") END);
}

static void test_loops(void **state)
{
	(void)state;
	returning_code__assert_found(BEGIN("f") "1: dec %edi\njnz 1b\njz f\n" FOUND("1", "ret")
					     END);
	/* A loop without an end, and nothing else. */
	returning_code__assert_refused(BEGIN("f") "1: jmp 1b\n" END, -ENOTSUP);
	returning_code__assert_refused(BEGIN("f") "jmp f\nret\n" END, -ENOTSUP);
}

static void test_tail_jumps(void **state)
{
	static const char f[] = BEGIN("f") "jz 1f\n" FOUND("1", "ret") "1: jmp g\n" END;
	static const char h[] = BEGIN("h") "jc 1f\n" FOUND("2", "ret") "1: jmp f\n" END;
	static const char g[] = BEGIN("g") "jz h\n" FOUND("3", "ret") END;
	char assembly[1024];

	(void)state;
	snprintf(assembly, sizeof(assembly), ".hidden f, g, h\n%s%s%s%s", f, TRAP, h, g);
	returning_code__assert_found(assembly);
}

/* Calls are passed over: g's return is not f's. */
static void test_calls(void **state)
{
	(void)state;
	returning_code__assert_found(BEGIN("f") "call g\ncall *%rax\ncall *8(%rsp)\ncall f\n" FOUND(
		"1", "ret") END ".hidden f, g\n" BEGIN("g") "ret\n" END);
	/* The form of calls for thread-local variables. */
	returning_code__assert_found(".hidden g\n" BEGIN(
		"f") ".value 0x6666\nrex64\ncall g\n" FOUND("1", "ret") END BEGIN("g") "ret\n" END);
}

/* A ret that serves as a jump. */
static void test_thunks(void **state)
{
	(void)state;
	returning_code__assert_refused(
		BEGIN("f") "jz 1f\nret\n1: jmp thunk\n" END
			   ".hidden thunk\n" BEGIN("thunk") "call 2f\n1: pause\nlfence\njmp 1b\n"
							    "2: mov %rax,(%rsp)\nret\n" END,
		-ENOTSUP);
}

static void test_cold_part(void **state)
{
	(void)state;
	returning_code__assert_found(
		BEGIN("f") "jz cold\n1: " FOUND("2", "ret") END
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
		returning_code__assert_refused(assembly, -ENOTSUP);
	}
}

static void test_no_instruction(void **state)
{
	(void)state;
	returning_code__assert_refused(BEGIN("f") "jz 1f\nret\n1: .byte 6\nret\n" END, -ENOTSUP);
	/* Cut off by the function's end. */
	returning_code__assert_refused(BEGIN("f") "jz 1f\nret\n1: .byte 0xe8\n" END ".zero 4\n",
				       -ENOTSUP);
	/* Whose length processors disagree on. */
	returning_code__assert_refused(
		BEGIN("f") "jz 1f\nret\n1: .byte 0x66, 0xe9, 0, 0, 0, 0\nret\n" END, -ENOTSUP);
	/* Not reached. */
	returning_code__assert_found(BEGIN("f") FOUND("1", "ret") ".byte 6\n" END);
}

static void test_overlapping_instructions(void **state)
{
	(void)state;
	/* Into the middle of an instruction that is reached, too: a ret there would be none. */
	returning_code__assert_refused(BEGIN("f") "jz 1f+1\n1: mov $0xc3,%eax\nret\n" END,
				       -ENOTSUP);
	returning_code__assert_refused(
		BEGIN("f") "jz 2f\n1: mov $0xc3,%eax\nret\n2: jmp 1b+1\n" END, -ENOTSUP);
}

static void test_calls_that_do_not_return(void **state)
{
	(void)state;
	/* The function ends there. */
	returning_code__assert_found(
		BEGIN("f") "jz 1f\n" FOUND("1", "ret") "1: call trap\n" END TRAP ".hidden trap\n");
	returning_code__assert_found(BEGIN("f") "jz 1f\n" FOUND(
		"1", "ret") "1: call trap\nnop\nnopw (%rax)\n" END TRAP ".hidden trap\n");
	/* Padding, and another function. */
	returning_code__assert_found(BEGIN("f") "jz 1f\n" FOUND(
		"1", "ret") "1: call *%rax\n" END ".p2align 6\n" BEGIN("g") "ret\n" END);
	/* A signal ends it. */
	returning_code__assert_found(
		BEGIN("f") "jz 1f\njc 2f\n" FOUND("1", "ret") "1: ud2\n2: hlt\n" END TRAP);
	/* Without a call, the code goes on where it isn't known to. */
	returning_code__assert_refused(BEGIN("f") "jz 1f\nret\n1: nop\n" END TRAP, -ENOTSUP);
	returning_code__assert_refused(
		BEGIN("f") "jz 1f\nret\n1: call trap\nxor %eax,%eax\n" END TRAP ".hidden trap\n",
		-ENOTSUP);
	/* It never returns. */
	returning_code__assert_refused(BEGIN("f") "call trap\n" END TRAP ".hidden trap\n",
				       -ENOTSUP);
}

static void test_without_frame_information(void **state)
{
	(void)state;
	returning_code__assert_refused(".globl f\n.type f, @function\nf: ret\n", -ENOTSUP);
	returning_code__assert_refused(".globl f\n.type f, @function\nf: ret\n" TRAP, -ENOTSUP);
	returning_code__assert_refused(TRAP ".globl f\n.type f, @function\nf: ret\n", -ENOTSUP);
	returning_code__assert_refused(BEGIN("f") "jmp 1f\n" END "1: ret\n" TRAP, -ENOTSUP);
	returning_code__assert(BEGIN("f") "ret\n" END, LINK "-Wl,--no-eh-frame-hdr", -ENOTSUP,
			       false);
}

static void test_jump_out_of_the_code(void **state)
{
	(void)state;
	returning_code__assert_refused(BEGIN("f") "jz f+0x1000000\nret\n" END, -ENOTSUP);
	/* Another segment of code. */
	returning_code__assert(BEGIN("f") "jz far\nret\n" END
					  ".section .far,\"ax\",@progbits\nfar: "
					  ".cfi_startproc\nret\n" END,
			       LINK "-Wl,--section-start=.far=0x900800", -ENOTSUP, false);
	returning_code__assert_refused(".data\ndata: ret\n.text\n" BEGIN("f") "jz data\nret\n" END,
				       -ENOTSUP);
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
	returning_code__assert(own, LINK, 0, true);
	returning_code__assert(own, LINK "-Wl,-z,now", 0, true);
	returning_code__assert(own, LINK "-Wl,-z,ibtplt", 0, true);
	returning_code__assert(own, LINK "-Wl,--hash-style=sysv", 0, true);
	/* Where addresses are no file offsets. */
	returning_code__assert(own, LINK "-Wl,-Ttext-segment=0x200000", 0, true);
	returning_code__assert(no_stub, LINK "-Wl,-z,norelro", 0, true);
	returning_code__assert(foreign, LINK, -ENOTSUP, false);
	returning_code__assert(foreign, LINK "-Wl,-z,now", -ENOTSUP, false);
	returning_code__assert(chosen, LINK, -ENOTSUP, false);
	if (elf_fixture__has_command("ld.lld"))
		returning_code__assert(own, LINK "-fuse-ld=lld", 0, true);
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
	returning_code__assert(assembly, LINK, 0, true);
	snprintf(assembly, sizeof(assembly), "%sjmp stub\n%sstub: endbr64\nbnd %s%s", BEGIN("f"),
		 END, slot, ends);
	returning_code__assert(assembly, LINK, 0, true);
	snprintf(assembly, sizeof(assembly), "%sjmp stub\n%sstub: inc %%eax\n%s%s", BEGIN("f"), END,
		 slot, ends);
	returning_code__assert(assembly, LINK, -ENOTSUP, false);
}

static void test_too_much(void **state)
{
	(void)state;
	returning_code__assert_found(BEGIN("f") ".fill 8000,1,0x90\n" FOUND("1", "ret") END);
	returning_code__assert_refused(BEGIN("f") ".fill 9000,1,0x90\nret\n" END, -E2BIG);
	returning_code__assert_refused(BEGIN("f") ".rept 65\njz 1f\nret\n1:\n.endr\nret\n" END,
				       -E2BIG);
	/* Parts. */
	returning_code__assert_refused(
		BEGIN("f") ".rept 70\njmp 1f\n" END ".cfi_startproc\n1:\n.endr\nret\n" END, -E2BIG);
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
	};

	return cmocka_run_group_tests(tests, returning_code__make_folder,
				      returning_code__remove_folder);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Which functions count as the malloc family: against nm and readelf for real files, against
 * libraries and programs compiled for each rule, against damage.
 */
#include <elf.h>
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

#include "allocators/allocators.h"
#include "elf_fixture.h"
#include "elf/elf_headers.h"
#include "failing_alloc.h"

#define FAMILY                                                                             \
	"malloc|calloc|realloc|reallocarray|memalign|aligned_alloc|posix_memalign|valloc|" \
	"pvalloc|free|cfree"
#define LIBRARY "gcc -shared -fPIC -nostdlib -fno-builtin -O1 -w "
#define PROGRAM "gcc -fno-builtin -O1 -w "

static const char tiny_allocator[] =
	"static char pool[1 << 16]; static unsigned long used;\n"
	"HOW void *malloc(unsigned long n) { used += n + 16; return pool + used % 60000; }\n"
	"HOW void free(void *p) { used += !p; }\n";

static char *folder;

static int make_folder(void **state)
{
	(void)state;
	folder = elf_fixture__folder();
	elf_fixture__text(folder, "tiny.c", tiny_allocator);
	elf_fixture__text(folder, "main.c",
			  "#include <stdlib.h>\n"
			  "int main(void) { free(malloc(1)); return 0; }\n");
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	elf_fixture__remove(folder);
	return 0;
}

static int find_at(const char *path, struct allocator_probes *probes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	assert_true(fd >= 0);
	err = allocators__find(fd, probes);
	close(fd);
	return err;
}

static int find(const char *name, struct allocator_probes *probes)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return find_at(path, probes);
}

static int find_bytes(const void *bytes, size_t nr_bytes, struct allocator_probes *probes)
{
	int fd = memfd_create("elf", MFD_CLOEXEC), err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, nr_bytes), nr_bytes);
	err = allocators__find(fd, probes);
	close(fd);
	return err;
}

/* The names of the probes in their order, each after a blank. */
static void assert_symbols(const char *name, const char *symbols)
{
	struct allocator_probes probes;
	char found[512] = "";

	assert_int_equal(find(name, &probes), 0);
	for (size_t i = 0; i < probes.nr; i++) {
		strcat(found, " ");
		strcat(found, probes.probe[i].symbol);
	}
	assert_string_equal(found, symbols);
}

static uint64_t offset_by_readelf(const char *path, uint64_t address)
{
	char command[512], *lines, *rest = NULL;
	uint64_t offset, start, bytes, result = 0;

	snprintf(command, sizeof(command), "readelf -lW '%s' | grep 'LOAD.*R E'", path);
	lines = elf_fixture__output(command);
	for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (sscanf(line, " LOAD %lx %lx %*x %lx", &offset, &start, &bytes) == 3 &&
		    address >= start && address < start + bytes)
			result = offset + address - start;
	free(lines);
	assert_int_not_equal(result, 0);
	return result;
}

/* The probes' addresses are those that nm shows for the family's names, each once. */
static void assert_same_as_nm(const char *path, const char *nm)
{
	struct allocator_probes probes;
	char command[512], *lines, *rest = NULL;
	size_t nr = 0;

	assert_int_equal(find_at(path, &probes), 0);
	snprintf(command, sizeof(command),
		 "%s '%s' | grep -E ' [TtW] (" FAMILY ")(@|$)' | cut -d' ' -f1 | sort -u", nm,
		 path);
	lines = elf_fixture__output(command);
	for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		uint64_t offset = offset_by_readelf(path, strtoull(line, NULL, 16));
		size_t matches = 0;

		for (size_t i = 0; i < probes.nr; i++)
			matches += probes.probe[i].file_offset == offset;
		assert_int_equal(matches, 1);
		nr++;
	}
	free(lines);
	assert_int_equal(probes.nr, nr);
	assert_in_range(nr, 2, ALLOCATOR_PROBES_MAX);
}

static void test_system_libc(void **state)
{
	char *path = elf_fixture__output("gcc -print-file-name=libc.so.6");

	(void)state;
	path[strcspn(path, "\n")] = '\0';
	assert_same_as_nm(path, "nm -D");
	free(path);
}

static void test_functions_by_arguments(void **state)
{
	struct allocator_probes probes;
	int functions[NR_ALLOCATOR_FUNCTIONS] = { 0 };
	char *path = elf_fixture__output("gcc -print-file-name=libc.so.6");

	(void)state;
	path[strcspn(path, "\n")] = '\0';
	assert_int_equal(find_at(path, &probes), 0);
	for (size_t i = 0; i < probes.nr; i++) {
		const struct allocator_probe *probe = &probes.probe[i];

		functions[probe->function]++;
		if (!strcmp(probe->symbol, "posix_memalign"))
			assert_int_equal(probe->function, FUNCTION_POSIX_MEMALIGN);
		if (!strcmp(probe->symbol, "valloc"))
			assert_int_equal(probe->function, FUNCTION_MALLOC);
	}
	/* libc has all but jemalloc's. */
	for (size_t i = 0; i <= FUNCTION_FREE; i++)
		assert_true((functions[i] != 0) == (i != FUNCTION_XALLOCX));
	free(path);
}

static void test_system_loader_is_none(void **state)
{
	struct allocator_probes probes;

	(void)state;
	if (access("/lib64/ld-linux-x86-64.so.2", R_OK))
		skip();
	assert_int_equal(find_at("/lib64/ld-linux-x86-64.so.2", &probes), 0);
	assert_int_equal(probes.nr, 0);
}

static void test_loader_by_soname(void **state)
{
	(void)state;
	elf_fixture__run(folder, LIBRARY "-DHOW= tiny.c -Wl,-soname,ld-linux-x86-64.so.2 -o ld.so");
	assert_symbols("ld.so", "");
	elf_fixture__text(folder, "start.c", "void __libc_start_main(void) { }\n");
	elf_fixture__run(folder, LIBRARY "-DHOW= tiny.c start.c -Wl,-soname,ld-linux-x86-64.so.2 "
					 "-o both.so");
	assert_symbols("both.so", " malloc free");
}

static void test_musl(void **state)
{
	struct allocator_probes probes;

	(void)state;
	if (access("/lib/ld-musl-x86_64.so.1", R_OK) || !elf_fixture__has_command("musl-gcc"))
		skip();
	assert_same_as_nm("/lib/ld-musl-x86_64.so.1", "nm -D");
	elf_fixture__run(folder, "musl-gcc -fno-builtin main.c -o musl");
	assert_symbols("musl", "");
	elf_fixture__run(folder, "musl-gcc -fno-builtin -static main.c -o musl-static");
	assert_int_equal(find("musl-static", &probes), 0);
	assert_in_range(probes.nr, 2, ALLOCATOR_PROBES_MAX);
	/* It never frees, so it has no free. */
	elf_fixture__text(folder, "keeps.c",
			  "#include <stdlib.h>\nint main(void) { return !malloc(1); }\n");
	elf_fixture__run(folder, "musl-gcc -fno-builtin -static keeps.c -o musl-keeps");
	assert_symbols("musl-keeps", " malloc");
	elf_fixture__run(folder, "musl-gcc -fno-builtin keeps.c -o musl-keeps");
	assert_symbols("musl-keeps", "");
}

static void test_static_programs(void **state)
{
	char path[512];

	(void)state;
	elf_fixture__run(folder, PROGRAM "-static main.c -o static");
	snprintf(path, sizeof(path), "%s/static", folder);
	assert_same_as_nm(path, "nm");
	elf_fixture__run(folder, PROGRAM "-static-pie main.c -o static-pie");
	snprintf(path, sizeof(path), "%s/static-pie", folder);
	assert_same_as_nm(path, "nm");
	/* By their code. */
	elf_fixture__run(folder, "strip static");
	assert_symbols("static", " malloc free calloc realloc memalign");
}

static void test_allocator_linked_in(void **state)
{
	(void)state;
	elf_fixture__run(folder, PROGRAM "-DHOW= main.c tiny.c -o exported");
	assert_symbols("exported", " malloc free");
	elf_fixture__run(folder, PROGRAM "-fvisibility=hidden '-DHOW=__attribute__((visibility("
					 "\"hidden\")))' main.c tiny.c -o hidden");
	assert_symbols("hidden", " malloc free");
	elf_fixture__run(folder, "strip hidden");
	assert_symbols("hidden", "");
}

static void test_hidden_in_library(void **state)
{
	(void)state;
	elf_fixture__run(folder,
			 LIBRARY "'-DHOW=__attribute__((visibility(\"hidden\"),used))' tiny.c "
				 "-o hidden.so");
	assert_symbols("hidden.so", " malloc free");
	elf_fixture__run(folder, "strip hidden.so");
	assert_symbols("hidden.so", "");
}

static void test_half_an_allocator_is_none(void **state)
{
	(void)state;
	elf_fixture__text(folder, "half.c",
			  "void *malloc(unsigned long n) { return (void *)n; }\n");
	elf_fixture__run(folder, LIBRARY "half.c -o half.so");
	assert_symbols("half.so", "");
	elf_fixture__text(folder, "half2.c",
			  "extern void free(void *); void *malloc(unsigned long n)"
			  "{ free(0); return 0; }\n");
	elf_fixture__run(folder, LIBRARY "half2.c -o half2.so");
	assert_symbols("half2.so", "");
}

static void test_names_that_only_end_alike(void **state)
{
	(void)state;
	elf_fixture__text(folder, "alike.c",
			  "void *xmalloc(void) { return 0; } void xfree(void) { }\n"
			  "void *malloc_(void) { return 0; } void free2(void) { }\n");
	elf_fixture__run(folder, LIBRARY "alike.c -o alike.so");
	assert_symbols("alike.so", "");
	/* Their names share bytes with these: xmalloc holds malloc. */
	elf_fixture__run(folder, LIBRARY "-DHOW= alike.c tiny.c -o both-alike.so");
	assert_symbols("both-alike.so", " malloc free");
}

static void test_local_is_shadowed_by_global(void **state)
{
	(void)state;
	elf_fixture__text(folder, "helper.c",
			  "__attribute__((used,noinline)) static void free(int a, int b) { }\n"
			  "__attribute__((used,noinline)) static void cfree(int a, int b) { }\n");
	elf_fixture__run(folder, PROGRAM "-DHOW= main.c tiny.c helper.c -o shadowed");
	/* A local free is somebody's helper; a local cfree may be the hidden half of something. */
	assert_symbols("shadowed", " malloc free cfree");
}

static void test_aliases_share_a_probe(void **state)
{
	(void)state;
	elf_fixture__text(
		folder, "alias.c",
		"void *memalign(unsigned long a, unsigned long n) { return (void *)(a + n); }\n"
		"void *aligned_alloc() __attribute__((alias(\"memalign\")));\n");
	elf_fixture__run(folder, LIBRARY "-DHOW= tiny.c alias.c -o alias.so");
	assert_symbols("alias.so", " malloc free memalign");
}

static void test_versions_with_own_addresses(void **state)
{
	(void)state;
	elf_fixture__text(
		folder, "versions.c",
		"int old_pm(int a) { return a + 1; } int new_pm(int a) { return a + 2; }\n"
		"__asm__(\".symver old_pm,posix_memalign@V1\");\n"
		"__asm__(\".symver new_pm,posix_memalign@@V2\");\n");
	elf_fixture__text(folder, "versions.map",
			  "V1 { global: malloc; free; local: old_pm; new_pm; }; V2 { } V1;\n");
	elf_fixture__run(folder, LIBRARY "-fno-ipa-icf -DHOW= tiny.c versions.c "
					 "-Wl,--version-script=versions.map -o versions.so");
	assert_symbols("versions.so", " malloc free posix_memalign posix_memalign");
}

static void test_ifunc_and_data_are_none(void **state)
{
	(void)state;
	elf_fixture__text(folder, "ifunc.c",
			  "static void *real(unsigned long n) { return 0; }\n"
			  "static void *resolve(void) { return real; }\n"
			  "void *malloc(unsigned long) __attribute__((ifunc(\"resolve\")));\n"
			  "void free(void *p) { }\n");
	elf_fixture__run(folder, LIBRARY "ifunc.c -o ifunc.so");
	assert_symbols("ifunc.so", "");
	elf_fixture__text(folder, "data.c", "int malloc = 1; void free(void *p) { }\n");
	elf_fixture__run(folder, LIBRARY "data.c -o data.so");
	assert_symbols("data.so", "");
}

static void strip_section_headers(const char *from, const char *to)
{
	char path[512];
	unsigned char *bytes;
	size_t nr_bytes;

	snprintf(path, sizeof(path), "%s/%s", folder, from);
	bytes = elf_fixture__read(path, &nr_bytes);
	((Elf64_Ehdr *)bytes)->e_shoff = 0;
	((Elf64_Ehdr *)bytes)->e_shnum = 0;
	((Elf64_Ehdr *)bytes)->e_shstrndx = 0;
	elf_fixture__write(folder, to, bytes, nr_bytes);
	free(bytes);
}

static void test_without_section_headers(void **state)
{
	(void)state;
	elf_fixture__run(folder, LIBRARY "-DHOW= tiny.c -Wl,--hash-style=gnu -o gnu.so");
	strip_section_headers("gnu.so", "gnu-bare.so");
	assert_symbols("gnu-bare.so", " malloc free");
	elf_fixture__run(folder, LIBRARY "-DHOW= tiny.c -Wl,--hash-style=sysv -o sysv.so");
	strip_section_headers("sysv.so", "sysv-bare.so");
	assert_symbols("sysv-bare.so", " malloc free");
	elf_fixture__run(folder, PROGRAM "-DHOW= main.c tiny.c -o bare-from");
	strip_section_headers("bare-from", "bare");
	assert_symbols("bare", " malloc free");
}

static void test_not_for_us(void **state)
{
	struct allocator_probes probes;
	unsigned char *bytes;
	char path[512];
	size_t nr_bytes;
	int ends[2];

	(void)state;
	assert_int_equal(find("tiny.c", &probes), -ENOEXEC);
	assert_int_equal(find_bytes("", 0, &probes), -ENOEXEC);
	assert_int_equal(find_at("/dev/null", &probes), -ENOEXEC);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(allocators__find(ends[0], &probes), -ENOEXEC);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(allocators__find(-1, &probes), -EBADF);
	elf_fixture__run(folder, "gcc -c main.c -o main.o");
	assert_int_equal(find("main.o", &probes), -ENOEXEC);
	elf_fixture__run(folder, LIBRARY "-DHOW= tiny.c -o plain.so");
	snprintf(path, sizeof(path), "%s/plain.so", folder);
	bytes = elf_fixture__read(path, &nr_bytes);
	bytes[EI_CLASS] = ELFCLASS32;
	assert_int_equal(find_bytes(bytes, nr_bytes, &probes), -ENOEXEC);
	bytes[EI_CLASS] = ELFCLASS64;
	((Elf64_Ehdr *)bytes)->e_machine = EM_RISCV;
	assert_int_equal(find_bytes(bytes, nr_bytes, &probes), -ENOEXEC);
	free(bytes);
}

static void assert_sane(int err, const struct allocator_probes *probes, size_t nr_bytes)
{
	assert_true(err == 0 || err == -EBADMSG || err == -ENOEXEC || err == -E2BIG);
	assert_true(!err || !probes->nr);
	assert_in_range(probes->nr, 0, ALLOCATOR_PROBES_MAX);
	for (size_t i = 0; i < probes->nr; i++)
		assert_true(probes->probe[i].file_offset < nr_bytes);
}

static unsigned char *read_victim(size_t *nr_bytes)
{
	char path[512];

	elf_fixture__run(folder, PROGRAM "-DHOW= main.c tiny.c -o victim");
	snprintf(path, sizeof(path), "%s/victim", folder);
	return elf_fixture__read(path, nr_bytes);
}

static void test_truncated(void **state)
{
	struct allocator_probes probes;
	size_t nr_bytes;
	unsigned char *bytes = read_victim(&nr_bytes);

	(void)state;
	for (size_t kept = 0; kept < nr_bytes; kept += kept < 2048 ? 1 : 13)
		assert_sane(find_bytes(bytes, kept, &probes), &probes, kept);
	/* Half a header, and a header alone, are damaged: nothing else can be said of them. */
	assert_int_equal(find_bytes(bytes, 32, &probes), -EBADMSG);
	assert_int_equal(find_bytes(bytes, 64, &probes), -EBADMSG);
	free(bytes);
}

static void test_flipped_bits(void **state)
{
	struct allocator_probes probes;
	size_t nr_bytes;
	unsigned char *bytes = read_victim(&nr_bytes);
	uint32_t seed = 12345;

	(void)state;
	for (size_t bit = 0; bit < 8 * 1024; bit++) { /* headers, one by one */
		bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
		assert_sane(find_bytes(bytes, nr_bytes, &probes), &probes, nr_bytes);
		bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	for (size_t round = 0; round < 3000; round++) { /* and anywhere, adding up */
		seed = seed * 1103515245 + 12345;
		bytes[(seed >> 3) % nr_bytes] ^= (unsigned char)(1 << (seed & 7));
		if (!(round & 63))
			memcpy(bytes, ELFMAG "\2\1\1", 7);
		assert_sane(find_bytes(bytes, nr_bytes, &probes), &probes, nr_bytes);
	}
	free(bytes);
}

static void test_out_of_memory(void **state)
{
	struct allocator_probes probes;
	int err = -ENOMEM;

	(void)state;
	elf_fixture__run(folder, PROGRAM "-DHOW= main.c tiny.c -o oom");
	for (long after = 0; err == -ENOMEM; after++) {
		failing_alloc__after(after);
		err = find("oom", &probes);
		failing_alloc__never();
		assert_true(err == 0 || err == -ENOMEM);
		assert_in_range(after, 0, 1000);
	}
	assert_int_equal(probes.nr, 2);
}

/*
 * The reason why such a program has no allocator is told; a file that is cut, or no ELF file, is
 * not such a program.
 */
static void test_32_bit(void **state)
{
	char ident[EI_NIDENT] = ELFMAG;
	int fd = memfd_create("ident", MFD_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	ident[EI_CLASS] = ELFCLASS32;
	assert_int_equal(pwrite(fd, ident, EI_NIDENT - 1, 0), EI_NIDENT - 1);
	assert_false(elf_headers__is_32_bit(fd));
	assert_int_equal(pwrite(fd, ident, EI_NIDENT, 0), EI_NIDENT);
	assert_true(elf_headers__is_32_bit(fd));
	ident[EI_CLASS] = ELFCLASS64;
	assert_int_equal(pwrite(fd, ident, EI_NIDENT, 0), EI_NIDENT);
	assert_false(elf_headers__is_32_bit(fd));
	ident[EI_CLASS] = ELFCLASS32;
	ident[0] = '#';
	assert_int_equal(pwrite(fd, ident, EI_NIDENT, 0), EI_NIDENT);
	assert_false(elf_headers__is_32_bit(fd));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_system_libc),
		cmocka_unit_test(test_functions_by_arguments),
		cmocka_unit_test(test_system_loader_is_none),
		cmocka_unit_test(test_loader_by_soname),
		cmocka_unit_test(test_musl),
		cmocka_unit_test(test_static_programs),
		cmocka_unit_test(test_allocator_linked_in),
		cmocka_unit_test(test_hidden_in_library),
		cmocka_unit_test(test_half_an_allocator_is_none),
		cmocka_unit_test(test_names_that_only_end_alike),
		cmocka_unit_test(test_local_is_shadowed_by_global),
		cmocka_unit_test(test_aliases_share_a_probe),
		cmocka_unit_test(test_versions_with_own_addresses),
		cmocka_unit_test(test_ifunc_and_data_are_none),
		cmocka_unit_test(test_without_section_headers),
		cmocka_unit_test(test_not_for_us),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_flipped_bits),
		cmocka_unit_test(test_32_bit),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

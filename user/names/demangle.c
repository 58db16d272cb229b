// SPDX-License-Identifier: GPL-2.0
/*
 * Symbol names from ELF and DWARF in, names for people out, by libiberty. A mangled name is
 * hostile: back references double the output with every level, so a name of 300 bytes can stand
 * for more text than there is memory. Hence the callback interface, left by longjmp when the buffer
 * is full, and libiberty's recursion limit, which also bounds its use of the stack.
 */
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "names/demangle.h"

/* libiberty refuses longer names under its recursion limit: they would need too much stack. */
#define MAX_MANGLED_BYTES 1024

struct output {
	char *buffer;
	size_t used, size;
	jmp_buf overflow;
};

static void append(const char *text, size_t length, void *context)
{
	struct output *output = context;

	if (length >= output->size - output->used)
		longjmp(output->overflow, 1);
	memcpy(output->buffer + output->used, text, length);
	output->used += length;
}

typedef int (*demangler)(const char *mangled, int options, demangle_callbackref callback,
			 void *context);

static bool demangle_with(demangler function, const char *mangled, char *buffer, size_t size)
{
	struct output output = { .buffer = buffer, .size = size };

	/*
	 * Except for Rust's Punycode names, neither demangler holds memory while it calls back, so
	 * the longjmp leaks none.
	 */
	if (setjmp(output.overflow))
		return false;
	/* Without DMGL_VERBOSE the hash of a legacy Rust name is dropped. */
	if (!function(mangled, DMGL_PARAMS | DMGL_ANSI, append, &output) || !output.used)
		return false;
	buffer[output.used] = '\0';
	return true;
}

/*
 * Parts and clones that a compiler makes of one function. Debuggers show the function, and so do
 * stacks from builds that differ in their optimisation only.
 */
static const char *const clone_suffixes[] = {
	".cold", ".part.", ".isra.", ".constprop.", ".lto_priv.", ".localalias", ".llvm.",
};

static size_t length_without_suffix(const char *symbol)
{
	size_t length = strnlen(symbol, DEMANGLE_MAX_BYTES);
	const char *version = length ? memchr(symbol + 1, '@', length - 1) : NULL;

	if (version)
		length = version - symbol;
	for (size_t i = 0; i < sizeof(clone_suffixes) / sizeof(*clone_suffixes); i++) {
		const char *suffix =
			memmem(symbol, length, clone_suffixes[i], strlen(clone_suffixes[i]));

		if (suffix && suffix != symbol)
			length = suffix - symbol;
	}
	return length;
}

static void demangle_function(const char *symbol, char *buffer, size_t size)
{
	size_t length = length_without_suffix(symbol);
	char mangled[MAX_MANGLED_BYTES];

	if (length < sizeof(mangled) && symbol[0] == '_') {
		memcpy(mangled, symbol, length);
		mangled[length] = '\0';
		/* Legacy Rust names are valid C++ ones too, so Rust has to be asked first. */
		if (demangle_with(rust_demangle_callback, mangled, buffer, size) ||
		    (symbol[1] == 'Z' &&
		     demangle_with(cplus_demangle_v3_callback, mangled, buffer, size)))
			return;
	}
	if (length >= size)
		length = size - 1;
	memcpy(buffer, symbol, length);
	buffer[length] = '\0';
}

/* A stub (@plt) is no part of its function: the suffix after the name stays. */
static size_t stub_suffix_bytes(const char *symbol)
{
	size_t length = strnlen(symbol, MAX_MANGLED_BYTES), suffix = strlen("@plt");

	return length > suffix && !strcmp(symbol + length - suffix, "@plt") ? suffix : 0;
}

void demangle__name(const char *symbol, char *buffer, size_t size)
{
	size_t suffix = stub_suffix_bytes(symbol), length;
	char function[MAX_MANGLED_BYTES];

	if (!suffix || size <= suffix) {
		demangle_function(symbol, buffer, size);
		return;
	}
	snprintf(function, sizeof(function), "%.*s", (int)(strlen(symbol) - suffix), symbol);
	demangle_function(function, buffer, size - suffix);
	length = strlen(buffer);
	memcpy(buffer + length, "@plt", suffix + 1);
}

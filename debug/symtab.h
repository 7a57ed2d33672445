/* The names of functions, linked into the image by tools/mksymtab.py. */
#ifndef DEBUG_SYMTAB_H
#define DEBUG_SYMTAB_H

#include <stddef.h>
#include <stdint.h>

/* The function that holds address, and how far into it; "?" where there is none. */
const char *symtab_find(uintptr_t address, size_t *offset);

/* A place in the program where it starts coroutines. */
struct site {
	const char *function, *file;
	unsigned line; /* 0: file and line are not known */
};

/* The one whose call returns to address. */
void symtab_site(uintptr_t address, struct site *site);

/* One line may have several calls, as where the compiler has unrolled a loop: the first of those that are at
 * the same site as the one that returns to address. */
uintptr_t symtab_site_first(uintptr_t address);

#endif

/* The names of functions, linked into the image by tools/mksymtab.py. */
#ifndef DEBUG_SYMTAB_H
#define DEBUG_SYMTAB_H

#include <stddef.h>
#include <stdint.h>

/* The function that holds address, and how far into it; "?" where there is none. */
const char *symtab_find(uintptr_t address, size_t *offset);

#endif

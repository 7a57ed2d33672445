/*
 * The blocks that malloc gives to the program: blocks of the heap, and in every build but release with
 * what tells misuse when they are freed or resized: freed twice, or from the inside, written to before
 * or behind.
 */
#ifndef DEBUG_BLOCK_H
#define DEBUG_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

/* As heap_alloc_aligned, and heap_free. */
void *block_alloc(size_t align, size_t size);
void block_free(void *p);

/* p with size bytes (not 0) of what it held, there or elsewhere; NULL: no memory, and p is as it was. */
void *block_resize(void *p, size_t size);

/* The heap's block that p is in, in use or not; NULL: none. */
void *heap_block_of(const void *p);

/* Usable bytes. */
size_t block_size(void *p);

/* base: a block of the heap. How many bytes were asked for; 0: it was freed (release builds do not know). */
size_t block_bytes(const void *base);

#endif

#include "kernel/locals.h"

#include <string.h>

#include "kernel/heap.h"
#include "kernel/sched.h"

/* From the linker (linker/locals.ld); of sizes and alignments the address is the value. */
extern const char __tdata_start[], __tdata_size[], __tdata_align[], __tbss_size[], __tbss_align[];

size_t locals_room;

/* A block, from its start: where the variables begin, where the thread pointer points, the end. */
static size_t variables_at, pointer_at, block_size, block_align;

static size_t value(const char *symbol)
{
	__asm__("" : "+r"(symbol)); /* the compiler knows that no variable is at 0 */
	return (size_t)symbol;
}

static size_t round_up(size_t n, size_t align)
{
	return (n + align - 1) & ~(align - 1);
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* The compiler and the linker have fixed how far from the thread pointer each variable is: see
 * "ELF Handling For Thread-Local Storage", 3 (Drepper). */
void locals_init(void)
{
	size_t zero_align = larger(value(__tbss_align), 1);
	size_t align = larger(value(__tdata_align), zero_align);
	size_t size = round_up(value(__tdata_size), zero_align) + value(__tbss_size);

	if (!size)
		return;
	block_align = larger(align, 16);
	if (ARCH_LOCALS_ABOVE) { /* variant I */
		variables_at = round_up(ARCH_LOCALS_ABOVE, align);
		block_size = variables_at + size;
	} else { /* variant II */
		pointer_at = round_up(size, block_align);
		variables_at = pointer_at - round_up(size, align);
		block_size = pointer_at + sizeof(uintptr_t);
	}
	locals_room = LOCALS_ROOM;
}

uintptr_t locals_make(void)
{
	char *block = heap_alloc_aligned(block_align, block_size);
	uintptr_t pointer = (uintptr_t)block + pointer_at;

	if (!block)
		return 0;
	memset(block, 0, block_size);
	memcpy(block + variables_at, __tdata_start, value(__tdata_size));
	*(uintptr_t *)pointer = pointer; /* variant II has it there; in variant I nothing else is */
	return pointer;
}

void locals_free(uintptr_t pointer)
{
	if (pointer)
		heap_free((void *)(pointer - pointer_at));
}

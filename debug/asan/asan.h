/*
 * SAN=asan: memory that the program may not touch. The compiler puts a check before each access (images:
 * shadow.c; the host port: GCC's run-time), and this folder says what is forbidden.
 *
 * One byte of the *shadow* stands for 8 bytes of memory: 0, all of them may be touched; 1 to 7, so many of
 * them; one of enum asan_shadow, none.
 */
#ifndef DEBUG_ASAN_ASAN_H
#define DEBUG_ASAN_ASAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Those of stacks and globals are the compiler's. */
enum asan_shadow {
	ASAN_STACK_LEFT = 0xf1,
	ASAN_STACK_MIDDLE = 0xf2,
	ASAN_STACK_RIGHT = 0xf3,
	ASAN_STACK_ENDED = 0xf5,
	ASAN_STACK_SCOPE = 0xf8,
	ASAN_GLOBAL = 0xf9,
	ASAN_HEAP = 0xfa,
	ASAN_ALLOCA_LEFT = 0xca,
	ASAN_ALLOCA_RIGHT = 0xcb,
	ASAN_HEAP_FREED = 0xfd,
};

struct co;

/* Nobody may touch the size bytes at p, which end where 8 bytes do, because of why. */
void asan_forbid(const void *p, size_t size, enum asan_shadow why);
void asan_allow(const void *p, size_t size);

/* The caller touches the size bytes at p. */
void asan_check(const volatile void *p, size_t size, bool write);

/* Before a report: waits for ever where another core reports already, which stops this one. */
void asan_report_begins(void);

/* Prints what is known of the block of the heap at or around p: who allocated and freed it. False: there is
 * none. */
bool asan_tell_block(uintptr_t at);
/* base: a block of the heap. How many bytes were asked for; 0: it was freed. */
size_t asan_block_bytes(const void *base);
/* "NNN bytes behind a block of NNN bytes", for the message; empty: no block. */
void asan_place_in_block(uintptr_t at, char *text, size_t size);

/* Of what the heap or stacks.c has forbidden to touch: how reports name it. */
const char *asan_kind_of(uintptr_t at);

/* The same of a stack whose coroutine has ended. */
bool asan_tell_stack(uintptr_t at);

#endif

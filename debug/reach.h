/*
 * What can be reached in memory, where every word may be a pointer (Boehm and Weiser 1988): blocks of the
 * heap, and coroutines by what is in use of their stacks. All of it while the world stands still.
 */
#ifndef DEBUG_REACH_H
#define DEBUG_REACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct co;

/* Something that can be reached; numbers are from 1 on. */
enum reach_kind { REACH_OTHERS, REACH_BLOCK, REACH_CO };
struct reach_object {
	uintptr_t at;
	size_t size;
	uint32_t number; /* below reach_numbers() */
	enum reach_kind kind;
};

/* From here on nothing is reached. self: the calling coroutine, whose stack is in use from sp on. False:
 * there is no memory for it; *bytes is how much it takes. In a panic it has no end: nobody else will ask for
 * memory any more, so it uses what is free without a lock. */
bool reach_begin(const struct co *self, uintptr_t sp, size_t *bytes);
void reach_end(void);

/* What word points to is reached, and so is what words in [from, to) point to. */
void reach_word(uintptr_t word);
void reach_words(const void *from, const void *to);

/* Coroutine co is: its stack is in use, and what that leads to. */
void reach_co(struct co *co);

/* The block that p points to is, alone: not what it leads to. */
void reach_block_only(const void *p);

/* Follows all that has been reached. */
void reach_follow(void);

/* What at points to has been reached, or cannot be told. */
bool reached(const void *at);
bool reached_co(const struct co *co);

/* Visits all blocks of the heap that have not been reached. */
void reach_rest(void (*visit)(void *block, void *arg), void *arg);

/* How far down the stack of co is in use. */
uintptr_t reach_stack_from(const struct co *co);

/* The object that word points to, which is somebody's: a block of the heap, or a coroutine by its struct co or
 * its stack. False: there is none. reach_co_of: the coroutine that o is. */
bool reach_object(struct reach_object *o, uintptr_t word);
struct co *reach_co_of(const struct reach_object *o);
uint32_t reach_numbers(void);

/* More memory, in a panic only; NULL: there is none. */
void *reach_memory(size_t bytes);

#endif

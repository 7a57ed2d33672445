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

/* From here on nothing is reached. self: the calling coroutine, whose stack is in use from sp on. False:
 * there is no memory for it; *bytes is how much it takes. */
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

#endif

/* Who called whom, as addresses: for reports that somebody else gives names to. */
#ifndef DEBUG_CALLERS_H
#define DEBUG_CALLERS_H

#include "arch/arch.h"

struct co;

/* From a frame to its caller's; false at the end: fp is neither in [lo, hi), which is mapped, nor on an interrupt
 * stack of this core. */
bool callers_step(struct backtrace *b, uintptr_t lo, uintptr_t hi);

/* b begins where registers say, on the stack of co; NULL: at boot. */
void callers_regs(struct backtrace *b, const struct arch_regs *regs, const struct co *co);

/*
 * The others fill pc[0] to pc[most - 1], the innermost function first, and return how many there are. Each is where a call
 * returns to, so the place is the instruction before; also of the innermost, which has made none. They lock
 * nothing, and believe nothing that they read on a stack.
 */

/* Of what an interrupt has interrupted, in its handler. */
unsigned callers_interrupted(const struct arch_regs *regs, uint64_t *pc, unsigned most);

/* Of a coroutine that has stopped by itself, and stays so. */
unsigned callers_stopped(const struct co *co, uint64_t *pc, unsigned most);

/* Of the coroutine that runs here, from the caller of this function on; also where that is on the core's own stack.
 * nopreempt > 0. */
unsigned callers_here(uint64_t *pc, unsigned most);

#endif

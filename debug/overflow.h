/* A stack is at its end: what is said of the fault, for which the machine stops. */
#ifndef DEBUG_OVERFLOW_H
#define DEBUG_OVERFLOW_H

#include "kernel/co.h"

/* Of co, which is current. */
_Noreturn void stack_overflow(const struct co *co, const struct arch_regs *regs, uintptr_t addr);

/* co, which is current, has less than its limit, and no page is left. */
_Noreturn void stack_out_of_memory(const struct co *co);

/* This core's own. That of its interrupts: stack_irq_overflow (arch.h). */
_Noreturn void stack_core_overflow(const struct arch_regs *regs, uintptr_t addr);

#endif

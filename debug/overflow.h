/* A stack is at its end: what a fault below it says, for which the machine stops. */
#ifndef DEBUG_OVERFLOW_H
#define DEBUG_OVERFLOW_H

#include "kernel/co.h"

/* Of co, which is current. */
_Noreturn void stack_overflow(const struct co *co, const struct arch_regs *regs, uintptr_t addr);

/* This core's own. That of its interrupts: stack_irq_overflow (arch.h). */
_Noreturn void stack_core_overflow(const struct arch_regs *regs, uintptr_t addr);

#endif

/*
 * Use after return: of a stack, what is below the frame of the program's function that is called last there is
 * nobody's. A coroutine's own accesses are held against its stack pointer, those of another against the frame
 * in which the owner of the stack has called what is not the program's, or has been interrupted. No list of frames is
 * kept: records of frames are walked, and only where an access is suspect.
 */
#include "shadow.h"

/* The lowest address that the program has on the stack of co, which does not go on; 0: it is not known. */
static uintptr_t lowest_in_use(const struct co *co)
{
	enum { FRAMES = 64 };
	const uintptr_t *context = co->sp;
	uintptr_t irq = 0, fp;

	for (int i = 0; i < sim_core_count; i++)
		if (&sim_cores[i] != sim_here && sim_cores[i].current == co) {
			context = sim_cores[i].sp;
			irq = (uintptr_t)sim_cores[i].irq_stack;
		}
	fp = context[SIM_CONTEXT_RBP];
	if (!irq && co->frame) {
		const struct arch_regs *regs = co->frame;

		if (sim_in_app((const void *)regs->rip))
			return regs->rsp;
		fp = regs->rbp;
	}
	for (int i = 0; i < FRAMES; i++) {
		const uintptr_t *record = (const uintptr_t *)fp;
		bool on_stack = fp >= co->stack_mapped && fp + 16 <= co->stack_top;

		if (fp % sizeof fp || !(on_stack || (irq && fp - irq < SIM_IRQ_STACK - 16)))
			break;
		if (on_stack && sim_in_app((const void *)record[1]))
			return fp + 2 * sizeof fp;
		fp = record[0];
	}
	return 0;
}

bool sim_has_returned(uintptr_t at)
{
	const struct co *owner = sim_stack_owner(at);

	return owner && owner != sim_current && !sim_here->core->in_handler &&
	       at < lowest_in_use(owner);
}

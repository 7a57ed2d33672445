#include "debug/callers.h"

#include "debug/symtab.h"
#include "kernel/core.h"

struct record {
	uintptr_t fp, pc;
};

/* A dump walks stacks of those that go on or end meanwhile, as it knows. */
#define UNCHECKED __attribute__((no_sanitize("address", "thread")))

/* Callers' frames are higher up; a chain that goes down is broken, and could be a circle. Only from an interrupt
 * stack it may go anywhere in [lo, hi): to what was interrupted. */
UNCHECKED bool callers_step(struct backtrace *b, uintptr_t lo, uintptr_t hi)
{
	uintptr_t fp = b->fp;
	const struct record *record = (const struct record *)fp;
	bool on_irq_stack = arch_backtrace_irq(fp);

	if (b->caller) {
		b->pc = b->caller;
		b->caller = 0;
		return true;
	}
	if ((!on_irq_stack && !backtrace_has_record(fp, lo, hi)) || !record->pc)
		return false;
	b->pc = record->pc;
	b->fp = record->fp;
	if (b->fp <= fp && !(on_irq_stack && backtrace_has_record(b->fp, lo, hi)))
		b->fp = 0;
	return true;
}

static uintptr_t function_at(uintptr_t pc)
{
	size_t offset;

	symtab_find(pc, &offset);
	return pc - offset;
}

/* On the stack of co: from n on, whose place b has. */
static unsigned one_stack(struct backtrace *b, const struct co *co, uint64_t *pc, unsigned n,
			  unsigned most)
{
	uintptr_t bottom = shared_get(co->stack_mapped), top = shared_get(co->stack_top);

	while (n < most && callers_step(b, bottom, top))
		pc[n++] = b->pc;
	return n;
}

/* b has the place of the first, which has been taken. */
static unsigned whole_stack(struct backtrace *b, uint64_t *pc, unsigned n, unsigned most)
{
	const struct co *co = arch_current();
	const struct core *core = co->core;
	const struct co *own = core->scheduler;
	uintptr_t called_from = (uintptr_t)shared_get(core->called_from);

	if (co != own && called_from && b->fp >= own->stack_mapped && b->fp < own->stack_top) {
		n = one_stack(b, own, pc, n, most);
		*b = (struct backtrace){.fp = called_from};
	}
	return one_stack(b, co, pc, n, most);
}

void callers_regs(struct backtrace *b, const struct arch_regs *regs, const struct co *co)
{
	arch_backtrace_regs(b, regs, co ? shared_get(co->stack_mapped) : 0,
			    co ? shared_get(co->stack_top) : 0);
	/* What leads back into the function is of the last call that it made. */
	if (b->caller && function_at(b->caller - 1) == function_at(b->pc))
		b->caller = 0;
}

unsigned callers_interrupted(const struct arch_regs *regs, uint64_t *pc, unsigned most)
{
	struct backtrace b;

	callers_regs(&b, regs, arch_current());
	pc[0] = b.pc + 1;
	return whole_stack(&b, pc, 1, most);
}

unsigned callers_stopped(const struct co *co, uint64_t *pc, unsigned most)
{
	struct backtrace b;

	arch_backtrace_context(&b, co->sp);
	pc[0] = b.pc;
	return one_stack(&b, co, pc, 1, most);
}

unsigned callers_here(uint64_t *pc, unsigned most)
{
	struct backtrace b;

	arch_backtrace_here(&b);
	return whole_stack(&b, pc, 0, most);
}

/*
 * Preemption of code that the C library runs for: when it returns. The way there is found by the
 * tables that tell how to unwind each function; the return address into the program is exchanged
 * for host_trap_return (switch.S), which comes here. What it was is kept in a table by its place on
 * the stack: nothing else is as lasting, for the program may leave by longjmp, or call and be
 * preempted in a callback.
 */
#include "host.h"

#include <errno.h>
#include <unwind.h>

#include "kernel/core.h"
#include "kernel/lock.h"

enum { TRAPS = 4096, PROBES = 16 };

static struct trap {
	_Atomic uintptr_t slot; /* where the address was; 0: unused */
	uintptr_t address;      /* written by the coroutine that owns the slot */
} traps[TRAPS];

void host_returned(uintptr_t *slot);
void host_trap_return(void);

static struct trap *probe(uintptr_t slot, int i)
{
	/* Stacks are a multiple of pages apart: Fibonacci hashing (Knuth 6.4). */
	return &traps[((slot * UINT64_C(0x9e3779b97f4a7c15) >> 32) + (uintptr_t)i) % TRAPS];
}

static bool keep(uintptr_t slot, uintptr_t address)
{
	struct trap *free = NULL;

	for (int i = 0; i < PROBES; i++) {
		struct trap *trap = probe(slot, i);
		uintptr_t at = atomic_load_explicit(&trap->slot, memory_order_relaxed);

		if (at == slot) { /* left by longjmp */
			trap->address = address;
			return true;
		}
		if (!at && !free)
			free = trap;
	}

	uintptr_t none = 0;

	if (!free ||
	    !atomic_compare_exchange_strong_explicit(&free->slot, &none, slot, memory_order_relaxed,
						     memory_order_relaxed))
		return false;
	free->address = address;
	return true;
}

struct search {
	uintptr_t interrupted; /* pc; frames before it are the handler's */
	bool begun, found;
};

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *arg)
{
	struct search *search = arg;
	const struct co *co = arch_current();
	uintptr_t pc = _Unwind_GetIP(context);
	uintptr_t *slot = (uintptr_t *)_Unwind_GetCFA(context) - 1;

	search->begun |= pc == search->interrupted;
	if (!search->begun || !host_in_program(pc))
		return _URC_NO_REASON;
	if ((uintptr_t)slot < co->stack_mapped || (uintptr_t)slot >= co->stack_top || *slot != pc)
		return _URC_END_OF_STACK;
	if (pc == (uintptr_t)host_trap_return) {
		search->found = true; /* by an interrupt before */
	} else if (keep((uintptr_t)slot, pc)) {
		*slot = (uintptr_t)host_trap_return;
		search->found = true;
	}
	return _URC_END_OF_STACK;
}

bool host_preempt_at_return(const struct arch_regs *regs)
{
	struct search search = {.interrupted = (uintptr_t)regs->uc.uc_mcontext.gregs[REG_RIP]};

	_Unwind_Backtrace(visit, &search);
	return search.found;
}

/* On the coroutine's stack, the function of the C library having returned. */
void host_returned(uintptr_t *slot)
{
	int error = errno;
	uintptr_t at = (uintptr_t)slot, address = 0;

	for (int i = 0; i < PROBES && !address; i++) {
		struct trap *trap = probe(at, i);

		if (atomic_load_explicit(&trap->slot, memory_order_relaxed) == at) {
			address = trap->address;
			/* release: who takes it from here on overwrites the address. */
			atomic_store_explicit(&trap->slot, 0, memory_order_release);
		}
	}
	kassert(address);
	*slot = address;
	preempt_disable();
	arch_current()->need_resched = true;
	preempt_enable();
	errno = error;
}

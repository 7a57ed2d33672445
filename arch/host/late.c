/*
 * When interrupts are served: at once where the program, the kernel included, is interrupted; not in
 * the C library (or in a sanitizer's), which holds locks and what belongs to the thread, but when
 * that returns to the program. The way there is found by the tables that tell how to unwind each
 * function; the return address into the program is exchanged for host_trap_return (switch.S), which
 * comes here. What it was is kept in a table by its place on the stack: nothing else is as lasting,
 * for the program may leave by longjmp, or call and be preempted in a callback. Where there is no
 * way to be found, it is tried again.
 */
#include "host.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unwind.h>

#include "kernel/core.h"
#include "kernel/lock.h"
#include "kernel/stack.h"

enum { TRAPS = 4096, PROBES = 16 };
enum { TRAP_STACK = 256 }; /* what it takes below the return address, while no signal comes */

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

uintptr_t host_stack_low(const struct co *co)
{
	if (co->stack_kind >= STACK_FIXED)
		return co->stack_mapped;
	return co->stack_top - ((uintptr_t)PAGE_SIZE << co->stack_kind);
}

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *arg)
{
	struct search *search = arg;
	const struct co *co = arch_current();
	uintptr_t pc = _Unwind_GetIP(context);
	uintptr_t *slot = (uintptr_t *)_Unwind_GetCFA(context) - 1;

	search->begun |= pc == search->interrupted;
	if (!search->begun || !host_in_program(pc))
		return _URC_NO_REASON;
	if ((uintptr_t)slot < host_stack_low(co) + TRAP_STACK || (uintptr_t)slot >= co->stack_top ||
	    *slot != pc)
		return _URC_END_OF_STACK;
	if (pc == (uintptr_t)host_trap_return) {
		search->found = true; /* by an interrupt before */
	} else if (keep((uintptr_t)slot, pc)) {
		*slot = (uintptr_t)host_trap_return;
		search->found = true;
	}
	return _URC_END_OF_STACK;
}

/* False: the way there cannot be told. */
static bool at_return(const struct arch_regs *regs)
{
	struct search search = {.interrupted = (uintptr_t)regs->uc.uc_mcontext.gregs[REG_RIP]};

	_Unwind_Backtrace(visit, &search);
	return search.found;
}

/* On the coroutine's stack, the function of the C library having returned: what has been postponed
 * comes again. (It may have been served elsewhere by now: then one signal is too many.) */
void host_returned(uintptr_t *slot)
{
	uintptr_t at = (uintptr_t)slot, address = 0;
	const struct host_core *h;

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
	h = core_here()->arch;
	if (h->postponed)
		host_call(SYS_tkill, h->thread, __builtin_ctz(h->postponed), 0, 0, 0, 0);
}

/* Less soon each time, for a coroutine may wait in the C library for long. */
static void try_again(struct host_core *h)
{
	struct itimerspec at = {.it_value.tv_nsec = (long)h->retry};

	if (h->retry < HOST_RETRY_LAST)
		h->retry *= 2;
	timer_settime(h->timer, 0, &at, NULL);
}

bool host_in_program(uintptr_t pc)
{
	extern const char __text_start[], __text_end[];

	return pc >= (uintptr_t)__text_start && pc < (uintptr_t)__text_end;
}

void host_interrupt(int signal, siginfo_t *info, void *context)
{
	int error = errno;
	const struct arch_regs *regs = context;
	struct host_core *h = core_here()->arch;

	(void)info;
	if (host_in_program((uintptr_t)regs->uc.uc_mcontext.gregs[REG_RIP])) {
		unsigned signals = h->postponed | 1u << signal;

		h->postponed = 0;
		h->retry = HOST_RETRY_FIRST;
		host_serve(signals, regs, error);
	} else {
		h->postponed |= 1u << signal;
		if (!at_return(regs))
			try_again(h);
	}
	errno = error;
}

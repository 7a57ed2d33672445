/*
 * When interrupts are served: at once where the program, the kernel included, is interrupted; not in
 * the C library (or in a sanitizer's), which holds locks and what belongs to the thread, but when
 * that returns to the program. The way there is found by unwind.c; the
 * return address into the program is exchanged for host_trap_return (switch.S), which comes here.
 * What it was is kept in a table by its place on the stack: nothing else is as lasting, for the
 * program may leave by longjmp, or call and be preempted in a callback.
 *
 * Where no tables lead to the program (multiplications of long numbers in glibc have none), the
 * processor stops after each instruction until it is there, or where tables lead on. So a loop is
 * interrupted soon wherever it spends its time. Only a call that takes more than STEPS instructions
 * is let go, and stopped again later.
 */
#include "host.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

#include "kernel/core.h"
#include "kernel/lock.h"
#include "kernel/stack.h"

enum { TRAPS = 4096, PROBES = 16 };
enum { LEAST_STEP = 1000, LEAST_LAST = 1000 * 1000 }; /* ns */
#if defined HOST_ASAN || defined HOST_TSAN
/* An interrupt takes so long (it steps out of the run-time, which each coroutine calls all the time) that shorter
 * slices are nearly all lost: with slices of 20 us five timers of 200 us were more than a core could serve. */
enum { LEAST_FIRST = 200 * 1000 };
#else
enum { LEAST_FIRST = 1 };
#endif
enum { STEPS = 20000, STEPS_TOGETHER = 32 };
enum { TRAP_FLAG = 1 << 8 }; /* in REG_EFL: a SIGTRAP after the next instruction */
enum { TRAP_STACK = 256 };   /* what it takes below the return address, while no signal comes */

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

uintptr_t host_stack_low(const struct co *co)
{
	if (co->stack_kind >= STACK_FIXED)
		return co->stack_mapped;
	return co->stack_top - ((uintptr_t)PAGE_SIZE << co->stack_kind);
}

/* setjmp keeps the address that it returns to, which must be its own then. */
static uintptr_t setjmps[3];

static bool is_setjmp(uintptr_t pc)
{
	enum { LONGEST = 160 }; /* bytes, of those of glibc */

	for (size_t i = 0; i < sizeof(setjmps) / sizeof(setjmps[0]); i++)
		if (pc - setjmps[i] < LONGEST)
			return true;
	return false;
}

/* False: the way there cannot be told. */
static bool at_return(const struct arch_regs *regs)
{
	const struct co *co = arch_current();
	uintptr_t sp = (uintptr_t)regs->uc.uc_mcontext.gregs[REG_RSP];
	uintptr_t *slot, fp;

	if (sp < host_stack_low(co) || sp >= co->stack_top ||
	    is_setjmp((uintptr_t)regs->uc.uc_mcontext.gregs[REG_RIP]))
		return false;
	slot = host_way_out(regs, co->stack_top, &fp);
	if (!slot || (uintptr_t)slot < host_stack_low(co) + TRAP_STACK)
		return false;
	if (*slot == (uintptr_t)host_trap_return) /* by an interrupt before */
		return true;
	if (!keep((uintptr_t)slot, *slot))
		return false;
	*slot = (uintptr_t)host_trap_return;
	return true;
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

/* Before a system call that may mask SIGTRAP, or start a thread that has no handler for it. */
static bool must_not_step(const greg_t *regs)
{
	const uint8_t *pc = (const uint8_t *)regs[REG_RIP];

	if (pc[0] != 0x0f || pc[1] != 0x05) /* syscall */
		return false;
	switch (regs[REG_RAX]) {
	case SYS_rt_sigprocmask:
	case SYS_clone:
	case SYS_clone3:
	case SYS_fork:
	case SYS_vfork:
		return true;
	default:
		return false;
	}
}

static bool traced;

void host_late_init(void)
{
	static const char *const names[] = {"setjmp", "_setjmp", "__sigsetjmp"};
	static char status[4096];
	int file = (int)host_call(SYS_open, (long)"/proc/self/status", O_RDONLY | O_CLOEXEC, 0, 0,
				  0, 0);
	const char *tracer;

	host_call(SYS_read, file, (long)status, sizeof(status) - 1, 0, 0, 0);
	host_call(SYS_close, file, 0, 0, 0, 0, 0);
	tracer = strstr(status, "TracerPid:\t");
	traced = tracer && tracer[strlen("TracerPid:\t")] != '0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		setjmps[i] = (uintptr_t)dlsym(RTLD_DEFAULT, names[i]);
}

/* Once they are over, the timer waits for as long as the steps took: so half of the time is the program's. */
static void end_steps(struct host_core *h, greg_t *regs)
{
	uint64_t took = h->steps_began ? host_clock() - h->steps_began : 0;

	if (h->least < took)
		h->least = took < LEAST_LAST ? took : LEAST_LAST;
	h->steps = 0;
	h->steps_began = 0;
	regs[REG_EFL] &= ~TRAP_FLAG;
}

/* After this instruction of the library, comes back; later, where a debugger runs the program, which would take
 * the signal for its own. */
static void step(struct host_core *h, greg_t *regs)
{
	if (h->steps && !traced && !must_not_step(regs)) {
		h->steps--;
		regs[REG_EFL] |= TRAP_FLAG;
	} else {
		end_steps(h, regs);
		try_again(h);
	}
}

static void serve(struct host_core *h, unsigned signals, struct arch_regs *regs, int error)
{
	signals |= h->postponed;
	h->postponed = 0;
	h->retry = HOST_RETRY_FIRST;
	end_steps(h, regs->uc.uc_mcontext.gregs);
	host_serve(signals, regs, error);
}

/* Signals and switches may take longer than a time slice, and then whoever is resumed is interrupted
 * before its first instruction, for ever. So the timer waits longer as long as that happens. */
static void watch_progress(struct host_core *h, uintptr_t pc)
{
	if (pc == h->resumed_at && h->least < LEAST_LAST)
		h->least += h->least / 4 + LEAST_STEP;
	else if (pc != h->resumed_at)
		h->least -= h->least / 16;
	if (h->least < LEAST_FIRST)
		h->least = LEAST_FIRST;
	h->resumed_at = 0;
}

void host_interrupt(int signal, siginfo_t *info, void *context)
{
	int error = thread_errno();
	struct arch_regs *regs = context;
	struct host_core *h = core_here()->arch;

	uintptr_t pc = (uintptr_t)regs->uc.uc_mcontext.gregs[REG_RIP];

	(void)info;
	watch_progress(h, pc);
	if (host_in_program(pc)) {
		serve(h, 1u << signal, regs, error);
	} else {
		h->postponed |= 1u << signal;
		if (!h->steps && at_return(regs)) {
			try_again(h); /* the library may call the program, which may wait there */
		} else if (!h->steps) {
			h->steps = STEPS;
			h->steps_began = host_clock();
			step(h, regs->uc.uc_mcontext.gregs);
		}
	}
	set_thread_errno(error);
}

void host_step(int signal, siginfo_t *info, void *context)
{
	int error = thread_errno();
	struct arch_regs *regs = context;
	struct host_core *h = core_here()->arch;

	if (info->si_code != TRAP_TRACE) {
		host_fault(signal, info, context);
	} else if (host_in_program((uintptr_t)regs->uc.uc_mcontext.gregs[REG_RIP])) {
		serve(h, 0, regs, error);
	} else if (h->steps % STEPS_TOGETHER == 0 && at_return(regs)) {
		end_steps(h, regs->uc.uc_mcontext.gregs);
		try_again(h);
	} else {
		step(h, regs->uc.uc_mcontext.gregs);
	}
	set_thread_errno(error);
}

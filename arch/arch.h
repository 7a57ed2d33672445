/*
 * The contract between the kernel and a processor. A port is one folder under arch/ that provides
 * everything declared here (at most 30 functions; make lint counts), and calls back only the functions
 * of the last part. What drivers ask of a port besides is in arch/devices.h.
 *
 * Words: the *interrupt stack* is a stack per core that interrupts and exceptions use, so that a
 * coroutine's stack never needs room for them. A *context* is a coroutine that stopped by calling
 * arch_switch: what survives a function call is on its own stack, and co->sp points to it. A *frame*
 * is everything an interrupted coroutine had in registers, floating point included; it is aligned to
 * 64 bytes, and begins with its struct arch_regs.
 *
 * Inline functions are in the port's arch_inline.h, which this file includes at its end.
 */
#ifndef ARCH_H
#define ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct co;
struct core;
struct arch_regs; /* general registers as the port's entry code saves them */

enum { PAGE_SIZE = 4096 };
enum { MAX_CORES = 64 };

/* ---- Which core, which coroutine (inline) ------------------------------------------------- */
/* Rules: called anywhere, interrupt handlers included, where arch_current is the coroutine that was
 * interrupted. What is reached through it stays true only while preemption is held off. */

/* The coroutine that runs here: one instruction, so right even when preempted in the middle. Where
 * a port keeps it in memory it is the first word of struct core. */
static inline struct co *arch_current(void);

/* Where the compiler looks for thread-local variables from now on (inline). They end at pointer, and
 * so does what is aligned as they are; or begin ARCH_LOCALS_ABOVE bytes (an enum, 0: they end there)
 * above it, or more where they are aligned to more. */
static inline void arch_set_thread_pointer(uintptr_t pointer);

/* Binds the calling processor to core, and core->scheduler to it as its current coroutine: once a
 * core, at boot, before anything that asks for either. */
void arch_bind_core(struct core *core);

/* ---- Interrupts ---------------------------------------------------------------------------- */
/* Rules: handlers run on the interrupt stack with interrupts masked, one at a time, and call the port's
 * way out, irq_exit. The kernel does not mask interrupts to protect data: a handler may come between any
 * two instructions, and touches neither locks nor queues. */

/* Mask and unmask interrupts on this core (inline): at boot, before a core halts, and while a preempted
 * coroutine is resumed only. */
static inline void arch_interrupts_off(void);
static inline void arch_interrupts_on(void);

/* With interrupts masked: unmask and wait for one, in a way that cannot miss one that came before
 * (inline). Returns with interrupts on, after the handler ran. */
static inline void arch_halt(void);

/* For loops that wait on another core (inline). */
static inline void arch_relax(void);

/* *word from old to new; false: it was not old (inline). Atomic towards this core's own interrupts,
 * not towards other cores: for machines that have one. Measured on an x86-64 processor (host port):
 * a mutex locked and unlocked takes 15 ns with it, 33 with what many cores need. On ARM64 it is the
 * same instructions without their order; asking for smp takes 7 more for each. */
static inline bool arch_swap_here(uintptr_t *word, uintptr_t old, uintptr_t new);

/* Makes irq_reschedule() run on core, soon. May be called anywhere. */
void arch_send_reschedule(struct core *core);

/* Stops every other core for good, as soon as it can; they do not come back. Anywhere. */
void arch_stop_others(void);

/* Lets device interrupt irq through to this core, or no longer. 0; -EINVAL: no such interrupt. */
int arch_irq_enable(unsigned irq, bool on);

/* ---- Contexts ------------------------------------------------------------------------------ */
/* Rules: called by coroutines that stop or start others, and by the core's scheduler, with preemption held
 * off, and interrupts on where nothing else is said; arch_resume by the scheduler only.
 * prev is current before, next after. A coroutine that does not run is a context, or, where it was
 * interrupted, a frame. */

/* Builds below stack_top (16-aligned) a context whose first switch calls entry(prev), prev being
 * what arch_switch would have returned, with a frame chain that ends there. Returns its sp. */
void *arch_context_make(void *stack_top, void (*entry)(struct co *prev));

/*
 * Leaves prev, which is current, and continues next, which is a context: saves what the calling
 * convention says survives a call (floating-point control included) on prev's stack, stores sp to
 * prev->sp (the first word of struct co) and only then makes next current and loads its sp; no
 * stack is touched in between. Returns in next, with the coroutine that was left. Called with
 * nopreempt > 0, which next finds > 0 as well.
 */
struct co *arch_switch(struct co *prev, struct co *next);

/* The same to next that has not run yet: calls and returns stay in balance for a processor that
 * predicts them. */
struct co *arch_start(struct co *prev, struct co *next);

/* Calls fn(a, b) on the stack that ends at stack (16-aligned); what it returned. */
void *arch_call_on(void *stack, void *(*fn)(void *a, void *b), void *a, void *b);

/* ARCH_RETURN (inline) marks a function that returns after others have run, in a way that costs least
 * where returns are predicted by calls. */

/* As arch_switch, to next that was interrupted and whose registers are in frame. Called with
 * interrupts masked; next goes on with them as they were. Nobody reuses frame on this core before
 * interrupts are on again. */
struct co *arch_resume(struct co *prev, struct co *next, void *frame);

/* Leaves the interrupt stack, makes next (a context) current and continues it with interrupts on:
 * arch_switch returns prev there. */
_Noreturn void arch_leave_interrupt(struct co *prev, struct co *next);

/* Runs fn(arg) with the interrupted coroutine's floating-point registers put aside: for handlers
 * of applications, which may use them. On the interrupt stack only. */
void arch_call_handler(void (*fn)(void *arg), void *arg);

/* ---- Time (clock inline) ------------------------------------------------------------------- */
/* Rules: the clock is read anywhere. The timer is armed on the core's own stack or in a handler, with
 * preemption held off; one deadline at a time. */

/* Nanoseconds since power-on, the same on every core, never backwards. */
static inline uint64_t arch_clock(void);

/* ARCH_STAMP() (inline) is the same where some nanoseconds do not count: it may be read ahead of what is before it in
 * the program, if that costs less. */

/* This core's timer: irq_timer() at deadline (at once where it has passed); TIME_NEVER: never.
 * Replaces what was armed. Never early. */
void arch_timer_arm(uint64_t deadline);

/* ---- Memory -------------------------------------------------------------------------------- */
/* Rules: tables are added, never taken away, and entries change by compare-and-swap, so no lock is needed
 * and a page fault may map while its core holds any lock. */

enum { MAP_WRITE = 1, MAP_EXEC = 2, MAP_DEVICE = 4 };

/* Maps the page at va to pa. Table pages that are missing come from take_page (not zeroed; NULL:
 * none left). 0, -ENOMEM, -EEXIST: a page is mapped there. No lock: may be called at the same time. */
int arch_map(uintptr_t va, uintptr_t pa, unsigned flags, void *(*take_page)(void));

/* Forgets the pages at va[0] ... va[n - 1], on every core before it returns; pages[i] gets the
 * physical address that was mapped at va[i], 0 where none was. It may have to interrupt every core,
 * so many at once are cheaper. Not from an interrupt; with nopreempt > 0. */
void arch_unmap(const uintptr_t *va, size_t n, uintptr_t *pages);

/* ARCH_WINDOW_BASE and ARCH_WINDOW_END are constants (inline): coroutine stacks and the heap's windows
 * go between them, and nothing else is there. */

/* ---- Cores, power, debugging ---------------------------------------------------------------- */
/* Rules: cores start one after the other, at boot, on core 0. The others are called in a panic too: they take
 * no lock, no memory, and believe nothing that they read on a stack. */

/* Starts the processor that core->hw_id names; it calls core_start(core) on the stack of
 * core->scheduler. 0 when it has arrived there; -ENODEV when it did not within a second. */
int arch_core_start(struct core *core);

_Noreturn void arch_power_off(int status);

/* One byte to the console, polled; works from the first instruction in C and in a panic. */
void arch_early_putc(char c);

/* Walking a stack: pc and fp of one frame. At fp is a record of two words, the caller's fp and the address to
 * return to; callers_step (debug/callers.h) goes from one to the next. */
struct backtrace {
	uintptr_t pc, fp;
	uintptr_t caller; /* not 0: of pc, whose function has no record at fp (yet) */
	uintptr_t sp;     /* of arch_backtrace_regs only */
};
void arch_backtrace_here(struct backtrace *b);
void arch_backtrace_context(struct backtrace *b, const void *sp); /* of a context */
/* Of what was interrupted, on a stack of which [lo, hi) is mapped. */
void arch_backtrace_regs(struct backtrace *b, const struct arch_regs *regs, uintptr_t lo,
			 uintptr_t hi);
/* The memory from lo to hi has room for a record at fp. */
static inline bool backtrace_has_record(uintptr_t fp, uintptr_t lo, uintptr_t hi)
{
	return fp % sizeof fp == 0 && fp >= lo && fp < hi && hi - fp >= 2 * sizeof fp;
}
/* A stack for interrupts or faults of this core has the record at fp. */
bool arch_backtrace_irq(uintptr_t fp);

/* Prints every register, a few a line, through print. */
void arch_print_regs(const struct arch_regs *regs, void (*print)(const char *fmt, ...));

/*
 * ---- What a port calls ----------------------------------------------------------------------
 *
 * Nothing else of the kernel (make lint looks at the port's objects), nor does it look into a struct co.
 * Of struct core it reads scheduler, boot_stack, hw_id and index; arch is its own, and so are current and
 * thread_pointer where it keeps them in memory. The host port
 * stands in for libc/, drivers/ and net/ as well; its files that do are named in tools/layers.py.
 */

enum { MAX_RAM_RANGES = 32 };

struct ram_range {
	uint64_t base, size; /* bytes, multiples of PAGE_SIZE */
};

enum { MAX_VIRTIO_MMIO = 32, PCI_PINS = 4 };

/* PCI: configuration space, and what firmware, where there is none, leaves to us. */
struct machine_pci {
	enum { PCI_NONE, PCI_PORTS /* 0xcf8 and 0xcfc */, PCI_ECAM } access;
	uint64_t ecam;                    /* with PCI_ECAM: of bus 0 */
	uint64_t window, window_size;     /* below 4 GB, for registers that have no address yet */
	unsigned irq[PCI_PINS][PCI_PINS]; /* of a device on bus 0, by its number % 4, then by its
	                                      pin; 0: the register Interrupt Line names it */
};

enum { COMMAND_LINE_SIZE = 4096 };

/* What the port found out about the machine before it calls kernel_start. */
struct machine {
	const char *processor;    /* for people */
	size_t frame_size;        /* bytes of a frame, which begins with its struct arch_regs */
	const char *command_line; /* at most COMMAND_LINE_SIZE, with its end */
	bool command_line_cut;    /* there was more of it, which is lost */
	const void *initrd;       /* initial RAM disk, NULL: none */
	size_t initrd_size;
	struct ram_range ram[MAX_RAM_RANGES]; /* free to use, mapped one to one and writable */
	int nram;
	uint64_t core_hw_id[MAX_CORES]; /* [0] is the core that boots */
	int ncores;
	int ncores_ignored; /* listed by the machine beyond MAX_CORES */
	/* The console: a 16550 (x86-64) or a PL011 (ARM64). */
	uintptr_t console_base;
	unsigned console_irq;
	uint64_t date_base; /* the clock that knows the date, where that is a PL031; 0: none */
	struct {
		uint64_t base;
		unsigned irq;
	} virtio_mmio[MAX_VIRTIO_MMIO]; /* virtio devices in memory, or places for them */
	int nvirtio_mmio;
	struct machine_pci pci;
	/* On a port that is a process: memory that the launcher shares, all 0, and what it wants to be recorded,
	 * as "trace=8388608 "; see debug/record.h. 0: none. */
	uintptr_t record_base;
	size_t record_size;
	const char *record_options;
	/* From now on this core, and those that start later, call irq_sample every ns nanoseconds, in an
	 * interrupt of its own; 0: this core does no more. nopreempt > 0. NULL: the port cannot. */
	void (*sample_every)(uint64_t ns);
};
extern struct machine machine;

/* The boot core, on its boot stack, memory mapped for good, interrupts masked, machine filled. */
_Noreturn void kernel_start(void);
/* The other cores: bound, interrupts masked. */
_Noreturn void core_start(struct core *core);

/* From interrupts, on the interrupt stack, interrupts masked. */
void irq_timer(void);
void irq_reschedule(void);
void irq_device(unsigned irq);

/* What was interrupted stands for ns nanoseconds of this core's time; 0: the core has used none worth a sample. False: the core
 * was idle, and nothing stands for them. */
bool irq_sample(const struct arch_regs *regs, uint64_t ns);

/*
 * The end of every interrupt (after EOI) that interrupted a coroutine. NULL: return to it.
 * Otherwise the port saves the whole interrupted state in the frame it gets, and calls
 * sched_preempted; that ends in arch_leave_interrupt.
 */
void *irq_exit(void);
_Noreturn void sched_preempted(void *frame);

/* A data access to addr faulted. True: it is mapped now, go on. Panics for a guard page. */
bool stack_fault(uintptr_t addr, const struct arch_regs *regs);

/* A data access to addr, right below the interrupt stack of this core, which has size bytes, faulted. */
_Noreturn void stack_irq_overflow(const struct arch_regs *regs, uintptr_t addr, size_t size);

/* Any other exception. what: its name, with what the processor tells of the cause. */
_Noreturn void panic_exception(const struct arch_regs *regs, const char *what, uintptr_t addr);

/* Another core has panicked, or somebody asked for a dump (NMI): on the interrupt stack. */
void panic_nmi(const struct arch_regs *regs);

/* 2^order pages, aligned to their size, not zeroed; NULL when there are none. For what the port keeps
 * for a core, in arch_core_start. */
void *page_alloc(unsigned order);

/* Formats %s %c %d %i %u %x %p %% with l, ll, z, a width, 0 and -; %.*s too. Returns the length
 * without the NUL; never writes more than size. */
int format(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#include <arch_inline.h>

#endif

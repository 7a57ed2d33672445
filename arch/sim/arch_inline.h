/*
 * The inline part of the contract, for the simulated machine. Only arch/arch.h includes this.
 *
 * Who is current is in a variable: all cores are contexts of one thread, and step.c exchanges it
 * when another core goes on. Assembly, because what is not instrumented is no place to be
 * interrupted at.
 */
#ifndef ARCH_INLINE_H
#define ARCH_INLINE_H

/* All calls return here, in an instrumented function. */
#define ARCH_RETURN

extern struct co *sim_current;

/* Not volatile: whoever asks is that coroutine, before and after every switch. */
static inline struct co *arch_current(void)
{
	struct co *co;

	__asm__("movq sim_current, %0" : "=r"(co));
	return co;
}

/* The FS base: the word at it is its own address. */
enum { ARCH_LOCALS_ABOVE = 0 };
void sim_set_thread_pointer(uintptr_t pointer);
static inline void arch_set_thread_pointer(uintptr_t pointer)
{
	sim_set_thread_pointer(pointer);
}

void sim_interrupts_off(void);
void sim_interrupts_on(void);
void sim_halt(void);
void sim_relax(void);
uint64_t sim_clock(void);

static inline void arch_interrupts_off(void)
{
	sim_interrupts_off();
}

static inline void arch_interrupts_on(void)
{
	sim_interrupts_on();
}

static inline void arch_halt(void)
{
	sim_halt();
}

static inline void arch_relax(void)
{
	sim_relax();
}

static inline bool arch_swap_here(uintptr_t *word, uintptr_t old, uintptr_t new)
{
	bool done;

	__asm__ volatile("cmpxchgq %3, %1"
			 : "=@ccz"(done), "+m"(*word), "+a"(old)
			 : "r"(new)
			 : "memory");
	return done;
}

static inline uint64_t arch_clock(void)
{
	return sim_clock();
}

#define ARCH_STAMP() arch_clock()

#define ARCH_WINDOW_BASE UINT64_C(0x200000000000)
#define ARCH_WINDOW_END  UINT64_C(0x201000000000)

#endif

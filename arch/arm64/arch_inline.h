/*
 * The inline part of the ARM64 port: see arch/arch.h for the rules. Coroutines and the kernel run
 * at EL1 on SP_EL0; TPIDR_EL1 holds the current coroutine.
 */
#ifndef ARM64_ARCH_INLINE_H
#define ARM64_ARCH_INLINE_H

/* Ticks of the system counter to nanoseconds: (ticks * mult) >> 32. Constant after boot. */
extern uint64_t arm64_clock_mult;

#define ARCH_RETURN

/* volatile: a switch or a bind in between must not be optimised over. */
static inline struct co *arch_current(void)
{
	struct co *co;

	__asm__ volatile("mrs %0, tpidr_el1" : "=r"(co));
	return co;
}

/* AAPCS64 5.6: two words at the thread pointer are not the program's. */
enum { ARCH_LOCALS_ABOVE = 16 };
static inline void arch_set_thread_pointer(uintptr_t pointer)
{
	__asm__ volatile("msr tpidr_el0, %0" : : "r"(pointer) : "memory");
}

/* Only PSTATE.I: FIQs stay masked for good, SErrors open. */
static inline void arch_interrupts_off(void)
{
	__asm__ volatile("msr daifset, #2" : : : "memory");
}

static inline void arch_interrupts_on(void)
{
	__asm__ volatile("msr daifclr, #2" : : : "memory");
}

/* WFI ends for an interrupt that is masked as well, so none is missed; the ISB makes it be taken
 * before this returns. */
static inline void arch_halt(void)
{
	__asm__ volatile("dsb sy\n\t"
			 "wfi\n\t"
			 "msr daifclr, #2\n\t"
			 "isb"
			 :
			 :
			 : "memory");
}

static inline void arch_relax(void)
{
	__asm__ volatile("yield" : : : "memory");
}

static inline bool arch_swap_here(uintptr_t *word, uintptr_t old, uintptr_t new)
{
	return __atomic_compare_exchange_n(word, &old, new, false, __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED);
}

/* The ISB keeps the counter from being read ahead of what was before in the program. */
static inline uint64_t arch_clock(void)
{
	uint64_t ticks;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
	return (uint64_t)(((unsigned __int128)ticks * arm64_clock_mult) >> 32);
}

#define ARCH_STAMP() arch_clock()

#define ARCH_WINDOW_BASE UINT64_C(0x0000100000000000)
#define ARCH_WINDOW_END  UINT64_C(0x0000700000000000)

#endif

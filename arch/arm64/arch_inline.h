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

static inline void arch_set_current(struct co *co)
{
	__asm__ volatile("msr tpidr_el1, %0" : : "r"(co) : "memory");
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

static inline bool arch_random(uint64_t *word)
{
	enum { RNDR_SHIFT = 60, TRIES = 10 }; /* Arm ARM, ID_AA64ISAR0_EL1 and RNDR */
	uint64_t features;
	bool good = false;

	__asm__("mrs %0, id_aa64isar0_el1" : "=r"(features));
	for (int i = 0; features >> RNDR_SHIFT && !good && i < TRIES; i++)
		__asm__ volatile("mrs %0, s3_3_c2_c4_0" : "=r"(*word), "=@ccne"(good)); /* RNDR */
	return good;
}

static inline uintptr_t arch_window_base(void)
{
	return 0x0000100000000000;
}

static inline uintptr_t arch_window_end(void)
{
	return 0x0000700000000000;
}

/*
 * Device registers: one plain load or store each (a hypervisor cannot emulate others). What was
 * read from a device is known before later accesses to memory; what was written to memory before
 * is there when a device is told.
 */
static inline uint8_t arch_io_read8(uintptr_t reg)
{
	uint32_t value;

	__asm__ volatile("ldrb %w0, [%1]\n\tdmb oshld" : "=r"(value) : "r"(reg) : "memory");
	return (uint8_t)value;
}

static inline void arch_io_write8(uintptr_t reg, uint8_t value)
{
	__asm__ volatile("dmb oshst\n\tstrb %w0, [%1]" : : "r"(value), "r"(reg) : "memory");
}

static inline uint16_t arch_io_read16(uintptr_t reg)
{
	uint32_t value;

	__asm__ volatile("ldrh %w0, [%1]\n\tdmb oshld" : "=r"(value) : "r"(reg) : "memory");
	return (uint16_t)value;
}

static inline void arch_io_write16(uintptr_t reg, uint16_t value)
{
	__asm__ volatile("dmb oshst\n\tstrh %w0, [%1]" : : "r"(value), "r"(reg) : "memory");
}

static inline uint32_t arch_io_read32(uintptr_t reg)
{
	uint32_t value;

	__asm__ volatile("ldr %w0, [%1]\n\tdmb oshld" : "=r"(value) : "r"(reg) : "memory");
	return value;
}

static inline void arch_io_write32(uintptr_t reg, uint32_t value)
{
	__asm__ volatile("dmb oshst\n\tstr %w0, [%1]" : : "r"(value), "r"(reg) : "memory");
}

#endif

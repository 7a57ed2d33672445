/*
 * The inline part of the contract, for x86-64. Only arch/arch.h includes this.
 *
 * The GS base of every processor points to its struct core, whose first word is the current
 * coroutine; before arch_bind_core it points to a stand-in whose current coroutine is NULL.
 * Sections named in comments of this port are those of Intel's Software Developer's Manual (SDM),
 * volume 3A, unless they say otherwise.
 */
#ifndef ARCH_INLINE_H
#define ARCH_INLINE_H

/* The last instruction of a function that others have run in meanwhile: a jump, since no processor
 * predicts the return. */
#ifdef __clang__
#define ARCH_RETURN
#else
#define ARCH_RETURN __attribute__((function_return("thunk-extern")))
#endif

/* Not volatile: whoever asks is that coroutine, before and after every switch. */
static inline struct co *arch_current(void)
{
	struct co *co;

	__asm__("movq %%gs:0, %0" : "=r"(co));
	return co;
}

/* The FS base: the word at it is its own address. */
enum { ARCH_LOCALS_ABOVE = 0 };
static inline void arch_set_thread_pointer(uintptr_t pointer)
{
	enum { FS_BASE = 0xc0000100 }; /* SDM 4, IA32_FS_BASE */

	__asm__ volatile("wrmsr"
			 :
			 : "c"(FS_BASE), "a"((uint32_t)pointer), "d"((uint32_t)(pointer >> 32))
			 : "memory");
}

static inline void arch_interrupts_off(void)
{
	__asm__ volatile("cli" : : : "memory");
}

static inline void arch_interrupts_on(void)
{
	__asm__ volatile("sti" : : : "memory");
}

/* STI takes effect after the instruction that follows it, so no interrupt gets in between. */
static inline void arch_halt(void)
{
	__asm__ volatile("sti; hlt" : : : "memory");
}

static inline void arch_relax(void)
{
	__asm__ volatile("pause" : : : "memory");
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

/* Nanoseconds a cycle of the time stamp counter, in 1/2^32; set before kernel_start. */
extern uint64_t x86_clock_mult;

static inline uint64_t x86_clock(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)(((unsigned __int128)(((uint64_t)high << 32) | low) * x86_clock_mult) >>
			  32);
}

/* LFENCE keeps the counter from being read before a load that told about another core's time. */
static inline uint64_t arch_clock(void)
{
	__asm__ volatile("lfence" : : : "memory");
	return x86_clock();
}

#define ARCH_STAMP() x86_clock()

#define ARCH_WINDOW_BASE UINT64_C(0x0000100000000000)
#define ARCH_WINDOW_END  UINT64_C(0x0000700000000000)

#endif

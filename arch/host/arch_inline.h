/*
 * The inline part of the contract, for a process of x86-64 Linux. Only arch/arch.h includes this.
 *
 * A core is a thread, and its GS base points to its struct core, whose first word is the current
 * coroutine; the C library keeps to FS. Interrupts are two signals: masking them is a system call,
 * which is why the contract has it done by boot, idle and resume only.
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

/* FS is the C library's: programs are compiled to find the thread pointer in struct core (assemble). */
enum { ARCH_LOCALS_ABOVE = 0 };
static inline void arch_set_thread_pointer(uintptr_t pointer)
{
	__asm__ volatile("movq %0, %%gs:host_thread_pointer" : : "r"(pointer) : "memory");
}

void host_interrupts_off(void);
void host_interrupts_on(void);
void host_halt(void);
uint64_t host_slow_clock(void);

/* Of the time stamp counter, where it counts time: nanoseconds a cycle in 1/2^32, or 0, and when
 * the process began. */
extern uint64_t host_tsc_mult, host_tsc_origin;

static inline void arch_interrupts_off(void)
{
	host_interrupts_off();
}

static inline void arch_interrupts_on(void)
{
	host_interrupts_on();
}

static inline void arch_halt(void)
{
	host_halt();
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

/* The counter, not the C library: most programs that compute for long look at the clock, and could
 * not be preempted there. */
static inline uint64_t host_clock(void)
{
	uint32_t low, high;

	if (!host_tsc_mult)
		return host_slow_clock();
	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)(((unsigned __int128)((((uint64_t)high << 32) | low) - host_tsc_origin) *
			   host_tsc_mult) >>
			  32);
}

/* LFENCE keeps it from being read before a load that told about another core's time. */
static inline uint64_t arch_clock(void)
{
	__asm__ volatile("lfence" : : : "memory");
	return host_clock();
}

#define ARCH_STAMP() host_clock()

/* Far from where Linux puts programs and libraries, and where the sanitizers let memory be: for
 * ThreadSanitizer 1.2 TB, else 8. */
#ifdef HOST_TSAN
#define ARCH_WINDOW_BASE UINT64_C(0x554000000000)
#define ARCH_WINDOW_END  UINT64_C(0x567000000000)
#else
#define ARCH_WINDOW_BASE UINT64_C(0x200000000000)
#define ARCH_WINDOW_END  UINT64_C(0x280000000000)
#endif

#endif

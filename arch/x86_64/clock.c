/*
 * The clock is the time stamp counter, scaled; QEMU and processors start it at 0 when power comes.
 * The timer is the local APIC's, one shot, against the same counter where the processor can
 * (TSC-deadline mode), else counted in its own ticks. It goes off at what the kernel wants, or when the next
 * sample is to be taken.
 *
 * How fast they are is measured once, on the boot core, against the best reference there is:
 *
 *	what CPUID tells (SDM leaf 15h, or the hypervisors' leaf 40000010h)   the TSC itself
 *	the ACPI power-management timer                                       3.579545 MHz
 *	a hypervisor's local APIC timer: QEMU's and KVM's                     1 GHz
 */
#include "x86.h"

enum { PM_TIMER_HZ = 3579545 };
#define VIRTUAL_LAPIC_HZ UINT64_C(1000000000)
#define NSEC             UINT64_C(1000000000)
#define NEVER            UINT64_MAX

enum {
	CPUID_1_ECX_TSC_DEADLINE = 1 << 24,
	CPUID_1_ECX_HYPERVISOR = 1u << 31,
	DIVIDE_BY_1 = 0xb,
};
enum { MEASURE_PER_SECOND = 100 }; /* for 10 ms */
enum { SAMPLE_TRIES = 16 };

/* Longer is not programmed: the interrupt then comes early, and arms the rest. */
#define LONGEST_DELAY (3600 * NSEC)

uint64_t x86_clock_mult;
static uint64_t tsc_mult;   /* cycles a nanosecond, in 1/2^32 */
static uint64_t lapic_mult; /* the same for the timer's ticks */
static bool tsc_deadline;
uint64_t sample_period;

static uint64_t scale(uint64_t value, uint64_t mult)
{
	return (uint64_t)(((unsigned __int128)value * mult) >> 32);
}

/* ---- Measuring ---- */

struct sample {
	uint64_t tsc;
	uint32_t pm, lapic;
};

/* All three at the same time, as nearly as possible: the best of some tries, because the host may
 * stop us between two of them. */
static struct sample sample(void)
{
	struct sample best = {0};
	uint64_t best_width = UINT64_MAX;

	for (int i = 0; i < SAMPLE_TRIES; i++) {
		uint64_t before = rdtsc();
		uint32_t pm = acpi.pm_timer ? arch_io_read32(acpi.pm_timer) : 0;
		uint32_t lapic = lapic_read(LAPIC_CURRENT_COUNT);
		uint64_t width = rdtsc() - before;

		if (width < best_width) {
			best_width = width;
			best = (struct sample){before + width / 2, pm, lapic};
		}
	}
	return best;
}

static uint32_t pm_elapsed(const struct sample *from, const struct sample *to)
{
	return (to->pm - from->pm) & (acpi.pm_timer_32 ? 0xffffffff : 0xffffff);
}

/* Cycles a second as CPUID tells; 0: it does not. */
static uint64_t tsc_hz_told(bool hypervisor)
{
	if (hypervisor) {
		if (cpuid(0x40000000, 0).eax < 0x40000010)
			return 0;
		return cpuid(0x40000010, 0).eax * UINT64_C(1000);
	}
	if (cpuid(0, 0).eax < 0x15)
		return 0;
	struct cpuid c = cpuid(0x15, 0); /* ecx Hz, times ebx / eax */

	return c.eax && c.ebx ? (uint64_t)c.ecx * c.ebx / c.eax : 0;
}

static void measure(uint64_t tsc_hz)
{
	struct sample from, to;
	uint64_t hz, elapsed; /* of the reference */

	lapic_write(LAPIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
	lapic_write(LAPIC_DIVIDE, DIVIDE_BY_1);
	lapic_write(LAPIC_INITIAL_COUNT, UINT32_MAX);
	sample(); /* the first time is slow */
	from = sample();
	do {
		to = sample();
		if (tsc_hz) {
			hz = tsc_hz;
			elapsed = to.tsc - from.tsc;
		} else if (acpi.pm_timer) {
			hz = PM_TIMER_HZ;
			elapsed = pm_elapsed(&from, &to);
		} else {
			hz = VIRTUAL_LAPIC_HZ;
			elapsed = from.lapic - to.lapic;
		}
	} while (elapsed < hz / MEASURE_PER_SECOND);
	lapic_write(LAPIC_INITIAL_COUNT, 0);

	uint64_t cycles = to.tsc - from.tsc, ticks = from.lapic - to.lapic;

	if (!tsc_hz)
		tsc_hz = cycles * hz / elapsed;
	x86_clock_mult = (NSEC << 32) / tsc_hz;
	tsc_mult = (uint64_t)((((unsigned __int128)tsc_hz << 32) - 1) / NSEC) + 1;
	lapic_mult = (ticks * hz / elapsed << 32) / NSEC;
}

void clock_init(void)
{
	uint32_t ecx = cpuid(1, 0).ecx;

	tsc_deadline = ecx & CPUID_1_ECX_TSC_DEADLINE;
	measure(tsc_hz_told(ecx & CPUID_1_ECX_HYPERVISOR));
	timer_enable();
}

/* ---- The timer ---- */

void timer_enable(void)
{
	lapic_write(LAPIC_DIVIDE, DIVIDE_BY_1);
	lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER | (tsc_deadline ? LVT_TSC_DEADLINE : 0));
	/* 10.5.4.1: the mode must be in force before the first deadline is written. */
	__asm__ volatile("mfence" : : : "memory");
}

static void disarm(void)
{
	if (tsc_deadline)
		wrmsr(MSR_TSC_DEADLINE, 0);
	else
		lapic_write(LAPIC_INITIAL_COUNT, 0);
}

static inline __attribute__((always_inline)) void arm(uint64_t delay)
{
	if (delay > LONGEST_DELAY)
		delay = LONGEST_DELAY;
	if (tsc_deadline) {
		wrmsr(MSR_TSC_DEADLINE, rdtsc() + scale(delay, tsc_mult) + 1);
		return;
	}
	uint64_t ticks = scale(delay, lapic_mult) + 1;

	lapic_write(LAPIC_INITIAL_COUNT, ticks < UINT32_MAX ? (uint32_t)ticks : UINT32_MAX);
}

/* For the next sample, before which the kernel wants nothing; NEVER: for nothing. */
static __attribute__((noinline)) void arm_sample(uint64_t at, uint64_t now)
{
	if (at == NEVER)
		disarm();
	else
		arm(at > now ? at - now : 0);
}

/* The deadline is stored first: an interrupt in between then acts on the new one. */
void arch_timer_arm(uint64_t deadline)
{
	uint64_t now = arch_clock();
	struct x86_core *x = x86_core_here();

	x->deadline = deadline;
	__asm__ volatile("" : : : "memory");
	if (deadline >= x->samples.next)
		arm_sample(x->samples.next, now);
	else
		arm(deadline > now ? deadline - now : 0);
}

static __attribute__((noinline)) void sample_interrupt(struct x86_core *x)
{
	/* Interrupts push what they interrupt at the top of their stack. */
	const struct arch_regs *regs = (const struct arch_regs *)x86_stack_top(x, STACK_INTERRUPT) -
				       1;

	if (arch_clock() >= x->samples.next)
		sampler_tick(&x->samples, regs);
	if (arch_clock() >= x->deadline) {
		x->deadline = NEVER;
		irq_timer();
	}
	arch_timer_arm(x->deadline);
}

void timer_interrupt(void)
{
	struct x86_core *x = x86_core_here();

	if (x->samples.next != NEVER) {
		sample_interrupt(x);
		return;
	}
	if (arch_clock() <
	    x->deadline) { /* it was disarmed, or armed anew, while it was on its way */
		arch_timer_arm(x->deadline);
		return;
	}
	x->deadline = NEVER;
	irq_timer();
}

void timer_start_samples(struct x86_core *x)
{
	if (!sample_period)
		return;
	sampler_start(&x->samples);
	arch_timer_arm(x->deadline);
}

void timer_sample_every(uint64_t ns)
{
	struct x86_core *x = x86_core_here();

	if (ns) {
		sample_period = ns;
		timer_start_samples(x);
	} else {
		x->samples.next = NEVER;
		arch_timer_arm(x->deadline);
	}
}

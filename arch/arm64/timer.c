/*
 * The generic timer (DDI 0487, D11): the system counter is the clock, and the virtual timer of
 * each core, one shot, its alarm. The physical timer is for samples.
 */
#include "arch/arm64/arm64.h"

#include <vole/types.h>

/* CNTV_CTL_EL0, and CNTP_CTL_EL0. */
enum { CNTV_CTL_ENABLE = 1 << 0, CNTV_CTL_IMASK = 1 << 1, CNTV_CTL_ISTATUS = 1 << 2 };

uint64_t arm64_clock_mult;
uint64_t sample_period;

/* The inverse of arm64_clock_mult: (ns * ticks_mult) >> 32, rounded down. */
static uint64_t ticks_mult;

static unsigned __int128 scale(uint64_t value, uint64_t mult)
{
	return ((unsigned __int128)value * mult) >> 32;
}

void clock_init(void)
{
	uint64_t frequency = platform.timer_frequency;

	if (frequency == 0)
		frequency = READ_SYSREG(cntfrq_el0);
	if (frequency == 0 || frequency > UINT32_MAX)
		boot_fail("the timer's frequency is unknown");
	arm64_clock_mult = (NSEC_PER_SEC << 32) / frequency;
	ticks_mult = (frequency << 32) / NSEC_PER_SEC;
}

/* The first tick at which the clock says ns or more; the last one there is where that never comes. */
static uint64_t ticks_of(uint64_t ns)
{
	unsigned __int128 ticks = scale(ns, ticks_mult), have;

	/* Rounding in both factors makes it fall short by little. Neither may wrap: the last
	 * nanosecond may lie beyond the last tick, and the last tick beyond the last nanosecond. */
	while (ticks < UINT64_MAX && (have = scale((uint64_t)ticks, arm64_clock_mult)) < ns)
		ticks += scale(ns - (uint64_t)have, ticks_mult) + 1;
	return ticks < UINT64_MAX ? (uint64_t)ticks : UINT64_MAX;
}

static void arm_sample(uint64_t at)
{
	WRITE_SYSREG(cntp_cval_el0, ticks_of(at));
	WRITE_SYSREG(cntp_ctl_el0, CNTV_CTL_ENABLE);
	isb();
}

/* On every core, where samples are taken. */
static void start_samples(void)
{
	struct sampler *samples = &arm64_core_here()->samples;

	if (!sample_period)
		return;
	sampler_start(samples);
	arm_sample(samples->next);
	gic_first(platform.sample_irq);
	arch_irq_enable(platform.sample_irq, true);
}

void timer_sample_every(uint64_t ns)
{
	if (ns) {
		sample_period = ns;
		start_samples();
	} else {
		arch_irq_enable(platform.sample_irq, false);
		WRITE_SYSREG(cntp_ctl_el0, CNTV_CTL_ENABLE | CNTV_CTL_IMASK);
		isb();
	}
}

void timer_sample_interrupt(void)
{
	const struct arm64_core *core = arm64_core_here();
	struct sampler *samples = &arm64_core_here()->samples;

	/* A trap pushes what it interrupted at the top of the interrupt stack. */
	sampler_tick(samples, (const struct arch_regs *)(core->irq_stack_top - TRAP_SIZE));
	arm_sample(samples->next);
}

void timer_init_core(void)
{
	WRITE_SYSREG(cntv_ctl_el0, CNTV_CTL_ENABLE | CNTV_CTL_IMASK);
	isb();
	arch_irq_enable(platform.timer_irq, true);
	start_samples();
}

void arch_timer_arm(uint64_t deadline)
{
	if (deadline == TIME_NEVER) {
		WRITE_SYSREG(cntv_ctl_el0, CNTV_CTL_ENABLE | CNTV_CTL_IMASK);
	} else {
		WRITE_SYSREG(cntv_cval_el0, ticks_of(deadline));
		WRITE_SYSREG(cntv_ctl_el0, CNTV_CTL_ENABLE);
	}
	isb();
}

/* The interrupt stays as long as the condition does, so that is masked first. It may have been
 * for a deadline that was replaced since: then it is not due. */
void timer_interrupt(void)
{
	bool due = READ_SYSREG(cntv_ctl_el0) & CNTV_CTL_ISTATUS;

	if (!due)
		return;
	WRITE_SYSREG(cntv_ctl_el0, CNTV_CTL_ENABLE | CNTV_CTL_IMASK);
	isb();
	irq_timer();
}

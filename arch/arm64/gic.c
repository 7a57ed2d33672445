/*
 * Interrupts, whatever the version of the interrupt controller: GICv2 (IHI 0048) or GICv3
 * (IHI 0069). All are non-secure group 1 (or what a GICv2 without groups has), of one priority, so
 * handlers do not nest; they run on the interrupt stack with interrupts masked.
 *
 * depth: pointer gic.c gic->send(core : gicv2.c:send gicv3.c:send
 */
#include <errno.h>

#include "kernel/core.h"

#include "arch/arm64/arm64.h"

void *trap_irq(void);

static const struct gic *gic;
static unsigned gic_lines; /* INTIDs below it exist */

struct arm64_core *arm64_core_here(void)
{
	return core_here()->arch;
}

void gic_reset_32(uintptr_t base, unsigned first)
{
	arch_io_write32(base + GICD_ICENABLER + first / 8, UINT32_MAX);
	arch_io_write32(base + GICD_ICPENDR + first / 8, UINT32_MAX);
	arch_io_write32(base + GICD_ICACTIVER + first / 8, UINT32_MAX);
	for (unsigned i = 0; i < 32; i += 4)
		arch_io_write32(base + GICD_IPRIORITYR + first + i, GIC_PRIORITY * 0x01010101u);
}

void gic_init(void)
{
	uintptr_t gicd = platform.gicd.base;

	gic = platform.gic_version == 3 ? &gicv3 : &gicv2;
	gic_lines = 32 * ((arch_io_read32(gicd + GICD_TYPER) & 0x1f) + 1); /* ITLinesNumber */
	if (gic_lines > GIC_SPECIAL)
		gic_lines = GIC_SPECIAL;
	arch_io_write32(gicd + GICD_CTLR, 0);
	for (unsigned first = GIC_FIRST_SPI; first < gic_lines; first += 32)
		gic_reset_32(gicd, first);
	gic->init();
}

void gic_init_core(struct core *core)
{
	gic->init_core(core->arch);
	arch_irq_enable(SGI_RESCHEDULE, true);
	arch_irq_enable(SGI_STOP, true);
}

/* The register of irq among those of which there is one bit an interrupt. */
static uintptr_t bit_register(unsigned irq, unsigned offset)
{
	uintptr_t base = irq < GIC_FIRST_SPI ? gic->private_base() : platform.gicd.base;

	return base + offset + irq / 32 * 4;
}

void gic_first(unsigned irq)
{
	arch_io_write8(gic->private_base() + GICD_IPRIORITYR + irq, GIC_PRIORITY_FIRST);
}

int arch_irq_enable(unsigned irq, bool on)
{
	if (irq >= gic_lines)
		return -EINVAL;
	if (on && irq >= GIC_FIRST_SPI)
		gic->route_here(irq);
	arch_io_write32(bit_register(irq, on ? GICD_ISENABLER : GICD_ICENABLER), 1u << irq % 32);
	return 0;
}

/* Messages would take a GICv2m or an ITS, which few machines need. */
int arch_irq_make_message(uint64_t *address, uint32_t *data)
{
	(void)address;
	(void)data;
	return -ENOTSUP;
}

/* DSB: what the interrupt is about must be visible before it. */
void arch_send_reschedule(struct core *core)
{
	__asm__ volatile("dsb ishst" : : : "memory");
	gic->send(core, SGI_RESCHEDULE);
}

void arch_stop_others(void)
{
	__asm__ volatile("dsb ishst" : : : "memory");
	if (gic)
		gic->send_others(SGI_STOP);
}

static _Noreturn void stop(void)
{
	for (;;)
		__asm__ volatile("msr daifset, #0xf\n\twfi" : : : "memory");
}

/* From trap.S. One interrupt at a time; what else is pending comes after the return. The frame to
 * save the interrupted coroutine in, or NULL to go back to it. */
void *trap_irq(void)
{
	uint32_t acknowledged = gic->acknowledge();
	unsigned irq = acknowledged & 0xffffff;

	/* A GICv2 puts the sender of an SGI above its ten bits of INTID. */
	if (platform.gic_version == 2)
		irq &= 0x3ff;
	if (irq >= GIC_SPECIAL)
		return irq_exit(); /* it went away by itself */
	if (irq == SGI_STOP) {
		gic->end(acknowledged);
		stop();
	}
	if (irq == SGI_RESCHEDULE)
		irq_reschedule();
	else if (irq == platform.timer_irq)
		timer_interrupt();
	else if (irq == platform.sample_irq)
		timer_sample_interrupt();
	else
		irq_device(irq);
	gic->end(acknowledged);
	return irq_exit();
}

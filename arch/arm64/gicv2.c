/*
 * GICv2 (IHI 0048): up to 8 cores; the CPU interface is in memory, banked by core.
 */
#include "kernel/core.h"

#include "arch/arm64/arm64.h"

/* Distributor, 4.3. */
enum {
	GICD_ITARGETSR = 0x800,
	GICD_SGIR = 0xf00,
	GICD_CTLR_ENABLE = 1 << 0,
	GICD_SGIR_TARGETS_SHIFT = 16,
	GICD_SGIR_ALL_OTHERS = 1 << 24, /* TargetListFilter */
};

/* CPU interface, 4.4. */
enum {
	GICC_CTLR = 0x000,
	GICC_PMR = 0x004,
	GICC_BPR = 0x008,
	GICC_IAR = 0x00c,
	GICC_EOIR = 0x010,
	GICC_CTLR_ENABLE = 1 << 0,
	GICC_CTLR_EOIMODE = 1 << 9,
};

static void init(void)
{
	arch_io_write32(platform.gicd.base + GICD_CTLR, GICD_CTLR_ENABLE);
}

static void init_core(struct arm64_core *core)
{
	uintptr_t gicc = platform.gicc.base;

	gic_reset_32(platform.gicd.base, 0);
	/* The targets of private interrupts read as the core that reads them (4.3.12). */
	core->gicc_mask = arch_io_read32(platform.gicd.base + GICD_ITARGETSR) & 0xff;
	if (core->gicc_mask == 0)
		core->gicc_mask = 1; /* a GIC of one core */
	arch_io_write32(gicc + GICC_PMR, GIC_PRIORITY_MASK);
	arch_io_write32(gicc + GICC_BPR, 0);
	arch_io_write32(gicc + GICC_CTLR, GICC_CTLR_ENABLE);
}

static uintptr_t private_base(void)
{
	return platform.gicd.base;
}

static uint32_t acknowledge(void)
{
	return arch_io_read32(platform.gicc.base + GICC_IAR);
}

static void end(uint32_t acknowledged)
{
	arch_io_write32(platform.gicc.base + GICC_EOIR, acknowledged);
}

static void send(const struct core *core, unsigned sgi)
{
	const struct arm64_core *to = core->arch;

	arch_io_write32(platform.gicd.base + GICD_SGIR,
			to->gicc_mask << GICD_SGIR_TARGETS_SHIFT | sgi);
}

static void send_others(unsigned sgi)
{
	arch_io_write32(platform.gicd.base + GICD_SGIR, GICD_SGIR_ALL_OTHERS | sgi);
}

static void route_here(unsigned spi)
{
	arch_io_write8(platform.gicd.base + GICD_ITARGETSR + spi,
		       (uint8_t)arm64_core_here()->gicc_mask);
}

const struct gic gicv2 = {init, init_core, private_base, acknowledge,
			  end,  send,      send_others,  route_here};

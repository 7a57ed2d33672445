/*
 * GICv3 (IHI 0069): the CPU interface is in system registers, private interrupts are in a
 * redistributor a core, and cores are named by affinity.
 */
#include "kernel/core.h"

#include "arch/arm64/arm64.h"

/* Distributor, 12.9: as seen by non-secure software, and where there is no security. */
enum {
	GICD_IROUTER = 0x6000,
	GICD_CTLR_ENABLE_GRP1 = 1 << 1, /* EnableGrp1A, EnableGrp1 */
	GICD_CTLR_ARE = 1 << 4,
};
#define GICD_CTLR_RWP (1u << 31)

/* Redistributor, 12.11. */
enum {
	GICR_TYPER = 0x008,
	GICR_TYPER_VLPIS = 1 << 1,
	GICR_TYPER_LAST = 1 << 4,
	GICR_WAKER = 0x014,
	GICR_WAKER_PROCESSOR_SLEEP = 1 << 1,
	GICR_WAKER_CHILDREN_ASLEEP = 1 << 2,
	GICR_SGI_BASE = 0x10000,
	GICR_SIZE = 0x20000,
	GICR_SIZE_VLPIS = 0x40000, /* GICv4 */
};

/* CPU interface, 12.2, by encoding, which every assembler knows. */
#define ICC_PMR_EL1     S3_0_C4_C6_0
#define ICC_SGI1R_EL1   S3_0_C12_C11_5
#define ICC_IAR1_EL1    S3_0_C12_C12_0
#define ICC_EOIR1_EL1   S3_0_C12_C12_1
#define ICC_BPR1_EL1    S3_0_C12_C12_3
#define ICC_CTLR_EL1    S3_0_C12_C12_4
#define ICC_SRE_EL1     S3_0_C12_C12_5
#define ICC_IGRPEN1_EL1 S3_0_C12_C12_7
enum { ICC_SRE_SRE = 1 };

/* ICC_SGI1R_EL1: INTID, Aff3.Aff2.Aff1, the range of 16 in Aff0 and a bit for each in it. */
enum {
	SGI1R_AFF1_SHIFT = 16,
	SGI1R_INTID_SHIFT = 24,
	SGI1R_AFF2_SHIFT = 32,
	SGI1R_IRM_SHIFT = 40, /* all but self */
	SGI1R_RS_SHIFT = 44,
	SGI1R_AFF3_SHIFT = 48,
};

static void wait_for_writes(void)
{
	while (arch_io_read32(platform.gicd.base + GICD_CTLR) & GICD_CTLR_RWP)
		arch_relax();
}

static void init(void)
{
	uintptr_t gicd = platform.gicd.base;
	unsigned lines = 32 * ((arch_io_read32(gicd + GICD_TYPER) & 0x1f) + 1);

	wait_for_writes();
	for (unsigned first = GIC_FIRST_SPI; first < lines; first += 32)
		arch_io_write32(gicd + GICD_IGROUPR + first / 8, UINT32_MAX);
	arch_io_write32(gicd + GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_ENABLE_GRP1);
	wait_for_writes();
}

/* Affinity in the form of GICR_TYPER and GICD_IROUTER's halves: Aff3.2.1.0 in 32 bits. */
static uint32_t affinity_here(void)
{
	uint64_t mpidr = READ_SYSREG(mpidr_el1);

	return (uint32_t)((mpidr >> 8 & 0xff000000) | (mpidr & 0xffffff));
}

static uintptr_t find_redistributor(uint32_t affinity)
{
	for (int i = 0; i < platform.ngicr; i++) {
		uintptr_t gicr = platform.gicr[i].base, end = gicr + platform.gicr[i].size;

		while (gicr < end) {
			uint32_t type = arch_io_read32(gicr + GICR_TYPER);

			if (arch_io_read32(gicr + GICR_TYPER + 4) == affinity)
				return gicr;
			if (type & GICR_TYPER_LAST)
				break;
			gicr += type & GICR_TYPER_VLPIS ? GICR_SIZE_VLPIS : GICR_SIZE;
		}
	}
	return 0;
}

static void init_core(struct arm64_core *core)
{
	uintptr_t gicr = find_redistributor(affinity_here());

	if (!gicr)
		boot_fail("a core has no GICv3 redistributor");
	core->gicr = gicr;
	arch_io_write32(gicr + GICR_WAKER,
			arch_io_read32(gicr + GICR_WAKER) & ~(uint32_t)GICR_WAKER_PROCESSOR_SLEEP);
	while (arch_io_read32(gicr + GICR_WAKER) & GICR_WAKER_CHILDREN_ASLEEP)
		arch_relax();
	gic_reset_32(gicr + GICR_SGI_BASE, 0);
	arch_io_write32(gicr + GICR_SGI_BASE + GICD_IGROUPR, UINT32_MAX);

	WRITE_SYSREG(ICC_SRE_EL1, READ_SYSREG(ICC_SRE_EL1) | ICC_SRE_SRE);
	isb();
	WRITE_SYSREG(ICC_PMR_EL1, GIC_PRIORITY_MASK);
	WRITE_SYSREG(ICC_BPR1_EL1, 0);
	WRITE_SYSREG(ICC_CTLR_EL1, 0); /* EOImode 0: the end deactivates as well */
	WRITE_SYSREG(ICC_IGRPEN1_EL1, 1);
	isb();
}

static uintptr_t private_base(void)
{
	return arm64_core_here()->gicr + GICR_SGI_BASE;
}

/* DSB: the acknowledge before whatever the handler accesses (IHI 0069, 4.2). */
static uint32_t acknowledge(void)
{
	uint32_t acknowledged = (uint32_t)READ_SYSREG(ICC_IAR1_EL1);

	__asm__ volatile("dsb sy" : : : "memory");
	return acknowledged;
}

static void end(uint32_t acknowledged)
{
	WRITE_SYSREG(ICC_EOIR1_EL1, acknowledged);
	isb();
}

static void send(const struct core *core, unsigned sgi)
{
	uint64_t id = core->hw_id;

	WRITE_SYSREG(ICC_SGI1R_EL1,
		     (id >> 32 & 0xff) << SGI1R_AFF3_SHIFT | (id >> 16 & 0xff) << SGI1R_AFF2_SHIFT |
			     (id >> 8 & 0xff) << SGI1R_AFF1_SHIFT |
			     (id >> 4 & 0xf) << SGI1R_RS_SHIFT |
			     (uint64_t)sgi << SGI1R_INTID_SHIFT | UINT64_C(1) << (id & 0xf));
	isb();
}

static void send_others(unsigned sgi)
{
	WRITE_SYSREG(ICC_SGI1R_EL1,
		     UINT64_C(1) << SGI1R_IRM_SHIFT | (uint64_t)sgi << SGI1R_INTID_SHIFT);
	isb();
}

static void route_here(unsigned spi)
{
	uint64_t affinity = READ_SYSREG(mpidr_el1) & MPIDR_AFFINITY;
	uintptr_t reg = platform.gicd.base + GICD_IROUTER + 8 * (uintptr_t)spi;

	__asm__ volatile("str %0, [%1]" : : "r"(affinity), "r"(reg) : "memory");
}

const struct gic gicv3 = {init, init_core, private_base, acknowledge,
			  end,  send,      send_others,  route_here};

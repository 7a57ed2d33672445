/*
 * What the files of the ARM64 port share among themselves. Nobody outside includes this.
 */
#ifndef ARM64_H
#define ARM64_H

#include "arch/arm64/asm.h"
#include "arch/devices.h"

struct core;

struct arch_regs {
	uint64_t x[31];
	uint64_t sp, pc, pstate, esr, far;
};

_Static_assert(offsetof(struct arch_regs, sp) == REGS_SP, "asm.h");
_Static_assert(offsetof(struct arch_regs, pc) == REGS_PC, "asm.h");
_Static_assert(offsetof(struct arch_regs, pstate) == REGS_PSTATE, "asm.h");
_Static_assert(offsetof(struct arch_regs, esr) == REGS_ESR, "asm.h");
_Static_assert(offsetof(struct arch_regs, far) == REGS_FAR, "asm.h");
_Static_assert(sizeof(struct arch_regs) == REGS_SIZE, "asm.h");

#define READ_SYSREG(name) \
	({ \
		uint64_t value_; \
		__asm__ volatile("mrs %0, " #name : "=r"(value_) : : "memory"); \
		value_; \
	})
#define WRITE_SYSREG(name, value) \
	__asm__ volatile("msr " #name ", %0" : : "r"((uint64_t)(value)) : "memory")

static inline void isb(void)
{
	__asm__ volatile("isb" : : : "memory");
}

/* The affinity fields of MPIDR_EL1, as /cpus and PSCI name a processor. */
#define MPIDR_AFFINITY UINT64_C(0xff00ffffff)

/* ---- What fdt.c finds ------------------------------------------------------------------------- */

enum { MAX_GICR_REGIONS = 8 };

struct platform {
	uintptr_t dtb;
	size_t dtb_size;
	struct ram_range memory[MAX_RAM_RANGES]; /* everything to map, reserved parts too */
	int nmemory;

	int gic_version; /* 2 or 3; 0: none found */
	struct ram_range gicd, gicc;
	struct ram_range gicr[MAX_GICR_REGIONS];
	int ngicr;

	unsigned timer_irq;       /* the virtual timer's INTID */
	unsigned sample_irq;      /* the physical timer's */
	uint64_t timer_frequency; /* 0: CNTFRQ_EL0 tells */
};
extern struct platform platform;

/* Fills platform and machine from the device tree at dtb. NULL, or what is wrong. */
const char *fdt_read(uintptr_t dtb);

/* Takes [base, end) out of the list; the pieces that are left are whole pages. */
void ranges_remove(struct ram_range *list, int *n, uint64_t base, uint64_t end);

/* ---- start.c ----------------------------------------------------------------------------------- */

/* Boot cannot go on: prints why, and ends. */
_Noreturn void boot_fail(const char *why);

/* A page from the free memory while booting; not zeroed. */
void *boot_take_page(void);

/* ---- mmu.c ------------------------------------------------------------------------------------- */

/* The tables that boot.S starts with: gigabyte blocks. mmu_early_map adds the one of addr. */
void mmu_early_map(uintptr_t addr);

/* Builds the final tables and changes over to them. */
void mmu_init(void);

/* boot.S: turns the MMU off, and on again with other tables and another SCTLR_EL1. */
void mmu_change(uintptr_t ttbr0, uint64_t sctlr);

/* ---- trap.c, trap.S ----------------------------------------------------------------------------- */

/* Makes top the interrupt stack of this core. At SPSel = 0 only. */
void set_irq_stack(uintptr_t top);

/* Interrupt stacks are mapped below the window, one slot a core. */
#define IRQ_STACKS UINT64_C(0x0000080000000000)

/* Maps an interrupt stack in the next slot: its top, or 0. */
uintptr_t irq_stack_make(void *(*take_page)(void));

/* ---- gic.c, gicv2.c, gicv3.c --------------------------------------------------------------------- */

/* Software generated interrupts. */
enum { SGI_RESCHEDULE = 0, SGI_STOP = 1 };

/* Interrupts by INTID: software generated, private to a core, shared. */
enum { GIC_FIRST_PPI = 16, GIC_FIRST_SPI = 32, GIC_SPECIAL = 1020 };

/* What the port knows of a core; core->arch. Also while it starts, and of one that never came. */
struct arm64_core {
	/* Set before the core starts; read in boot.S, at these offsets. */
	struct core *core;
	uintptr_t stack_top;
	uintptr_t irq_stack_top;

	/* Set by the core itself. */
	uintptr_t gicr;           /* GICv3: its redistributor */
	uint32_t gicc_mask;       /* GICv2: its bit in GICD_SGIR and GICD_ITARGETSR */
	_Atomic uint32_t arrival; /* enum core_arrival, see cores.c */
	struct sampler samples;
};
extern struct arm64_core arm64_cores[MAX_CORES]; /* [0] is the boot core */
struct arm64_core *arm64_core_here(void);

/*
 * A version of the GIC. What acknowledge returns goes to end; its low 24 bits are the INTID.
 * private_base is where this core's part of the registers for SGIs and PPIs is.
 */
struct gic {
	void (*init)(void);
	void (*init_core)(struct arm64_core *core);
	uintptr_t (*private_base)(void);
	uint32_t (*acknowledge)(void);
	void (*end)(uint32_t acknowledged);
	void (*send)(const struct core *core, unsigned sgi);
	void (*send_others)(unsigned sgi);
	void (*route_here)(unsigned spi);
};
extern const struct gic gicv2, gicv3;

/* Registers of the distributor that both versions have (IHI 0069, 12.9; IHI 0048, 4.3); those for
 * INTIDs below 32 are banked (v2), or at the same offsets in the redistributor's SGI frame (v3). */
enum {
	GICD_CTLR = 0x000,
	GICD_TYPER = 0x004,
	GICD_IGROUPR = 0x080,
	GICD_ISENABLER = 0x100,
	GICD_ICENABLER = 0x180,
	GICD_ICPENDR = 0x280,
	GICD_ICACTIVER = 0x380,
	GICD_IPRIORITYR = 0x400,
};
/* The same for all. Non-secure software sees priorities shifted: what counts is to be below PMR. */
enum { GIC_PRIORITY = 0x80, GIC_PRIORITY_FIRST = 0x40, GIC_PRIORITY_MASK = 0xf0 };

void gic_init(void);
void gic_init_core(struct core *core);
/* This core's own interrupt irq comes before others that are pending. */
void gic_first(unsigned irq);

/* Disables 32 interrupts from first on, not pending, not active, all at GIC_PRIORITY. */
void gic_reset_32(uintptr_t base, unsigned first);

/* ---- timer.c, power.S ---------------------------------------------------------------------------- */

void clock_init(void);
void timer_init_core(void);
void timer_interrupt(void);
void timer_sample_every(uint64_t ns); /* machine.sample_every */
void timer_sample_interrupt(void);

/* PSCI_NONE, PSCI_HVC or PSCI_SMC. */
extern uint32_t psci_conduit;
int64_t psci_call(uint64_t function, uint64_t a, uint64_t b, uint64_t c);

/* Shows text through a debugger, if there is one that listens: nothing else works that early. */
void semihosting_write(const char *text);

const char *processor_name(void);

#endif

/*
 * I/O APICs: device interrupts by their global system interrupt (GSI) number. Registers are those of
 * Intel's 82093AA, reached through a select and a window register, so a lock is needed.
 */
#include <errno.h>
#include <stdatomic.h>

#include "x86.h"

#include "kernel/core.h"

enum { IOREGSEL = 0x00, IOWIN = 0x10 };
enum { IOAPICVER = 1, IOREDTBL = 0x10 }; /* two registers an entry */
enum {
	REDIRECT_ACTIVE_LOW = 1 << 13,
	REDIRECT_LEVEL = 1 << 15,
	REDIRECT_MASKED = 1 << 16,
};
/* The two 8259 controllers of the PC, which are not used. */
enum { PIC1_COMMAND = 0x20, PIC1_DATA = 0x21, PIC2_COMMAND = 0xa0, PIC2_DATA = 0xa1 };
enum { ICW1_INIT = 0x11, ICW4_8086 = 1 };

static unsigned entries[MAX_IOAPICS]; /* constant after ioapic_init */
static struct spinlock lock;

static uint64_t lock_take(void)
{
	uint64_t flags = flags_save();

	while (atomic_exchange_explicit(&lock.held, 1, memory_order_acquire))
		arch_relax();
	return flags;
}

static void lock_release(uint64_t flags)
{
	atomic_store_explicit(&lock.held, 0, memory_order_release); /* with lock_take */
	flags_restore(flags);
}

static uint32_t reg_read(int i, unsigned reg)
{
	arch_io_write32(acpi.ioapic[i].base + IOREGSEL, reg);
	return arch_io_read32(acpi.ioapic[i].base + IOWIN);
}

static void reg_write(int i, unsigned reg, uint32_t value)
{
	arch_io_write32(acpi.ioapic[i].base + IOREGSEL, reg);
	arch_io_write32(acpi.ioapic[i].base + IOWIN, value);
}

static void redirect(int i, unsigned entry, uint32_t how, uint64_t apic_id)
{
	reg_write(i, IOREDTBL + 2 * entry, REDIRECT_MASKED);
	reg_write(i, IOREDTBL + 2 * entry + 1, (uint32_t)apic_id << 24);
	reg_write(i, IOREDTBL + 2 * entry, how);
}

/* Vectors away from the exceptions, for an interrupt that comes although all are masked. */
static void pic_disable(void)
{
	arch_io_write8(PIC1_COMMAND, ICW1_INIT);
	arch_io_write8(PIC2_COMMAND, ICW1_INIT);
	arch_io_write8(PIC1_DATA, VECTOR_PIC);
	arch_io_write8(PIC2_DATA, VECTOR_PIC + 8);
	arch_io_write8(PIC1_DATA, 1 << 2); /* the second is on its input 2 */
	arch_io_write8(PIC2_DATA, 2);
	arch_io_write8(PIC1_DATA, ICW4_8086);
	arch_io_write8(PIC2_DATA, ICW4_8086);
	arch_io_write8(PIC1_DATA, 0xff);
	arch_io_write8(PIC2_DATA, 0xff);
}

void ioapic_init(void)
{
	pic_disable();
	for (int i = 0; i < acpi.nioapics; i++) {
		mmu_map_device(acpi.ioapic[i].base, PAGE_SIZE);
		entries[i] = (reg_read(i, IOAPICVER) >> 16 & 0xff) + 1;
		for (unsigned e = 0; e < entries[i]; e++)
			redirect(i, e, REDIRECT_MASKED, 0);
	}
}

/* The redirection word for gsi: ISA interrupts are edge-triggered and active high unless the
 * firmware says otherwise, the others are PCI's, level-triggered and active low. */
static uint32_t redirection(unsigned gsi)
{
	uint32_t how = VECTOR_GSI + gsi;

	for (int isa = 0; isa < ISA_IRQS; isa++) {
		if (acpi.isa_gsi[isa] != gsi)
			continue;
		if ((acpi.isa_flags[isa] & MADT_ACTIVE_LOW) == MADT_ACTIVE_LOW)
			how |= REDIRECT_ACTIVE_LOW;
		if ((acpi.isa_flags[isa] & MADT_LEVEL) == MADT_LEVEL)
			how |= REDIRECT_LEVEL;
		return how;
	}
	return how | REDIRECT_ACTIVE_LOW | REDIRECT_LEVEL;
}

static int find(unsigned gsi)
{
	for (int i = 0; i < acpi.nioapics; i++)
		if (gsi >= acpi.ioapic[i].gsi && gsi < acpi.ioapic[i].gsi + entries[i])
			return i;
	return -1;
}

static int set(unsigned gsi, uint32_t how, uint64_t apic_id)
{
	int i = find(gsi);

	if (i < 0 || gsi >= MAX_GSI)
		return -EINVAL;
	uint64_t flags = lock_take();

	redirect(i, gsi - acpi.ioapic[i].gsi, how, apic_id);
	lock_release(flags);
	return 0;
}

/* An entry holds 8 bits of APIC id: a core beyond that leaves its interrupts to the boot core. */
int arch_irq_enable(unsigned irq)
{
	uint64_t flags = flags_save(); /* stay on this core */
	uint64_t id = lapic_id();
	int error = set(irq, redirection(irq), id < 0xff ? id : machine.core_hw_id[0]);

	flags_restore(flags);
	return error;
}

void arch_irq_disable(unsigned irq)
{
	set(irq, REDIRECT_MASKED, 0);
}

/*
 * I/O APICs: device interrupts by their global system interrupt (GSI) number. Registers are those of
 * Intel's 82093AA, reached through a select and a window register, so a lock is needed. Interrupts
 * that are messages have the numbers from the top down that no I/O APIC has.
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
enum { MESSAGE_ADDRESS = 0xfee00000, MESSAGE_DESTINATION_SHIFT = 12 }; /* SDM 10.11.1 */
/* The two 8259 controllers of the PC, which are not used. */
enum { PIC1_COMMAND = 0x20, PIC1_DATA = 0x21, PIC2_COMMAND = 0xa0, PIC2_DATA = 0xa1 };
enum { ICW1_INIT = 0x11, ICW4_8086 = 1 };

static unsigned entries[MAX_IOAPICS]; /* constant after ioapic_init */
static unsigned gsis;                 /* the same: they are below */
static _Atomic unsigned messages;     /* made so far */
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
		if (gsis < acpi.ioapic[i].gsi + entries[i])
			gsis = acpi.ioapic[i].gsi + entries[i];
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

/* The APIC id of this core, which the caller does not leave. Eight bits are all that an entry or a
 * message has for it: a core beyond leaves its interrupts to the boot core. */
static uint64_t destination_here(void)
{
	uint64_t id = lapic_id();

	return id < 0xff ? id : machine.core_hw_id[0];
}

static bool is_message(unsigned irq)
{
	return irq < MAX_GSI && irq >= MAX_GSI - atomic_load(&messages);
}

int arch_irq_enable(unsigned irq, bool on)
{
	if (is_message(irq))
		return 0; /* its destination was chosen when it was made */
	if (!on)
		return set(irq, REDIRECT_MASKED, 0);

	uint64_t flags = flags_save(); /* stay on this core */
	int error = set(irq, redirection(irq), destination_here());

	flags_restore(flags);
	return error;
}

int arch_irq_make_message(uint64_t *address, uint32_t *data)
{
	unsigned irq = MAX_GSI - 1 - atomic_fetch_add(&messages, 1);

	if (irq < gsis) {
		atomic_fetch_sub(&messages, 1);
		return -ENOSPC;
	}

	uint64_t flags = flags_save();

	*address = MESSAGE_ADDRESS | destination_here() << MESSAGE_DESTINATION_SHIFT;
	*data = VECTOR_GSI + irq; /* fixed, edge */
	flags_restore(flags);
	return (int)irq;
}

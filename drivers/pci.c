/*
 * Configuration space is memory (ECAM, PCI Express 5.0, 7.2.2), or it is behind two I/O ports (PCI 3.0,
 * 3.2.2.3.2). What a PC's firmware has set up is used; where there is no firmware, a BAR gets its
 * address here.
 */
#include "drivers/pci.h"

#include <errno.h>

#include "arch/devices.h"
#include "drivers/device_map.h"

enum { PORT_ADDRESS = 0xcf8, PORT_DATA = 0xcfc };
#define PORT_ENABLE 0x80000000u

enum {
	BUSES = 256,
	SLOTS = 32,
	FUNCTIONS = 8,
	BUS_SHIFT = 20,
	SLOT_SHIFT = 15,
	FUNCTION_SHIFT = 12
};

enum {
	HEADER_TYPE = 0x0c, /* in bits 16 to 23 */
	HEADER_BRIDGE = 1 << 16,
	HEADER_TYPE_MASK = 0x7f << 16,
	HEADER_MANY_FUNCTIONS = 0x80 << 16,
	BAR0 = 0x10,
	BUS_NUMBERS = 0x18, /* of a bridge: the one behind it in bits 8 to 15 */
	STATUS_HAS_CAPABILITIES = 0x10 << 16,
	CAPABILITIES = 0x34,
	INTERRUPT = 0x3c, /* line, pin << 8 */
};

enum { BAR_IO = 1, BAR_64 = 4, BAR_FLAGS = 15, BARS = 6 };
#define NOTHING UINT32_MAX

/* Where bus i is mapped, with ECAM; 0: not yet. */
static uintptr_t mapped[BUSES];

static uintptr_t ecam(pci_function f)
{
	unsigned bus = f >> BUS_SHIFT;

	if (!mapped[bus])
		mapped[bus] = device_map(machine.pci.ecam + ((uint64_t)bus << BUS_SHIFT),
					 1 << BUS_SHIFT);
	return mapped[bus] ? mapped[bus] + (f & ((1 << BUS_SHIFT) - 1)) : 0;
}

uint32_t pci_read(pci_function f, unsigned offset)
{
	if (machine.pci.access == PCI_ECAM)
		return ecam(f) ? arch_io_read32(ecam(f) + offset) : NOTHING;
	arch_io_write32(PORT_ADDRESS, PORT_ENABLE | f >> 4 | offset);
	return arch_io_read32(PORT_DATA);
}

void pci_write(pci_function f, unsigned offset, uint32_t value)
{
	if (machine.pci.access == PCI_ECAM) {
		if (ecam(f))
			arch_io_write32(ecam(f) + offset, value);
		return;
	}
	arch_io_write32(PORT_ADDRESS, PORT_ENABLE | f >> 4 | offset);
	arch_io_write32(PORT_DATA, value);
}

/* ---- What is there ------------------------------------------------------------------------------ */

static bool each_on(unsigned bus, bool (*visit)(pci_function f, void *arg), void *arg)
{
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		pci_function first = bus << BUS_SHIFT | slot << SLOT_SHIFT;
		bool many = pci_read(first, HEADER_TYPE) & HEADER_MANY_FUNCTIONS;

		for (unsigned i = 0; i < (many ? FUNCTIONS : 1); i++) {
			pci_function f = first | i << FUNCTION_SHIFT;
			unsigned behind;

			if (pci_read(f, PCI_ID) == NOTHING)
				continue;
			if (visit(f, arg))
				return true;
			if ((pci_read(f, HEADER_TYPE) & HEADER_TYPE_MASK) != HEADER_BRIDGE)
				continue;
			behind = pci_read(f, BUS_NUMBERS) >> 8 & 0xff;
			if (behind > bus && each_on(behind, visit, arg))
				return true;
		}
	}
	return false;
}

bool pci_each(bool (*visit)(pci_function f, void *arg), void *arg)
{
	return machine.pci.access != PCI_NONE && each_on(0, visit, arg);
}

unsigned pci_capability(pci_function f, unsigned id, unsigned after)
{
	enum { MOST = 48 }; /* that fit into 256 bytes: a list that runs in a circle ends */
	unsigned at = after;

	if (!(pci_read(f, PCI_COMMAND) & STATUS_HAS_CAPABILITIES))
		return 0;
	for (int i = 0; i < MOST; i++) {
		at = at ? pci_read(f, at) >> 8 & 0xfc : pci_read(f, CAPABILITIES) & 0xfc;
		if (!at || (pci_read(f, at) & 0xff) == id)
			return at;
	}
	return 0;
}

/* ---- Addresses and interrupts ------------------------------------------------------------------ */

/* Takes a place in the window for the BAR at offset bar, of one or two words. */
static uint64_t place(pci_function f, unsigned bar, bool wide)
{
	static uint64_t used;
	uint32_t size, at;

	pci_write(f, bar, UINT32_MAX);
	size = -(pci_read(f, bar) & ~(uint32_t)BAR_FLAGS);
	at = (uint32_t)(machine.pci.window + used);
	at = (at + size - 1) & -size;
	if (size == 0 || at + (uint64_t)size > machine.pci.window + machine.pci.window_size)
		return 0;
	used = at + (uint64_t)size - machine.pci.window;
	pci_write(f, bar, at);
	if (wide)
		pci_write(f, bar + 4, 0);
	return at;
}

uint64_t pci_bar(pci_function f, unsigned n)
{
	unsigned bar = BAR0 + 4 * n;
	uint32_t low = n < BARS ? pci_read(f, bar) : BAR_IO;
	bool wide = low & BAR_64;
	uint64_t at;

	if (low & BAR_IO || (wide && n + 1 == BARS))
		return 0;
	at = (low & ~(uint32_t)BAR_FLAGS) | (wide ? (uint64_t)pci_read(f, bar + 4) << 32 : 0);
	return at ? at : place(f, bar, wide);
}

int pci_irq(pci_function f)
{
	uint32_t how = pci_read(f, INTERRUPT);
	unsigned line = how & 0xff, pin = how >> 8 & 0xff, slot = f >> SLOT_SHIFT & (SLOTS - 1);

	if (pin < 1 || pin > PCI_PINS)
		return -1;
	if (f >> BUS_SHIFT == 0 && machine.pci.irq[slot % PCI_PINS][pin - 1])
		return (int)machine.pci.irq[slot % PCI_PINS][pin - 1];
	return line && line < 0xff ? (int)line : -1;
}

/* ---- MSI-X -------------------------------------------------------------------------------------- */

enum {
	MSIX_ENABLE = 1u << 31, /* of the capability's first word */
	MSIX_SIZE_SHIFT = 16,   /* vectors - 1, in 11 bits */
	MSIX_TABLE = 4,         /* the second: BAR in 3 bits, offset */
	ENTRY_BYTES = 16,       /* address, its upper half, data, control */
	ENTRY_HIGH = 4,
	ENTRY_DATA = 8,
	ENTRY_CONTROL = 12,
	CONTROL_MASKED = 1,
};

void pci_msix_find(pci_function f, struct pci_msix *msix)
{
	unsigned at = pci_capability(f, PCI_CAP_MSIX, 0);
	unsigned vectors = at ? (pci_read(f, at) >> MSIX_SIZE_SHIFT & 0x7ff) + 1 : 0;
	uint32_t table = at ? pci_read(f, at + MSIX_TABLE) : 0;
	uint64_t bar = at ? pci_bar(f, table & 7) : 0;

	*msix = (struct pci_msix){.at = at};
	if (bar)
		msix->table = device_map(bar + (table & ~7u), (size_t)vectors * ENTRY_BYTES);
	if (msix->table)
		msix->vectors = vectors;
}

int pci_msix_make(const struct pci_msix *msix, unsigned vector)
{
	uintptr_t entry = msix->table + (uintptr_t)vector * ENTRY_BYTES;
	uint64_t address;
	uint32_t data;
	int irq = vector < msix->vectors ? arch_irq_make_message(&address, &data) : -ENOSPC;

	if (irq < 0)
		return irq;
	arch_io_write32(entry + ENTRY_CONTROL, CONTROL_MASKED);
	arch_io_write32(entry, (uint32_t)address);
	arch_io_write32(entry + ENTRY_HIGH, (uint32_t)(address >> 32));
	arch_io_write32(entry + ENTRY_DATA, data);
	arch_io_write32(entry + ENTRY_CONTROL, 0);
	return irq;
}

void pci_msix_on(pci_function f, const struct pci_msix *msix)
{
	pci_write(f, msix->at, pci_read(f, msix->at) | MSIX_ENABLE);
}

void pci_msix_off(pci_function f, const struct pci_msix *msix)
{
	pci_write(f, msix->at, pci_read(f, msix->at) & ~MSIX_ENABLE);
}

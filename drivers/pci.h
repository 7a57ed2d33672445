/*
 * PCI's configuration space (PCI Local Bus Specification 3.0, chapter 6), as far as one driver needs
 * it that looks for its device. One caller at a time.
 */
#ifndef DRIVERS_PCI_H
#define DRIVERS_PCI_H

#include <stdbool.h>
#include <stdint.h>

/* A function of a device: its bus << 20 | number << 15 | function << 12. */
typedef uint32_t pci_function;

enum {
	PCI_ID = 0x00, /* vendor, and device << 16 */
	PCI_COMMAND = 0x04,
	PCI_SUBSYSTEM = 0x2c, /* its vendor, and id << 16 */
};

enum {
	PCI_COMMAND_MEMORY = 1 << 1,
	PCI_COMMAND_MASTER = 1 << 2,
	PCI_COMMAND_INTX_OFF = 1 << 10,
};

uint32_t pci_read(pci_function f, unsigned offset);
void pci_write(pci_function f, unsigned offset, uint32_t value);

/* Calls visit for every function there is, until it returns true. */
bool pci_each(bool (*visit)(pci_function f, void *arg), void *arg);

/* The next capability with this id behind the one at offset after (0: the first); 0: none. */
enum { PCI_CAP_VENDOR = 0x09, PCI_CAP_MSIX = 0x11 };
unsigned pci_capability(pci_function f, unsigned id, unsigned after);

/* The address of memory BAR n, given to it if it had none; 0: not memory, or no room. */
uint64_t pci_bar(pci_function f, unsigned n);

/* The irq of the pin that the function uses; -1: none. */
int pci_irq(pci_function f);

/* Interrupts by messages: the capability MSI-X (6.8.2). */
struct pci_msix {
	unsigned at; /* in configuration space */
	uintptr_t table;
	unsigned vectors; /* in it; 0: it cannot be used */
};

void pci_msix_find(pci_function f, struct pci_msix *msix);

/* Makes vector an interrupt of this core: its irq; -ENOTSUP: the machine has no messages; -ENOSPC. */
int pci_msix_make(const struct pci_msix *msix, unsigned vector);

/* The function sends messages, and leaves its pin alone; or the other way round. */
void pci_msix_on(pci_function f, const struct pci_msix *msix);
void pci_msix_off(pci_function f, const struct pci_msix *msix);

#endif

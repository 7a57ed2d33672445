/* Devices on PCI (virtio 4.1): capabilities say in which BARs the registers are. */
#include <errno.h>
#include <limits.h>

#include "arch/devices.h"
#include "debug/print.h"
#include "drivers/device_map.h"
#include "drivers/pci.h"
#include "drivers/virtio.h"
#include "drivers/virtio_bus.h"
#include "kernel/heap.h"
#include "kernel/irq.h"

enum { VENDOR_VIRTIO = 0x1af4, DEVICE_MODERN = 0x1040, DEVICE_OLD = 0x1000, DEVICE_LAST = 0x107f };

/* 4.1.4: a capability's words, and what it is of. */
enum { CAP_TYPE = 0, CAP_BAR = 4, CAP_OFFSET = 8, CAP_LENGTH = 12, CAP_NOTIFY_MULTIPLIER = 16 };
enum { CAP_TYPE_SHIFT = 24 };
enum { TYPE_COMMON = 1, TYPE_NOTIFY, TYPE_ISR, TYPE_DEVICE, TYPES };

/* Bytes of registers that each must have. */
static const uint32_t least[TYPES] = {[TYPE_COMMON] = 0x38, [TYPE_NOTIFY] = 2, [TYPE_ISR] = 1};

enum { /* 4.1.4.3 */
       DEVICE_FEATURE_SELECT = 0x00,
       DEVICE_FEATURE = 0x04,
       DRIVER_FEATURE_SELECT = 0x08,
       DRIVER_FEATURE = 0x0c,
       CONFIG_VECTOR = 0x10, /* 16 bits */
       STATUS = 0x14,        /* 8 bits */
       QUEUE_SELECT = 0x16,  /* 16 bits, as the next five */
       QUEUE_SIZE = 0x18,
       QUEUE_VECTOR = 0x1a,
       QUEUE_ENABLE = 0x1c,
       QUEUE_NOTIFY_OFF = 0x1e,
       QUEUE_DESC = 0x20, /* 64 bits, in two halves */
       QUEUE_DRIVER = 0x28,
       QUEUE_DEVICE = 0x30,
};

enum { ISR_QUEUE = 1, ISR_CONFIG = 2 };

struct virtio_on_pci {
	struct virtio virtio; /* first */
	pci_function function;
	uintptr_t registers[TYPES]; /* by TYPE_ */
	uint32_t notify_length, notify_multiplier;
	struct pci_msix msix;
	unsigned vectors; /* used so far: the first is for the configuration; 0: the pin is used */
};

static struct virtio_on_pci *on_pci(struct virtio *v)
{
	return (struct virtio_on_pci *)v;
}

static uintptr_t common(struct virtio *v)
{
	return on_pci(v)->registers[TYPE_COMMON];
}

static uint8_t status(struct virtio *v)
{
	return arch_io_read8(common(v) + STATUS);
}

static void set_status(struct virtio *v, uint8_t value)
{
	arch_io_write8(common(v) + STATUS, value);
}

static uint32_t features(struct virtio *v, unsigned word)
{
	arch_io_write32(common(v) + DEVICE_FEATURE_SELECT, word);
	return arch_io_read32(common(v) + DEVICE_FEATURE);
}

static void accept(struct virtio *v, unsigned word, uint32_t value)
{
	arch_io_write32(common(v) + DRIVER_FEATURE_SELECT, word);
	arch_io_write32(common(v) + DRIVER_FEATURE, value);
}

/* ---- Interrupts --------------------------------------------------------------------------------- */

/* Of the pin, for everything. Reading the register takes the interrupt back (4.1.4.5). */
static void on_device_interrupt(void *arg)
{
	struct virtio *v = arg;
	uint8_t what = arch_io_read8(on_pci(v)->registers[TYPE_ISR]);

	if (what & ISR_CONFIG)
		virtio_changed(v);
	if (what & ISR_QUEUE)
		for (struct virtio_queue *q = v->queues; q; q = q->next)
			virtio_called(q);
}

/* Makes the next vector, names it in the 16-bit register at reg, and has handler called. */
static int vector_make(struct virtio *v, unsigned reg, void (*handler)(void *), void *arg)
{
	struct virtio_on_pci *p = on_pci(v);
	int irq = pci_msix_make(&p->msix, p->vectors), error;

	if (irq < 0)
		return irq;
	error = irq_attach_kernel((unsigned)irq, handler, arg);
	if (error < 0)
		return error;
	arch_io_write16(common(v) + reg, (uint16_t)p->vectors);
	/* 4.1.5.1.2: it reads as none when the device could not do it. */
	if (arch_io_read16(common(v) + reg) != p->vectors)
		return -EIO;
	p->vectors++;
	return 0;
}

static int attach_interrupt(struct virtio *v)
{
	struct virtio_on_pci *p = on_pci(v);
	int error, irq;

	pci_msix_find(p->function, &p->msix);
	if (p->msix.vectors > 1) {
		pci_msix_on(p->function, &p->msix);
		error = vector_make(v, CONFIG_VECTOR, virtio_changed, v);
		v->interrupts = p->msix.vectors - 1;
		if (error != -ENOTSUP)
			return error;
		pci_msix_off(p->function, &p->msix);
	}
	irq = pci_irq(p->function);
	v->interrupts = UINT_MAX;
	return irq < 0 ? -ENXIO : irq_attach_kernel((unsigned)irq, on_device_interrupt, v);
}

/* ---- Queues ------------------------------------------------------------------------------------- */

static uint16_t queue_size(struct virtio *v, unsigned index)
{
	arch_io_write16(common(v) + QUEUE_SELECT, (uint16_t)index);
	return arch_io_read16(common(v) + QUEUE_SIZE);
}

static void set_address(struct virtio *v, unsigned reg, const void *address)
{
	arch_io_write32(common(v) + reg, (uint32_t)(uintptr_t)address);
	arch_io_write32(common(v) + reg + 4, (uint32_t)((uintptr_t)address >> 32));
}

static int queue_start(struct virtio *v, struct virtio_queue *q)
{
	struct virtio_on_pci *p = on_pci(v);
	uint64_t doorbell;
	int error = 0;

	arch_io_write16(common(v) + QUEUE_SELECT, (uint16_t)q->index);
	arch_io_write16(common(v) + QUEUE_SIZE, q->size);
	set_address(v, QUEUE_DESC, q->descriptors);
	set_address(v, QUEUE_DRIVER, q->available);
	set_address(v, QUEUE_DEVICE, q->used);
	doorbell = (uint64_t)arch_io_read16(common(v) + QUEUE_NOTIFY_OFF) * p->notify_multiplier;
	if (doorbell + sizeof(uint16_t) > p->notify_length)
		return -EIO;
	q->doorbell = p->registers[TYPE_NOTIFY] + doorbell;
	if (q->called && p->vectors) {
		error = vector_make(v, QUEUE_VECTOR, virtio_called, q);
	} else if (q->called) {
		q->next = v->queues;
		v->queues = q;
	}
	if (!error)
		arch_io_write16(common(v) + QUEUE_ENABLE, 1);
	return error;
}

static void notify(struct virtio *v, struct virtio_queue *q)
{
	(void)v;
	arch_io_write16(q->doorbell, (uint16_t)q->index);
}

static const struct virtio_bus bus = {status,           set_status, features,    accept,
				      attach_interrupt, queue_size, queue_start, notify};

/* ---- Finding one -------------------------------------------------------------------------------- */

/* Maps what the capabilities name; false: not all of it is there. */
static bool map_registers(struct virtio_on_pci *p)
{
	pci_function f = p->function;
	unsigned at = 0;

	while ((at = pci_capability(f, PCI_CAP_VENDOR, at))) {
		unsigned type = pci_read(f, at + CAP_TYPE) >> CAP_TYPE_SHIFT;
		uint32_t length = pci_read(f, at + CAP_LENGTH);
		uint64_t bar;

		/* The first of a type is the one to use (4.1.4.1). */
		if (type < TYPE_COMMON || type >= TYPES || p->registers[type])
			continue;
		bar = pci_bar(f, pci_read(f, at + CAP_BAR) & 0xff);
		if (!bar || length < least[type])
			continue;
		p->registers[type] = device_map(bar + pci_read(f, at + CAP_OFFSET), length);
		if (type == TYPE_NOTIFY) {
			p->notify_length = length;
			p->notify_multiplier = pci_read(f, at + CAP_NOTIFY_MULTIPLIER);
		}
	}
	for (int type = TYPE_COMMON; type < TYPES; type++)
		if (!p->registers[type])
			return false;
	return true;
}

/* 4.1.2: the device id tells the kind; that of one that also has the old interface does not. */
static bool is_kind(pci_function f, unsigned kind)
{
	uint32_t id = pci_read(f, PCI_ID);
	unsigned device = id >> 16;

	if ((id & 0xffff) != VENDOR_VIRTIO || device > DEVICE_LAST)
		return false;
	if (device >= DEVICE_MODERN)
		return device - DEVICE_MODERN == kind;
	return device >= DEVICE_OLD && pci_read(f, PCI_SUBSYSTEM) >> 16 == kind;
}

struct wanted {
	unsigned kind;
	struct virtio *found;
};

static bool visit(pci_function f, void *arg)
{
	struct wanted *wanted = arg;
	struct virtio_on_pci *p;

	if (!is_kind(f, wanted->kind))
		return false;
	p = heap_alloc(sizeof *p);
	if (!p)
		return false;
	*p = (struct virtio_on_pci){.virtio = {.bus = &bus}, .function = f};
	format(p->virtio.name, sizeof p->virtio.name, "PCI %02x:%02x.%x", f >> 20, f >> 15 & 31,
	       f >> 12 & 7);
	if (!map_registers(p)) {
		log_warn("virtio device %s has only the interface of before virtio 1.0\n",
			 p->virtio.name);
		heap_free(p);
		return false;
	}
	pci_write(f, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	p->virtio.config = p->registers[TYPE_DEVICE];
	wanted->found = &p->virtio;
	return true;
}

struct virtio *virtio_pci_find(unsigned kind)
{
	struct wanted wanted = {.kind = kind};

	pci_each(visit, &wanted);
	return wanted.found;
}

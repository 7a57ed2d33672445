/* Devices whose registers are in memory (virtio 4.2). */
#include <limits.h>

#include "arch/devices.h"
#include "debug/print.h"
#include "drivers/device_map.h"
#include "drivers/virtio.h"
#include "drivers/virtio_bus.h"
#include "kernel/heap.h"
#include "kernel/irq.h"

enum { /* 4.2.2 */
       MAGIC_VALUE = 0x000,
       VERSION = 0x004,
       DEVICE_ID = 0x008,
       DEVICE_FEATURES = 0x010,
       DEVICE_FEATURES_SEL = 0x014,
       DRIVER_FEATURES = 0x020,
       DRIVER_FEATURES_SEL = 0x024,
       QUEUE_SEL = 0x030,
       QUEUE_NUM_MAX = 0x034,
       QUEUE_NUM = 0x038,
       QUEUE_READY = 0x044,
       QUEUE_NOTIFY = 0x050,
       INTERRUPT_STATUS = 0x060,
       INTERRUPT_ACK = 0x064,
       STATUS = 0x070,
       QUEUE_DESC = 0x080, /* and the upper half of the address at + 4 */
       QUEUE_DRIVER = 0x090,
       QUEUE_DEVICE = 0x0a0,
       CONFIG = 0x100,
       REGISTERS_SIZE = 0x200,
};

enum { MAGIC = 0x74726976, MODERN = 2 };
enum { INTERRUPT_QUEUE = 1, INTERRUPT_CONFIG = 2 };

struct mmio {
	struct virtio virtio; /* first */
	uintptr_t registers;
	unsigned irq;
};

static uintptr_t registers(struct virtio *v)
{
	return ((struct mmio *)v)->registers;
}

static uint8_t status(struct virtio *v)
{
	return (uint8_t)arch_io_read32(registers(v) + STATUS);
}

static void set_status(struct virtio *v, uint8_t value)
{
	arch_io_write32(registers(v) + STATUS, value);
}

static uint32_t features(struct virtio *v, unsigned word)
{
	arch_io_write32(registers(v) + DEVICE_FEATURES_SEL, word);
	return arch_io_read32(registers(v) + DEVICE_FEATURES);
}

static void accept(struct virtio *v, unsigned word, uint32_t value)
{
	arch_io_write32(registers(v) + DRIVER_FEATURES_SEL, word);
	arch_io_write32(registers(v) + DRIVER_FEATURES, value);
}

/* The line may be taken for edges: so it must have gone down when this ends. */
static void on_device_interrupt(void *arg)
{
	enum { TRIES = 8 }; /* for a device whose line stays up */
	struct virtio *v = arg;
	uint32_t what;

	for (int i = 0; i < TRIES && (what = arch_io_read32(registers(v) + INTERRUPT_STATUS));
	     i++) {
		arch_io_write32(registers(v) + INTERRUPT_ACK, what);
		if (what & INTERRUPT_CONFIG)
			virtio_changed(v);
		if (what & INTERRUPT_QUEUE)
			for (struct virtio_queue *q = v->queues; q; q = q->next)
				virtio_called(q);
	}
}

static int attach_interrupt(struct virtio *v)
{
	return irq_attach_kernel(((struct mmio *)v)->irq, on_device_interrupt, v);
}

static uint16_t queue_size(struct virtio *v, unsigned index)
{
	uint32_t most;

	arch_io_write32(registers(v) + QUEUE_SEL, index);
	most = arch_io_read32(registers(v) + QUEUE_NUM_MAX);
	return most > UINT16_MAX ? UINT16_MAX : (uint16_t)most;
}

static void set_address(struct virtio *v, unsigned reg, const void *address)
{
	arch_io_write32(registers(v) + reg, (uint32_t)(uintptr_t)address);
	arch_io_write32(registers(v) + reg + 4, (uint32_t)((uintptr_t)address >> 32));
}

static int queue_start(struct virtio *v, struct virtio_queue *q)
{
	if (q->called) {
		q->next = v->queues;
		v->queues = q;
	}
	q->doorbell = registers(v) + QUEUE_NOTIFY;
	arch_io_write32(registers(v) + QUEUE_SEL, q->index);
	arch_io_write32(registers(v) + QUEUE_NUM, q->size);
	set_address(v, QUEUE_DESC, q->descriptors);
	set_address(v, QUEUE_DRIVER, q->available);
	set_address(v, QUEUE_DEVICE, q->used);
	arch_io_write32(registers(v) + QUEUE_READY, 1);
	return 0;
}

static void notify(struct virtio *v, struct virtio_queue *q)
{
	(void)v;
	arch_io_write32(q->doorbell, q->index);
}

static const struct virtio_bus bus = {status,           set_status, features,    accept,
				      attach_interrupt, queue_size, queue_start, notify};

/* The device at place i, if it is of this kind. */
static struct virtio *device_at(int i, unsigned kind)
{
	uint64_t base = machine.virtio_mmio[i].base;
	uintptr_t at = device_map(base, REGISTERS_SIZE);
	struct mmio *mmio;

	if (!at || arch_io_read32(at + MAGIC_VALUE) != MAGIC ||
	    arch_io_read32(at + DEVICE_ID) != kind)
		return NULL;
	if (arch_io_read32(at + VERSION) != MODERN) {
		log_warn("virtio device %lx has only the interface of before virtio 1.0 "
			 "(QEMU: -global virtio-mmio.force-legacy=false)\n",
			 base);
		return NULL;
	}
	mmio = heap_alloc(sizeof *mmio);
	if (!mmio)
		return NULL;
	*mmio = (struct mmio){.virtio = {.bus = &bus,
					 .config = at + CONFIG,
					 .interrupts = UINT_MAX},
			      .registers = at,
			      .irq = machine.virtio_mmio[i].irq};
	format(mmio->virtio.name, sizeof mmio->virtio.name, "at %lx", base);
	return &mmio->virtio;
}

struct virtio *virtio_mmio_find(unsigned kind)
{
	struct virtio *v = NULL;

	for (int i = 0; i < machine.nvirtio_mmio && !v; i++)
		v = device_at(i, kind);
	return v;
}

/*
 * Virtio 1.x devices (OASIS, Virtual I/O Device Version 1.2, whose sections are named in comments
 * here as "virtio 2.7"): finding one, agreeing on features, split queues. Only the modern interface;
 * numbers are little-endian, as the processor's are.
 */
#ifndef DRIVERS_VIRTIO_H
#define DRIVERS_VIRTIO_H

#include <stdatomic.h>

#include <vole/sync.h>

struct virtio;
struct virtio_queue;

enum { VIRTIO_NET = 1, VIRTIO_RNG = 4 }; /* device ids, 5 */

/* Feature bits that are not of one kind of device, 6. */
enum { VIRTIO_F_EVENT_IDX = 29, VIRTIO_F_VERSION_1 = 32 };

/* 2.1 */
enum virtio_status {
	VIRTIO_ACKNOWLEDGE = 1,
	VIRTIO_DRIVER = 2,
	VIRTIO_DRIVER_OK = 4,
	VIRTIO_FEATURES_OK = 8,
	VIRTIO_NEEDS_RESET = 64,
};

/* How a device is reached. All calls but notify come from one coroutine at a time. */
struct virtio_bus {
	uint8_t (*status)(struct virtio *v);
	void (*set_status)(struct virtio *v, uint8_t status); /* 0: resets the device */
	uint32_t (*features)(struct virtio *v, unsigned word);
	void (*accept)(struct virtio *v, unsigned word, uint32_t features);
	/* Once, after the reset: attaches the interrupt that calls virtio_changed, or all. */
	int (*attach)(struct virtio *v);
	uint16_t (*queue_size)(struct virtio *v, unsigned index); /* the most; 0: no such queue */
	/* The device is told of the queue. Its interrupt, if it has one of its own, is this core's. */
	int (*queue_start)(struct virtio *v, struct virtio_queue *q);
	void (*notify)(struct virtio *v, struct virtio_queue *q);
};

struct virtio {
	const struct virtio_bus *bus;
	uintptr_t config;    /* the device's own configuration, for arch_io_read8 and so on */
	char name[32];       /* "PCI 00:02.0" */
	uint64_t features;   /* agreed on */
	unsigned interrupts; /* so many queues can have one */
	struct virtio_queue *queues; /* those that share one */
	struct event changed;        /* posted: the configuration or failed has changed */
	_Atomic bool configured;     /* the configuration has changed since this was cleared */
	_Atomic bool failed;
};

static inline bool virtio_failed(const struct virtio *v)
{
	return atomic_load_explicit(&v->failed, memory_order_relaxed);
}

/* The first device of this kind; NULL: none. It may wait for another search. */
struct virtio *virtio_find(unsigned kind);

/* Resets it and agrees on what it offers of wanted (bit VIRTIO_F_VERSION_1 is understood). Queues can
 * be started then, and virtio_ready lets it work. 0 or a negative errno, when the log says why. */
int virtio_begin(struct virtio *v, uint64_t wanted);
void virtio_ready(struct virtio *v);

static inline bool virtio_has(const struct virtio *v, unsigned feature)
{
	return v->features >> feature & 1;
}

/* The device does what it must not: said once, in one line; v->failed, and v->changed is posted.
 * Anywhere. */
void virtio_fail(struct virtio *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Resets it: true: it touches no memory any more. Waits; not for a coroutine that is cancelled. */
bool virtio_stop(struct virtio *v);

/* In interrupt handlers: its configuration has changed; q has got something back. */
void virtio_changed(void *v);
void virtio_called(void *q);

/* ---- Queues (2.7) ------------------------------------------------------------------------------- */

struct virtio_descriptor {
	uint64_t address;
	uint32_t size;
	uint16_t flags, next;
};

struct virtio_available {
	uint16_t flags;
	_Atomic uint16_t index;
	uint16_t ring[]; /* size entries, then used_event */
};

struct virtio_used {
	uint16_t flags;
	_Atomic uint16_t index;
	struct {
		uint32_t id, written;
	} ring[]; /* size entries, then avail_event */
};

/* For a descriptor: what the device need not be asked for, because it might lie. */
struct virtio_slot {
	void *token;     /* of a chain that begins here and is with the device; else NULL */
	uint32_t room;   /* bytes the device may write */
	uint16_t length; /* of the chain, in descriptors */
	uint16_t next;   /* in the chain, or the next free one */
};

struct virtio_queue {
	/* Constant once it is started. */
	struct virtio *dev;
	unsigned index;
	uint16_t size;        /* a power of two */
	struct event *called; /* posted when something came back; NULL: never */
	struct virtio_queue *next;
	uintptr_t doorbell; /* the bus's */
	struct virtio_descriptor *descriptors;
	struct virtio_available *available;
	struct virtio_used *used;
	struct virtio_slot *slots;

	/* One caller at a time. */
	uint16_t put, told, taken; /* indexes: given, when it was last told, taken back */
	uint16_t free, nfree;      /* descriptors */
	uint16_t with_device;      /* chains */

	_Atomic uint64_t interrupts;
};

struct virtio_piece {
	const void *data;
	uint32_t size;
};

/* Makes queue index of at most this many entries (a power of two), not started. 0, -ENOMEM, -ENXIO:
 * the device has no such queue. */
int virtio_queue_make(struct virtio_queue *q, struct virtio *v, unsigned index, uint16_t size,
		      struct event *called);

/* Gives pieces to the device: it reads the first, and writes the rest. False: no room. */
bool virtio_put(struct virtio_queue *q, const struct virtio_piece *pieces, int reads, int writes,
		void *token);

/* Tells the device of what was put, if it wants to hear it. */
void virtio_tell(struct virtio_queue *q);

/* The token of the next chain that came back, with the bytes written to it; NULL: none, or the device
 * has failed. */
void *virtio_take(struct virtio_queue *q, uint32_t *written);

/* The token of any chain that the device, which has been stopped, still had; NULL: none. */
void *virtio_take_back(struct virtio_queue *q);

/* From now on interrupts are of no use, or of some; the latter: true: nothing has come so far. */
void virtio_quiet(struct virtio_queue *q);
bool virtio_call_me(struct virtio_queue *q);

#endif

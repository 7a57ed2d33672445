/*
 * A virtio network card in software, behind the interface through which the driver reaches real
 * ones: it sends back each frame on the pair of queues it came by. It keeps to the rules of virtio
 * to the letter (it says nothing that was not asked for), but for one fault at a time.
 */
#ifndef FAKE_H
#define FAKE_H

#include "../../../drivers/netdev.h"
#include "../../../drivers/virtio.h"
#include "../../../drivers/virtio_net.h"

enum {
	F_CSUM = 0,
	F_GUEST_CSUM = 1,
	F_MTU = 3,
	F_MAC = 5,
	F_STATUS = 16,
	F_CTRL_VQ = 17,
	F_MQ = 22,
};

#define BIT(n)     (UINT64_C(1) << (n))
#define FAKE_OFFER (BIT(VIRTIO_F_VERSION_1) | BIT(F_MAC) | BIT(F_STATUS))

enum fault {
	FAULT_NONE,
	/* With the first frame: */
	FAULT_SENT_LONG, /* has written to a buffer that it may only read */
	FAULT_ID,        /* returns a buffer beyond the last */
	FAULT_TWICE,     /* returns a sent one twice */
	FAULT_COUNT,     /* returns more than it has */
	FAULT_LONG,      /* writes more than there was room for */
	FAULT_SHORT,     /* writes less than a header */
	FAULT_SENT_ID,   /* as FAULT_ID, in the queue for sending */
	FAULT_RESET,     /* asks for a reset */
	FAULT_DEAF, /* does nothing any more, and cannot be stopped, after it asked for a reset */
	FAULT_STALLED, /* takes frames, and does not give them back */
	FAULTS_OF_FRAMES,
	/* Before: */
	FAULT_NO_RESET,
	FAULT_NO_FEATURES,
	FAULT_NO_IRQ,
	FAULT_NO_QUEUE,
	FAULT_NO_START,
	FAULT_ORDER, /* says no to an order */
	FAULT_SILENT /* does not answer it */
};

enum { FAKE_QUEUES = 9 };

struct fake {
	struct virtio virtio; /* first */

	/* Set before the start. */
	uint64_t offers;
	uint16_t size; /* of queues */
	enum fault fault;

	struct {
		uint8_t mac[6];
		uint16_t status, max_pairs, mtu;
	} config;

	/* The device's own. */
	_Atomic uint8_t status;
	_Atomic bool resetting;
	uint64_t accepted;
	unsigned pairs; /* that it uses */
	bool erred;     /* it has done wrong, and does nothing more */
	struct event doorbell;
	_Atomic bool rung[FAKE_QUEUES], over;
	struct {
		struct virtio_queue *q;
		uint16_t seen, used; /* indexes */
	} queue[FAKE_QUEUES];
	_Atomic uint64_t frames, interrupts, bells;
	struct waitgroup ended;
};

/* Starts the device. */
void fake_start(struct fake *f, uint64_t offers, uint16_t size, enum fault fault);

/* Ends it, after the driver has. */
void fake_end(struct fake *f);

/* Changes the link, and says so. */
void fake_link(struct fake *f, bool up);

#endif

/*
 * The parts of the driver of virtio network cards (virtio 5.1): a card, which has pairs of queues, one
 * for receiving and one for sending.
 */
#ifndef DRIVERS_VIRTIO_CARD_H
#define DRIVERS_VIRTIO_CARD_H

#include "drivers/netdev.h"
#include "drivers/virtio.h"

/* 5.1.6, in front of every frame. */
struct frame_header {
	uint8_t flags, gso_type;
	uint16_t header_length, gso_size, checksum_start, checksum_offset, buffers;
};
enum { HEADER_NEEDS_CHECKSUM = 1, HEADER_DATA_VALID = 2 };

enum { QUEUE_SIZE = 256, ETHERNET_HEADER = 14, VLAN_TAG = 4 };

struct pair {
	struct card *card;

	/* The receiving coroutine's, from when it has started. */
	struct virtio_queue receive;
	struct event started, received;

	struct spinlock lock;
	/* guarded by lock */
	struct virtio_queue send;
	struct sending *free;
	bool watched; /* the keeper comes by */
};

struct card {
	struct netdev dev; /* first */
	struct virtio *virtio;
	uint32_t room;        /* of a buffer, for header and frame */
	uint32_t most_out;    /* buffers */
	_Atomic uint32_t out; /* that are with others */
	bool stopped;         /* it has been reset: its memory is ours; read by anyone */

	unsigned npairs, max_pairs; /* used, offered */
	struct pair *pairs;

	/* For the one order that it gets (5.1.6.5). */
	struct virtio_queue control;
	struct {
		uint8_t class, command;
		uint16_t pairs;
		uint8_t answer;
	} order;
};

/* The calling coroutine is not the program's: it does not count as live, nor keep the machine alive. */
void card_leave_program(void);

/* The coroutine of a pair whose queues are made: begins on the core that is to get the interrupts,
 * starts its queue and posts started; ends when the card has been stopped. */
void pair_receive(void *pair);

/* Makes what sending needs, and starts the queue. 0, -ENOMEM, and the bus's. */
int pair_send_start(struct pair *pair);

/* Takes back what was sent; all: whatever the card, which has been stopped, had. True: it still has
 * frames. */
bool pair_collect(struct pair *pair, bool all);

#endif

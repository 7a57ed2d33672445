/*
 * A network card, as the network stack sees it: Ethernet frames, by reference both ways. The card
 * is looked for when somebody asks for it the first time, so a program without sockets neither
 * links its driver nor starts it.
 */
#ifndef DRIVERS_NETDEV_H
#define DRIVERS_NETDEV_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netdev;

enum {
	NETDEV_FRAGMENTS = 16, /* most pieces of a frame that is sent */
	NETDEV_ROOM = 64,
};

/* A frame that was received. Whoever gets it gives it back with netdev_release, from any coroutine,
 * in any order. */
struct netdev_buffer {
	struct netdev *dev;
	uint8_t *data;      /* from the destination's address on; data + 14 is aligned to 4 bytes */
	uint32_t size;      /* at least 14; without the frame check sequence */
	bool checksum_good; /* TCP's or UDP's needs no look (and may be unfinished) */
	_Alignas(16) uint8_t room[NETDEV_ROOM]; /* the receiver's, while it has the buffer */
};

/* Memory that device and processor see at the same address: the heap and static storage, but no
 * stack. */
struct netdev_fragment {
	const void *data;
	uint32_t size; /* not 0 */
};

/* What netdev_send gets; it and the array of fragments are not looked at after the call. */
struct netdev_frame {
	const struct netdev_fragment *fragments;
	int n;
	/* With checksum_send, not 0: the card puts the checksum of what is from start to the end of
	 * the frame into the 16 bits at start + offset, where the sum of the pseudo-header is. */
	uint16_t checksum_start, checksum_offset;
	/* Frames with the same number stay in order. */
	uint32_t flow;
	/*
	 * The card no longer reads the fragments: called once for each frame that was taken, within
	 * 10 ms of that (never: by a card that fails and cannot be stopped). In a coroutine that has nothing to do with it, or is just sending another
	 * frame: it must not wait, nor take a lock that is held around netdev_send.
	 */
	void (*done)(void *arg);
	void *arg;
};

struct netdev {
	/* Constant. */
	uint8_t mac[6];
	uint16_t mtu;          /* of the payload: 1500 */
	bool checksum_send;    /* the card can fill in checksums */
	bool checksum_receive; /* it may set checksum_good */

	/* Changed by the driver, which then calls changed. */
	_Atomic bool link;   /* the cable is in */
	_Atomic bool failed; /* out of service for good */

	/* Counted by the driver: frames; lost: received, and no buffer was there to take the place of
	 * theirs. */
	_Atomic uint64_t sent, received, lost;

	/* Set by netdev_open. */
	void (*receive)(void *arg, struct netdev_buffer *buffer);
	void (*changed)(void *arg);
	void *arg;
};

/* The card; NULL: there is none, or it does not work, and the log says so. From a coroutine; the
 * first call may wait. */
struct netdev *netdev_first(void);

/*
 * Lets frames come. receive and changed are called in coroutines of the driver, receive in as many
 * at the same time as the card has queues; they may wait, and meanwhile frames wait in the card,
 * then get lost. Once. 0, -ENOMEM, -EIO: the card has failed.
 */
int netdev_open(struct netdev *dev, void (*receive)(void *arg, struct netdev_buffer *buffer),
		void (*changed)(void *arg), void *arg);

/* So often the card has interrupted for frames. */
uint64_t netdev_interrupts(struct netdev *dev);

/* Sends a frame; does not wait. 0: taken, and done will be called. Otherwise it will not: -EAGAIN:
 * no room now (there is some in about a millisecond); -ENETDOWN: the card has failed; -EINVAL: too
 * many fragments, or none. */
int netdev_send(struct netdev *dev, const struct netdev_frame *frame);

void netdev_release(struct netdev_buffer *buffer);

#endif

/* A card in software, in place of the one that netdev_first would find. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <vole.h>

#include "../../../drivers/netdev.h"
#include "storm.h"

enum { HEARD = 64, KEPT = 24 };

struct netdev *__wrap_netdev_first(void);
int __wrap_netdev_open(struct netdev *dev, void (*receive)(void *arg, struct netdev_buffer *buffer),
		       void (*changed)(void *arg), void *arg);
int __wrap_netdev_send(struct netdev *dev, const struct netdev_frame *frame);
void __wrap_netdev_release(struct netdev_buffer *buffer);
uint64_t __wrap_netdev_interrupts(struct netdev *dev);

static struct netdev dev = {.mac = {0x52, 0x54, 0, 0x12, 0x34, 0x56}, .mtu = 1500, .link = true};
const uint8_t our_mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
const uint8_t host_mac[6] = {2, 0x76, 0x6f, 0x6c, 0x65, 1};

/* guarded by lock */
static struct mutex lock;
static struct {
	uint8_t frame[FRAME_MAX];
	size_t size;
} heard[HEARD];
static unsigned first, last;
/* Frames that the card still has. */
static struct {
	void (*done)(void *arg);
	void *arg;
} kept[KEPT];
static unsigned nkept;

struct netdev *__wrap_netdev_first(void)
{
	return &dev;
}

int __wrap_netdev_open(struct netdev *d, void (*receive)(void *arg, struct netdev_buffer *buffer),
		       void (*changed)(void *arg), void *arg)
{
	d->receive = receive;
	d->changed = changed;
	d->arg = arg;
	return 0;
}

uint64_t __wrap_netdev_interrupts(struct netdev *d)
{
	return d->received;
}

void __wrap_netdev_release(struct netdev_buffer *buffer)
{
	free(buffer);
}

static void let_go(void)
{
	while (nkept > 0) {
		nkept--;
		kept[nkept].done(kept[nkept].arg);
	}
}

/* Some frames stay for a while, so that lwIP finds their segments busy. */
int __wrap_netdev_send(struct netdev *d, const struct netdev_frame *frame)
{
	size_t size = 0;

	mutex_lock(&lock);
	if (d->sent++ % 97 == 96) {
		mutex_unlock(&lock);
		return -EAGAIN;
	}
	if (last - first < HEARD) {
		for (int i = 0; i < frame->n; i++) {
			const struct netdev_fragment *f = &frame->fragments[i];
			size_t n = FRAME_MAX - size < f->size ? FRAME_MAX - size : f->size;

			memcpy(heard[last % HEARD].frame + size, f->data, n);
			size += n;
		}
		heard[last++ % HEARD].size = size;
	}
	if (nkept == KEPT || d->sent % 13 == 0)
		let_go();
	kept[nkept].done = frame->done;
	kept[nkept++].arg = frame->arg;
	mutex_unlock(&lock);
	return 0;
}

size_t card_heard(uint8_t *frame)
{
	size_t size = 0;

	mutex_lock(&lock);
	if (first != last) {
		size = heard[first % HEARD].size;
		memcpy(frame, heard[first++ % HEARD].frame, size);
	} else {
		let_go();
	}
	mutex_unlock(&lock);
	return size;
}

void card_deliver(const uint8_t *frame, size_t size)
{
	struct netdev_buffer *b = malloc(sizeof(*b) + 2 + FRAME_MAX);

	if (!b || !dev.receive) {
		free(b);
		return;
	}
	b->dev = &dev;
	b->data = (uint8_t *)(b + 1) + 2;
	b->size = (uint32_t)size;
	b->checksum_good = false;
	memcpy(b->data, frame, size);
	dev.received++;
	dev.receive(dev.arg, b);
}

#include "fake.h"

#include <errno.h>
#include <string.h>
#include <vole.h>

enum { HEADER = 12, FRAME_MAX = 4096, DESCRIPTOR_NEXT = 1, DESCRIPTOR_WRITE = 2 };

static struct fake *fake_of(struct virtio *v)
{
	return (struct fake *)v;
}

/* ---- Rings, from the device's side ------------------------------------------------------------ */

static bool event_index(struct fake *f)
{
	return f->accepted & BIT(VIRTIO_F_EVENT_IDX);
}

/* The next chain's first descriptor, not yet taken; -1: none. */
static int chain_next(struct fake *f, unsigned i)
{
	struct virtio_queue *q = f->queue[i].q;

	if (!q || atomic_load(&q->available->index) == f->queue[i].seen)
		return -1;
	return q->available->ring[f->queue[i].seen % q->size];
}

/* Returns a chain, and interrupts if that is asked for. */
static void chain_return(struct fake *f, unsigned i, uint32_t id, uint32_t written, uint16_t count)
{
	struct virtio_queue *q = f->queue[i].q;
	uint16_t old = f->queue[i].used;
	bool wanted;

	q->used->ring[old % q->size].id = id;
	q->used->ring[old % q->size].written = written;
	f->queue[i].used += count;
	atomic_store(&q->used->index, f->queue[i].used);
	atomic_thread_fence(memory_order_seq_cst);
	if (event_index(f)) {
		uint16_t event = *(volatile uint16_t *)&q->available->ring[q->size];

		wanted = (uint16_t)(f->queue[i].used - event - 1) < count;
	} else {
		wanted = !(*(volatile uint16_t *)&q->available->flags & 1);
	}
	if (!wanted || !q->called)
		return;
	f->interrupts++;
	virtio_called(q);
}

/* Copies what the device may read of a chain; its bytes. */
static uint32_t chain_read(struct fake *f, unsigned i, int id, uint8_t *to, uint32_t most)
{
	struct virtio_queue *q = f->queue[i].q;
	struct virtio_descriptor *d = &q->descriptors[id];
	uint32_t n = 0;

	for (;; d = &q->descriptors[d->next]) {
		uint32_t piece = d->size < most - n ? d->size : most - n;

		if (!(d->flags & DESCRIPTOR_WRITE)) {
			memcpy(to + n, (void *)(uintptr_t)d->address, piece);
			n += piece;
		}
		if (!(d->flags & DESCRIPTOR_NEXT))
			return n;
	}
}

static struct virtio_descriptor *chain_last(struct fake *f, unsigned i, int id)
{
	struct virtio_descriptor *d = &f->queue[i].q->descriptors[id];

	while (d->flags & DESCRIPTOR_NEXT)
		d = &f->queue[i].q->descriptors[d->next];
	return d;
}

/* Says which index it waits for, or that it waits; then the driver rings for it. */
static void wait_for_bell(struct fake *f, unsigned i)
{
	void *event = &f->queue[i].q->used->ring[f->queue[i].q->size];

	if (event_index(f))
		*(volatile uint16_t *)event = f->queue[i].seen;
	atomic_thread_fence(memory_order_seq_cst);
}

/* ---- Frames -------------------------------------------------------------------------------------- */

/* What goes wrong with the first frame. True: the frame is not to be handled. */
static bool do_wrong(struct fake *f, unsigned receive, int in, uint32_t room)
{
	struct virtio_queue *q = f->queue[receive].q;
	uint32_t out = (uint32_t)chain_next(f, receive + 1);

	if (f->erred)
		return true;
	f->erred = f->fault != FAULT_NONE;
	switch (f->fault) {
	case FAULT_ID:
		chain_return(f, receive, q->size + 7u, HEADER + 60, 1);
		return true;
	case FAULT_TWICE:
		q = f->queue[receive + 1].q;
		/* It must be the buffer that is wrong, not their number. */
		f->erred = (uint16_t)(q->available->index - f->queue[receive + 1].seen) >= 2;
		if (!f->erred)
			return true;
		q->used->ring[(uint16_t)(f->queue[receive + 1].used + 1) % q->size].id = out;
		chain_return(f, receive + 1, out, 0, 2);
		return true;
	case FAULT_COUNT:
		chain_return(f, receive, (uint32_t)in, HEADER + 60, q->size + 1u);
		return true;
	case FAULT_LONG:
		chain_return(f, receive, (uint32_t)in, room + 1, 1);
		return true;
	case FAULT_SHORT:
		chain_return(f, receive, (uint32_t)in, HEADER - 1, 1);
		return true;
	case FAULT_SENT_ID:
		chain_return(f, receive + 1, UINT32_MAX, 0, 1);
		return true;
	case FAULT_SENT_LONG:
		chain_return(f, receive + 1, out, 1, 1);
		return true;
	case FAULT_DEAF:
	case FAULT_RESET:
		f->status |= VIRTIO_NEEDS_RESET;
		virtio_changed(&f->virtio);
		return true;
	case FAULT_STALLED:
		return true;
	default:
		return false;
	}
}

/* Sends the frames of pair back. */
static void echo(struct fake *f, unsigned pair)
{
	static uint8_t frame[FRAME_MAX]; /* one device at a time works */
	unsigned receive = 2 * pair, send = receive + 1;
	int out, in;

	while ((out = chain_next(f, send)) >= 0 && (in = chain_next(f, receive)) >= 0) {
		struct virtio_descriptor *to = chain_last(f, receive, in);
		uint32_t n = chain_read(f, send, out, frame, sizeof frame);

		if (do_wrong(f, receive, in, to->size))
			return;
		f->frames++;
		/* A checksum that was left to the card is good for who receives it. */
		memset(frame + 1, 0, HEADER - 1);
		memcpy((void *)(uintptr_t)to->address, frame, n < to->size ? n : to->size);
		f->queue[send].seen++;
		f->queue[receive].seen++;
		chain_return(f, receive, (uint32_t)in, n, 1);
		chain_return(f, send, (uint32_t)out, 0, 1);
	}
}

/* Orders: so many pairs. */
static void obey(struct fake *f, unsigned i)
{
	uint8_t order[4] = {0};
	int id;

	while ((id = chain_next(f, i)) >= 0 && f->fault != FAULT_SILENT) {
		bool right = chain_read(f, i, id, order, sizeof order) == 4 && order[0] == 4 &&
			     order[1] == 0 && order[2] >= 1 && order[2] <= f->config.max_pairs;

		if (right)
			f->pairs = order[2];
		*(uint8_t *)(uintptr_t)chain_last(f, i, id)->address =
			right && f->fault != FAULT_ORDER ? 0 : 1;
		f->queue[i].seen++;
		chain_return(f, i, (uint32_t)id, 1, 1);
	}
}

static void reset(struct fake *f)
{
	f->resetting = false;
	for (int i = 0; i < FAKE_QUEUES; i++)
		f->queue[i].q = NULL;
	f->pairs = 1;
	f->status = 0;
}

/* Does what is to be done for the queues that were rung for, and waits. */
static void device(void *arg)
{
	struct fake *f = arg;
	unsigned control = 2u * f->config.max_pairs;

	while (!f->over) {
		event_wait(&f->doorbell);
		if (f->resetting)
			reset(f);
		/* The bell of a queue for receiving may be what frames have waited for. */
		for (unsigned pair = 0; pair < f->pairs && f->status & VIRTIO_DRIVER_OK; pair++) {
			if (!f->rung[2 * pair] && !f->rung[2 * pair + 1])
				continue;
			do {
				f->rung[2 * pair] = f->rung[2 * pair + 1] = false;
				echo(f, pair);
				wait_for_bell(f, 2 * pair);
				wait_for_bell(f, 2 * pair + 1);
			} while (f->fault == FAULT_NONE && chain_next(f, 2 * pair) >= 0 &&
				 chain_next(f, 2 * pair + 1) >= 0);
		}
		if (control < FAKE_QUEUES && f->rung[control] && f->status & VIRTIO_DRIVER_OK)
			obey(f, control);
	}
}

/* ---- Registers ----------------------------------------------------------------------------------- */

static uint8_t status(struct virtio *v)
{
	return fake_of(v)->status;
}

static void set_status(struct virtio *v, uint8_t value)
{
	struct fake *f = fake_of(v);

	if (f->fault == FAULT_NO_FEATURES)
		value &= (uint8_t)~VIRTIO_FEATURES_OK;
	if (value) {
		f->status = value;
		return;
	}
	if (f->fault == FAULT_NO_RESET ||
	    (f->fault == FAULT_DEAF && f->status & VIRTIO_NEEDS_RESET))
		return;
	/* It reads as 0 when the device has stopped. */
	f->resetting = true;
	event_post(&f->doorbell);
}

static uint32_t features(struct virtio *v, unsigned word)
{
	return (uint32_t)(fake_of(v)->offers >> 32 * word);
}

static void accept(struct virtio *v, unsigned word, uint32_t value)
{
	struct fake *f = fake_of(v);

	f->accepted &= ~((uint64_t)UINT32_MAX << 32 * word);
	f->accepted |= (uint64_t)value << 32 * word;
	if (f->accepted & ~f->offers)
		f->fault = FAULT_NO_FEATURES;
}

static int attach(struct virtio *v)
{
	return fake_of(v)->fault == FAULT_NO_IRQ ? -ENXIO : 0;
}

static uint16_t queue_size(struct virtio *v, unsigned index)
{
	struct fake *f = fake_of(v);

	if (f->fault == FAULT_NO_QUEUE && index == 1)
		return 0;
	return index < FAKE_QUEUES ? f->size : 0;
}

static int queue_start(struct virtio *v, struct virtio_queue *q)
{
	struct fake *f = fake_of(v);

	if (f->fault == FAULT_NO_START && q->index == 0)
		return -EIO;
	f->queue[q->index].seen = f->queue[q->index].used = 0;
	f->queue[q->index].q = q;
	return 0;
}

static void notify(struct virtio *v, struct virtio_queue *q)
{
	struct fake *f = fake_of(v);

	f->bells++;
	f->rung[q->index] = true;
	event_post(&f->doorbell);
}

static const struct virtio_bus bus = {status, set_status, features,    accept,
				      attach, queue_size, queue_start, notify};

/* ---- Start and end ------------------------------------------------------------------------------ */

void fake_start(struct fake *f, uint64_t offers, uint16_t size, enum fault fault)
{
	*f = (struct fake){
		.virtio = {.bus = &bus, .config = (uintptr_t)&f->config, .interrupts = 100},
		.offers = offers,
		.size = size,
		.fault = fault,
		.pairs = 1,
		.status = VIRTIO_DRIVER_OK, /* of somebody before */
		.config = {.mac = {2, 0, 0, 0, 0, 9}, .status = 1, .max_pairs = 1, .mtu = 1500}};
	if (offers & BIT(F_MQ))
		f->config.max_pairs = (FAKE_QUEUES - 1) / 2;
	strcpy(f->virtio.name, "fake");
	waitgroup_go(&f->ended, device, f);
}

void fake_end(struct fake *f)
{
	f->over = true;
	event_post(&f->doorbell);
	waitgroup_wait(&f->ended);
}

void fake_link(struct fake *f, bool up)
{
	f->config.status = up;
	virtio_changed(&f->virtio);
}

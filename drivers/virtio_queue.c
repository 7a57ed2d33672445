/*
 * Split queues (virtio 2.7). Descriptors go to the device through the available ring, and come back
 * through the used ring. Invariant: of what the device writes only the used ring is read, and every
 * number in it is checked before it is used; chains are followed in slots, which the device does not
 * know.
 */
#include <errno.h>
#include <string.h>

#include "arch/arch.h"
#include "drivers/virtio.h"
#include "kernel/heap.h"
#include "kernel/shared.h"

enum { DESCRIPTOR_NEXT = 1, DESCRIPTOR_WRITE = 2 };
enum { AVAILABLE_NO_INTERRUPT = 1, USED_NO_NOTIFY = 1 };

/* 2.7.10: behind the rings, with VIRTIO_F_EVENT_IDX. */
static uint16_t *used_event(struct virtio_queue *q)
{
	return &q->available->ring[q->size];
}

static uint16_t *available_event(struct virtio_queue *q)
{
	return (uint16_t *)&q->used->ring[q->size];
}

int virtio_queue_make(struct virtio_queue *q, struct virtio *v, unsigned index, uint16_t size,
		      struct event *called)
{
	uint16_t most = v->bus->queue_size(v, index);
	size_t rings, used;
	char *memory;

	if (most == 0)
		return -ENXIO;
	while (size > most)
		size /= 2;
	used = (size * (sizeof(struct virtio_descriptor) + sizeof(uint16_t)) +
		sizeof(struct virtio_available) + sizeof(uint16_t) + 3) &
	       ~(size_t)3;
	rings = used + sizeof(struct virtio_used) + size * sizeof(q->used->ring[0]) +
		sizeof(uint16_t);
	memory = heap_alloc_aligned(PAGE_SIZE, rings);
	*q = (struct virtio_queue){.dev = v, .index = index, .size = size, .called = called};
	q->slots = heap_alloc(size * sizeof(q->slots[0]));
	if (!memory || !q->slots) {
		heap_free(memory);
		heap_free(q->slots);
		return -ENOMEM;
	}
	memset(memory, 0, rings);
	q->descriptors = (struct virtio_descriptor *)memory;
	q->available = (struct virtio_available *)&q->descriptors[size];
	q->used = (struct virtio_used *)(memory + used);
	q->nfree = size;
	for (unsigned i = 0; i < size; i++)
		q->slots[i] = (struct virtio_slot){.next = (uint16_t)(i + 1)};
	virtio_quiet(q);
	return 0;
}

bool virtio_put(struct virtio_queue *q, const struct virtio_piece *pieces, int reads, int writes,
		void *token)
{
	uint16_t head = q->free, last = head;
	struct virtio_slot *slot = &q->slots[head];
	int n = reads + writes;

	if (n > q->nfree)
		return false;
	*slot = (struct virtio_slot){.token = token, .length = (uint16_t)n, .next = slot->next};
	for (int i = 0; i < n; i++) {
		uint16_t flags = (i < reads ? 0 : DESCRIPTOR_WRITE) |
				 (i < n - 1 ? DESCRIPTOR_NEXT : 0);

		last = q->free;
		q->free = q->slots[last].next;
		q->descriptors[last] = (struct virtio_descriptor){(uintptr_t)pieces[i].data,
								  pieces[i].size, flags, q->free};
		if (i >= reads)
			slot->room += pieces[i].size;
	}
	q->nfree = (uint16_t)(q->nfree - n);
	q->with_device++;
	q->available->ring[q->put % q->size] = head;
	/* release: with the device, which sees the descriptors that it is told of. */
	atomic_store_explicit(&q->available->index, ++q->put, memory_order_release);
	return true;
}

void virtio_tell(struct virtio_queue *q)
{
	uint16_t news = (uint16_t)(q->put - q->told);
	bool wants;

	if (news == 0)
		return;
	/* seq_cst: with the device. Our index is written before we look whether the device waits for it; the device
	 * says that it waits before it looks at our index. */
	atomic_thread_fence(memory_order_seq_cst);
	if (virtio_has(q->dev, VIRTIO_F_EVENT_IDX))
		/* It waits for the entry behind this index to be put: is it among the news? */
		wants = (uint16_t)(q->put - 1 - shared_get(*available_event(q))) < news;
	else
		wants = !(shared_get(q->used->flags) & USED_NO_NOTIFY);
	q->told = q->put;
	if (wants)
		q->dev->bus->notify(q->dev, q);
}

static void *free_chain(struct virtio_queue *q, uint16_t head)
{
	uint16_t last = head;
	void *token = q->slots[head].token;

	for (int i = 1; i < q->slots[head].length; i++)
		last = q->slots[last].next;
	q->nfree = (uint16_t)(q->nfree + q->slots[head].length);
	q->with_device--;
	q->slots[head].token = NULL;
	q->slots[last].next = q->free;
	q->free = head;
	return token;
}

void *virtio_take(struct virtio_queue *q, uint32_t *written)
{
	/* acquire: with the device; what it wrote before is seen. */
	uint16_t back =
		(uint16_t)(atomic_load_explicit(&q->used->index, memory_order_acquire) - q->taken);
	volatile const uint32_t *entry = &q->used->ring[q->taken % q->size].id;
	uint32_t id, bytes;

	if (back == 0 || virtio_failed(q->dev))
		return NULL;
	if (back > q->with_device) {
		virtio_fail(q->dev, "queue %u: it returns %u buffers, and has %u", q->index, back,
			    q->with_device);
		return NULL;
	}
	id = entry[0];
	bytes = entry[1];
#ifndef PLANT_TRUST_DEVICE
	if (id >= q->size || !q->slots[id].token) {
		virtio_fail(q->dev, "queue %u: it returns buffer %u, which it does not have",
			    q->index, id);
		return NULL;
	}
	if (bytes > q->slots[id].room) {
		virtio_fail(q->dev, "queue %u: it has written %u bytes to a buffer of %u", q->index,
			    bytes, q->slots[id].room);
		return NULL;
	}
#endif
	q->taken++;
	*written = bytes;
	return free_chain(q, (uint16_t)id);
}

void *virtio_take_back(struct virtio_queue *q)
{
	for (uint16_t i = 0; q->with_device > 0 && i < q->size; i++)
		if (q->slots[i].token)
			return free_chain(q, i);
	return NULL;
}

/* ---- Interrupts --------------------------------------------------------------------------------- */

void virtio_quiet(struct virtio_queue *q)
{
	/* It interrupts when it passes this entry: that was the last one before. */
	if (virtio_has(q->dev, VIRTIO_F_EVENT_IDX))
		shared_set(*used_event(q), (uint16_t)(q->taken - 1));
	else
		shared_set(q->available->flags, AVAILABLE_NO_INTERRUPT);
}

bool virtio_call_me(struct virtio_queue *q)
{
#ifdef PLANT_LOST_INTERRUPT
	if (atomic_load_explicit(&q->used->index, memory_order_relaxed) != q->taken)
		return false;
	for (volatile int i = 0; i < 3000; i++)
		;
	shared_set(*used_event(q), q->taken);
	shared_set(q->available->flags, 0);
	return true;
#endif
	if (virtio_has(q->dev, VIRTIO_F_EVENT_IDX))
		shared_set(*used_event(q), q->taken);
	else
		shared_set(q->available->flags, 0);
	/* seq_cst: with the device. We say that we wait, then look; the device puts, then looks whether we wait. */
	atomic_thread_fence(memory_order_seq_cst);
	return atomic_load_explicit(&q->used->index, memory_order_relaxed) == q->taken;
}

void virtio_called(void *arg)
{
	struct virtio_queue *q = arg;

	/* The coroutine looks for more before it waits, so until then nothing need be told. */
	if (!virtio_has(q->dev, VIRTIO_F_EVENT_IDX))
		shared_set(q->available->flags, AVAILABLE_NO_INTERRUPT);
	atomic_fetch_add_explicit(&q->interrupts, 1, memory_order_relaxed);
	event_post(q->called);
}

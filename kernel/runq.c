/* What the run queue does once a chunk. */
#include "kernel/runq.h"

#include "kernel/core.h"
#include "kernel/page.h"

/* The chunk that ends at at. */
static struct runq_chunk *chunk_before(struct co **at)
{
	return (struct runq_chunk *)at - 1;
}

static void *grow(void *to, void *)
{
	struct runq *q = to;
	struct runq_chunk *chunk = page_alloc(0);

	if (!chunk)
		return NULL;
	if (q->tail)
		chunk_before(q->tail)->next = chunk;
	else
		q->head = chunk->co;
	q->tail = chunk->co;
	return chunk;
}

bool runq_grow(struct runq *q)
{
	return core_call(grow, q, NULL);
}

static void *advance(void *in, void *)
{
	struct runq *q = in;
	struct runq_chunk *done = chunk_before(q->head);

	q->head = done->next->co;
	page_free(done, 0);
	return NULL;
}

void runq_advance(struct runq *q)
{
	core_call(advance, q, NULL);
}

void runq_renew(struct runq *q)
{
	struct runq_chunk *chunk;

	/* At the end of a chunk it may be grow that asks for memory. */
	if (!runq_len(q) && !runq_chunk_ends(q->tail)) {
		chunk = page_renew(
			(void *)((uintptr_t)(q->tail - 1) & ~(uintptr_t)(PAGE_SIZE - 1)));
		q->head = q->tail = chunk->co;
	}
}

/* What the run queue does once a chunk, and the plain FIFO. */
#include "kernel/runq.h"

#include "kernel/core.h"
#include "kernel/page.h"

static void begin_at(struct runq *q, struct runq_chunk *chunk)
{
	q->first = chunk;
	q->head = chunk->co;
	q->head_end = chunk->co + sizeof(chunk->co) / sizeof(chunk->co[0]);
}

static void *grow(void *to, void *)
{
	struct runq *q = to;
	struct runq_chunk *chunk = q->spare;

	if (q->last && !runq_len(q)) {
		begin_at(q, q->last);
		q->tail = q->head;
		return q->last;
	}
	q->spare = NULL;
	if (!chunk && !(chunk = page_alloc(0)))
		return NULL;
	chunk->next = NULL;
	if (q->last)
		q->last->next = chunk;
	else
		begin_at(q, chunk);
	q->last = chunk;
	q->tail = chunk->co;
	q->tail_end = chunk->co + sizeof(chunk->co) / sizeof(chunk->co[0]);
	return chunk;
}

bool runq_grow(struct runq *q)
{
	return core_call(grow, q, NULL);
}

static void *advance(void *in, void *)
{
	struct runq *q = in;
	struct runq_chunk *done = q->first;

	begin_at(q, done->next);
	if (q->spare)
		page_free(done, 0);
	else
		q->spare = done;
	return NULL;
}

void runq_advance(struct runq *q)
{
	core_call(advance, q, NULL);
}

void co_list_put(struct co_list *list, struct co *co)
{
	co->next = NULL;
	if (list->last)
		list->last->next = co;
	else
		shared_set(list->first, co);
	list->last = co;
	shared_add(list->count, 1);
}

struct co *co_list_get(struct co_list *list)
{
	struct co *co = list->first;

	if (co) {
		shared_set(list->first, co->next);
		if (!list->first)
			list->last = NULL;
		shared_add(list->count, -1);
	}
	return co;
}

/*
 * Readers and writers wait in one queue, in the order of their coming, and are handed the lock: a
 * reader that finds anybody waiting queues up behind, so writers are not starved, and after a
 * writer the readers in front of the next writer go together, so neither are readers.
 */
#include <vole/sync.h>

#include "debug/who.h"
#include "kernel/sched.h"
#include "sync/held.h"

enum { READER, WRITER };

/* Gives the lock to those at the front who can have it now; they are to be made ready. */
static struct wait_node *hand_over(struct rwmutex *m)
{
	struct wait_node *list = NULL, **end = &list, *node;

	while ((node = m->waiters.first) && !m->writer) {
		if (node->value == WRITER && m->readers)
			break;
		wait_queue_remove(&m->waiters, node);
		wait_claim(node->co, node->value);
		if (node->value == WRITER)
			shared_set(m->writer, node->co->id);
		else
			m->readers++;
		*end = node;
		end = &node->next;
	}
	*end = NULL;
	return list;
}

/* Readers are ordered with writers only: m for what writers did, &m->readers for what readers did. */
static void rwmutex_taken(struct rwmutex *m, int32_t as)
{
	order_in(m);
	if (as == WRITER)
		order_in(&m->readers);
}

/* Takes it at once, or (lock held, and given back) waits to be handed it. */
static bool rwmutex_take(struct rwmutex *m, int32_t as, bool try)
{
	struct co *self = arch_current();
	struct wait_node node = {.value = as};

	lock(&m->lock);
	if (m->writer == self->holder && !try)
		panic("rwmutex locked twice by coroutine %lu \"%s\": %p", self->id, co_name(self),
		      (void *)m);
	if (!m->writer && !m->waiters.first && (as == READER || !m->readers)) {
		if (as == READER)
			m->readers++;
		else
			shared_set(m->writer, self->holder);
		unlock(&m->lock);
		rwmutex_taken(m, as);
		return true;
	}
	if (try) {
		unlock(&m->lock);
		return false;
	}
	wait_object_shown(m);
	wait_in_till_served(&m->waiters, &node, &m->lock,
			    as == READER ? WAIT_RWMUTEX_READ : WAIT_RWMUTEX_WRITE, m);
	wait_object_gone();
	preempt_enable();
	rwmutex_taken(m, as);
	return true;
}

void rwmutex_lock(struct rwmutex *m)
{
	call_may_wait("rwmutex_lock");
	rwmutex_take(m, WRITER, false);
}

void rwmutex_rlock(struct rwmutex *m)
{
	call_may_wait("rwmutex_rlock");
	rwmutex_take(m, READER, false);
}

bool rwmutex_try_lock(struct rwmutex *m)
{
	call_outside_handler("rwmutex_try_lock");
	return rwmutex_take(m, WRITER, true);
}

bool rwmutex_try_rlock(struct rwmutex *m)
{
	call_outside_handler("rwmutex_try_rlock");
	return rwmutex_take(m, READER, true);
}

static void rwmutex_give(struct rwmutex *m)
{
	struct wait_node *list = hand_over(m);

	spin_unlock(&m->lock);
	wait_ready_all(list);
	preempt_enable();
}

void rwmutex_unlock(struct rwmutex *m)
{
	struct co *self = arch_current();

	call_outside_handler("rwmutex_unlock");
	lock(&m->lock);
	if (m->writer != self->holder) {
		if (!m->writer)
			panic("unlock of a rwmutex that is not locked: %p", (void *)m);
		co_panic_held("unlock of a rwmutex that", m->writer, m);
	}
	shared_set(m->writer, 0);
	order_out(m);
	rwmutex_give(m);
}

void rwmutex_runlock(struct rwmutex *m)
{
	call_outside_handler("rwmutex_runlock");
	lock(&m->lock);
	if (m->readers == 0)
		panic("runlock of a rwmutex that no reader has locked: %p", (void *)m);
	m->readers--;
	order_out(&m->readers);
	rwmutex_give(m);
}

/*
 * A coroutine is found by its id when all are looked at, and a dump would do that for each one that waits. So one look
 * finds many: the holder that is wanted, and those of the waiters that come next in memory, which is the order of a
 * dump of many. They are kept in a table by ids (open addressing, Knuth 6.4).
 *
 * While others run, holders change: one that the table does not have costs another look. A dump has few of these.
 */
#include "debug/holders.h"

#include <string.h>

#include <vole/time.h>

#include "debug/panic.h"
#include "kernel/irq.h"
#include "kernel/lock.h"
#include "sync/held.h"

enum { AHEAD = 512, PLACES = 2 * AHEAD };
enum { LOOKS_FREE = 64, ASKED_PER_LOOK = 64 };
/* Another dump, or the one that was interrupted by this, has the table. */
enum { PATIENCE = 100 * NSEC_PER_USEC };

static struct spinlock table_lock;
/* guarded by table_lock */
static struct place {
	uint64_t id; /* 0: nothing is here */
	const struct co *co;
} places[PLACES];
static size_t asked, looks;

static struct place *place_of_holder(uint64_t id)
{
	size_t i = (size_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 32) % PLACES;

	while (places[i].id && places[i].id != id)
		i = (i + 1) % PLACES;
	return &places[i];
}

struct ahead {
	const struct co *waiter;
	size_t left; /* so many holders may come into the table */
	bool reached;
};

static void want_holder(struct ahead *ahead, uint64_t id)
{
	struct place *place = place_of_holder(id);

	if (place->id)
		return;
	place->id = id;
	ahead->left--;
}

static void look_ahead(struct co *co, void *arg)
{
	struct ahead *ahead = arg;
	uint64_t id;

	ahead->reached |= co == ahead->waiter;
	if (!ahead->reached || !ahead->left || shared_get(co->state) != CO_WAITING)
		return;
	id = wait_holder(co);
	if (id && !(id & HOLDER_CORE))
		want_holder(ahead, id);
}

static void note_holder(struct co *co, void *unused)
{
	struct place *place = place_of_holder(shared_get(co->id));

	(void)unused;
	if (place->id)
		place->co = co;
}

static void look_for_holders(const struct co *waiter, uint64_t id)
{
	struct ahead ahead = {.waiter = waiter, .left = AHEAD};

	memset(places, 0, sizeof(places));
	want_holder(&ahead, id);
	co_each(look_ahead, &ahead);
	co_each(note_holder, NULL);
}

/* A coroutine on its way out has ended, for others: runtime_count does not have it any more. */
static bool is_holder(const struct place *place, uint64_t id, struct co_who *who)
{
	return place->co && co_look(place->co, who) && who->id == id &&
	       !(shared_get(place->co->flags) & CO_COUNTED);
}

static enum holder_found find_in_table(const struct co *waiter, uint64_t id, struct co_who *who)
{
	asked++;
	if (is_holder(place_of_holder(id), id, who))
		return HOLDER_FOUND;
	if (looks > LOOKS_FREE + asked / ASKED_PER_LOOK)
		return HOLDER_NOT_SOUGHT;
	looks++;
	look_for_holders(waiter, id);
	return is_holder(place_of_holder(id), id, who) ? HOLDER_FOUND : HOLDER_ENDED;
}

void holders_begin(void)
{
	struct co *self = arch_current();

	self->nopreempt++;         /* not preempt_disable: this may be a handler */
	if (shared_get(panicking)) /* who has it has stopped */
		atomic_store_explicit(&table_lock.held, 0, memory_order_relaxed);
	if (spin_lock_for(&table_lock, PATIENCE)) {
		memset(places, 0, sizeof(places));
		asked = looks = 0;
		spin_unlock(&table_lock);
	}
	preempt_enable_anywhere(self);
}

enum holder_found holder_find(const struct co *waiter, uint64_t id, struct co_who *who)
{
	enum holder_found found;

	if (!spin_lock_for(&table_lock, PATIENCE))
		return HOLDER_NOT_SOUGHT;
	found = find_in_table(waiter, id, who);
	spin_unlock(&table_lock);
	return found;
}

#include "kernel/wheel.h"

#include "debug/order.h"
#include "debug/trace.h"
#include "kernel/core.h"
#include "kernel/lock.h"

/* Timers fired by one call: bounds how long the scheduler is busy with them. */
enum { WHEEL_BATCH = 256 };

/* Timers that go off sooner after others are late by as much. */
enum { TIMER_GAP = 20 * 1000 };

/* Nine digits of 6 bits hold every tick. */
_Static_assert(6 * WHEEL_LEVELS >= 64 - WHEEL_TICK_SHIFT && 6 * WHEEL_LEVELS < 64, "levels");

/* A link that is not a slot's is the first member of its node. */
static struct wheel_node *node_of(struct wheel_link *link)
{
	return (struct wheel_node *)link;
}

void wheel_init(struct wheel *wheel)
{
	struct wheel_link *slot = &wheel->slot[0][0];

	shared_set(wheel->next, TIME_NEVER);
	for (int i = 0; i < WHEEL_LEVELS * WHEEL_SLOTS; i++)
		slot[i].next = slot[i].prev = &slot[i];
}

static uint64_t tick_of(uint64_t ns)
{
	return ns >> WHEEL_TICK_SHIFT;
}

/* Puts node where it belongs, seen from wheel->tick. */
static void wheel_put(struct wheel *wheel, struct wheel_node *node)
{
	uint64_t tick = tick_of(node->deadline);

	if (tick < wheel->tick)
		tick = wheel->tick;

	/* The highest digit (of 6 bits) in which it differs from now. */
	uint64_t differs = tick ^ wheel->tick;
	unsigned level = differs ? (63 - (unsigned)__builtin_clzl(differs)) / 6 : 0;

	unsigned index = tick >> (6 * level) & (WHEEL_SLOTS - 1);
	struct wheel_link *slot = &wheel->slot[level][index];

	node->link = (struct wheel_link){.next = slot, .prev = slot->prev};
	slot->prev->next = &node->link;
	slot->prev = &node->link;
#ifdef PLANT_NARROW_SHIFT
	wheel->occupied[level] |= (uint64_t)(1 << index); /* the fault: of an int */
#endif
	wheel->occupied[level] |= UINT64_C(1) << index;
}

static void remove_node(struct wheel *wheel, struct wheel_node *node)
{
	struct wheel_link *next = node->link.next, *prev = node->link.prev;

	next->prev = prev;
	prev->next = next;
	if (next == prev) { /* the slot alone is left in the ring */
		size_t at = (size_t)(next - &wheel->slot[0][0]);

		wheel->occupied[at / WHEEL_SLOTS] &= ~(UINT64_C(1) << at % WHEEL_SLOTS);
	}
	node->link = (struct wheel_link){NULL, NULL};
}

void wheel_start(struct wheel_node *node)
{
	struct core *core = core_here();
	struct wheel *wheel = &core->wheel;
	bool sooner;

	spin_lock(&wheel->lock);
	node->core = core;
	wheel_put(wheel, node);
	shared_add(wheel->pending, 1);
	sooner = node->deadline < shared_get(wheel->next);
	if (sooner)
		shared_set(wheel->next, node->deadline);
	spin_unlock(&wheel->lock);
	if (sooner)
		core_timer_by(core, node->deadline);
}

void wheel_again(struct wheel_node *node, uint64_t deadline)
{
	struct wheel *wheel = &node->core->wheel;

	assert_locked(&wheel->lock);
	if (deadline == TIME_NEVER)
		return;
	shared_set(node->deadline, deadline); /* timer_stop looks at it */
	wheel_put(wheel, node);
	shared_add(wheel->pending, 1);
}

bool wheel_stop(struct wheel_node *node)
{
	struct wheel *wheel = &node->core->wheel;
	bool pending;

	spin_lock(&wheel->lock);
	pending = node->link.next != NULL;
	if (pending) {
		remove_node(wheel, node);
		shared_add(wheel->pending, -1);
	}
	spin_unlock(&wheel->lock);
	return pending;
}

/* The lowest level that has a slot after (level 0: at) now, and that slot; -1: nothing pending. */
static int first_slot(const struct wheel *wheel, unsigned *index)
{
	for (int level = 0; level < WHEEL_LEVELS; level++) {
		unsigned at = wheel->tick >> (6 * level) & (WHEEL_SLOTS - 1);
		uint64_t ahead = wheel->occupied[level] >> at << at;

		if (level > 0)
			ahead &= ~(UINT64_C(1) << at);
		if (ahead) {
			*index = (unsigned)__builtin_ctzl(ahead);
			return level;
		}
	}
	return -1;
}

/* The tick at which slot index of level begins. */
static uint64_t slot_tick(const struct wheel *wheel, int level, unsigned index)
{
	uint64_t above = wheel->tick >> (6 * (level + 1)) << (6 * (level + 1));

	return above | (uint64_t)index << (6 * level);
}

/* The earliest deadline of a short list; the beginning of the slot for a long one. */
static uint64_t earliest(const struct wheel *wheel, int level, unsigned index)
{
	uint64_t deadline = TIME_NEVER;
	int n = 0;

	const struct wheel_link *slot = &wheel->slot[level][index];

	for (struct wheel_link *at = slot->next; at != slot; at = at->next) {
		if (++n > 8 && level > 0)
			return slot_tick(wheel, level, index) << WHEEL_TICK_SHIFT;
		if (node_of(at)->deadline < deadline)
			deadline = node_of(at)->deadline;
	}
	return deadline;
}

/* Fires what is due, in batches; returns when to call again. */
static __attribute__((noinline)) uint64_t advance_to(struct wheel *wheel, uint64_t now)
{
#ifdef PLANT_EARLY_TIMER
	now += 100 * 1000;
#endif
	uint64_t target = tick_of(now);
	uint64_t next = TIME_NEVER;
	unsigned index;
	int fired = 0, level;

	spin_lock(&wheel->lock);
	while ((level = first_slot(wheel, &index)) >= 0) {
		uint64_t at = slot_tick(wheel, level, index);

		if (at > target)
			break;
		if (at > wheel->tick)
			wheel->tick = at;

		struct wheel_link *slot = &wheel->slot[level][index];

		if (level > 0) { /* time has entered the block: spread it over the levels below */
			struct wheel_link *link = slot->next;

			slot->next = slot->prev = slot;
			wheel->occupied[level] &= ~(UINT64_C(1) << index);
			while (link != slot) {
				struct wheel_node *node = node_of(link);

				link = link->next;
				__builtin_prefetch(link);
				wheel_put(wheel, node);
			}
			continue;
		}

		bool left = false;

		for (struct wheel_link *link = slot->next, *after;
		     link != slot && fired < WHEEL_BATCH; link = after) {
			struct wheel_node *node = node_of(link);

			after = link->next;
			if (node->deadline > now) {
				left = true;
				continue;
			}
			remove_node(wheel, node);
			shared_add(wheel->pending, -1);
			order_nobody(true);
			node->fire(node, now);
			order_nobody(false);
			fired++;
		}
		if (left || fired == WHEEL_BATCH)
			break;
	}
	if (fired == WHEEL_BATCH) {
		next = now;
	} else {
		level = first_slot(wheel, &index);
		if (level >= 0)
			next = earliest(wheel, level, index);
		/* Time has passed; nothing is in the slots that it passed over. */
		uint64_t limit = level < 0 ? target : slot_tick(wheel, level, index);

		if (limit > target)
			limit = target;
		if (limit > wheel->tick)
			wheel->tick = limit;
	}
	shared_set(wheel->next, next);
	spin_unlock(&wheel->lock);
	return next;
}

uint64_t wheel_serve(struct core *core)
{
	uint64_t next = shared_get(core->wheel.next);

	if (next <= core->now) {
		core->elsewhere = true; /* so what timers make ready is filed */
		next = advance_to(&core->wheel, core->now);
		core->timers_after = core->now + TIMER_GAP;
		trace_always(core, TRACE_TIMER, 0, 0);
	}
	return next > core->now && next < core->timers_after ? core->timers_after : next;
}

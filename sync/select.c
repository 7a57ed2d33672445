/*
 * Select, as in Go: all channels of the cases are locked together, in the order of their addresses,
 * so a select acts at one instant. Among the cases that are ready one is chosen by chance; when
 * none is, the coroutine waits in all the queues, and the first peer, close, deadline or
 * cancellation that claims its one wait wins.
 */
#include <errno.h>

#include "debug/calls.h"
#include "debug/trace.h"
#include "kernel/heap.h"
#include "kernel/sched.h"
#include "sync/chan.h" /* PLANT_CLAIM_ORDER */

enum { CASES_ON_STACK = 16, CASES_MAX = 65536 };

static bool live(const struct select_case *k)
{
	return k->chan && k->op != SELECT_NONE;
}

/* Shell's sort (1959), with Ciura's gaps (2001): no recursion. */
static void sort(struct chan **order, int n)
{
	static const int gaps[] = {17961, 7983, 3548, 1577, 701, 301, 132, 57, 23, 10, 4, 1};
	enum { GAPS = sizeof(gaps) / sizeof(gaps[0]) };

	for (int g = n > CASES_ON_STACK ? 0 : GAPS - 3; g < GAPS; g++)
		for (int i = gaps[g]; i < n; i++) {
			struct chan *c = order[i];
			int j = i;

			for (; j >= gaps[g] && order[j - gaps[g]] > c; j -= gaps[g])
				order[j] = order[j - gaps[g]];
			order[j] = c;
		}
}

/* The channels of the cases, in the order of their addresses; or -EINVAL. */
static int make_order(struct select *s)
{
	struct chan *last = NULL;
	bool in_order = true; /* as they often are */
	int n = 0, unique = 0;

	for (int i = 0; i < s->n; i++) {
		const struct select_case *k = &s->cases[i];

		if ((unsigned)k->op > SELECT_SEND)
			return -EINVAL;
		if (!live(k))
			continue;
		if (k->op == SELECT_SEND && !k->elem && k->chan->elem_size)
			return -EINVAL;
		in_order &= last < k->chan;
		last = s->order[n++] = k->chan;
	}
	if (!in_order) {
		sort(s->order, n);
		for (int i = 0; i < n; i++)
			if (i == 0 || s->order[i] != s->order[i - 1])
				s->order[unique++] = s->order[i];
		n = unique;
	}
	s->channels = n;
	return 0;
}

static void lock_all(const struct select *s)
{
	if (!smp_how())
		for (int i = 0; i < s->channels; i++)
			spin_lock_as(&s->order[i]->lock, 0);
	else
		for (int i = 0; i < s->channels; i++)
			spin_lock(&s->order[i]->lock);
}

static void unlock_all(const struct select *s)
{
	for (int i = s->channels; i-- > 0;)
		spin_unlock(&s->order[i]->lock);
}

/* Somebody in q still waits: not one whose wait has been ended by something else. */
static bool has_waiter(const struct wait_queue *q)
{
	for (const struct wait_node *node = q->first; node; node = node->next)
		if (atomic_load_explicit(&node->co->claim, memory_order_relaxed) == WAIT_OPEN)
			return true;
	return false;
}

static bool arm_is_ready(const struct select_case *k)
{
	const struct chan *c = k->chan;

	if (c->closed)
		return true;
	if (k->op == SELECT_SEND)
		return c->count < c->capacity || has_waiter(&c->receivers);
	return c->count || has_waiter(&c->senders);
}

/* xorshift (Marsaglia 2003), a state for each core. */
static uint32_t random_below(uint32_t n)
{
	struct core *core = core_here();
	uint32_t x = core->random;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	core->random = x;
	return (uint32_t)(((uint64_t)x * n) >> 32);
}

/* One of the ready cases, each with the same chance (a reservoir of one); -1: none. */
static int choose_arm(const struct select *s)
{
	uint32_t ready = 0;
	int chosen = -1;

	for (int i = 0; i < s->n; i++)
		if (live(&s->cases[i]) && arm_is_ready(&s->cases[i]) && random_below(++ready) == 0)
			chosen = i;
	return chosen;
}

/* All locked: makes one ready case happen. Its index, or -EAGAIN. */
static int act(const struct select *s, struct co **wake)
{
	int i;

	/* A peer that was seen waiting may be claimed by its deadline before it is by us. */
	while ((i = choose_arm(s)) >= 0) {
		struct select_case *k = &s->cases[i];
		int result = k->op == SELECT_SEND ? chan_send_now(k->chan, k->elem, wake)
						  : chan_recv_now(k->chan, k->elem, wake);

		if (result != -EAGAIN) {
			k->status = result;
#ifdef PLANT_SELECT_TWO_ARMS
			k = &s->cases[choose_arm(s) < 0 ? i : choose_arm(s)];
			if (k != &s->cases[i] && k->op == SELECT_RECV && !*wake)
				chan_recv_now(k->chan, k->elem, wake);
#endif
			return i;
		}
	}
	return -EAGAIN;
}

static __attribute__((noinline)) void trace_case(const struct select_case *k, const struct co *peer)
{
	if (k->op == SELECT_SEND)
		trace_send(k->chan, peer);
	else
		trace_receive(k->chan, peer);
}

static struct wait_queue *queue_of(const struct select_case *k)
{
	return k->op == SELECT_SEND ? &k->chan->senders : &k->chan->receivers;
}

/* Gives nodes[0..n) the numbers 0..n, in any order (Fisher and Yates 1938, inside out). */
static void deal(const struct select *s)
{
	for (int i = 0; i < s->n; i++) {
		int j = (int)random_below((uint32_t)i + 1);

		s->nodes[i].value = s->nodes[j].value;
		s->nodes[j].value = i;
	}
}

/* All locked: waits in every queue. The index that won, or why none did. */
static int wait_for_any(struct select *s, uint64_t deadline)
{
	bool dealt = s->channels < s->n;
	int32_t claim;

	s->co = arch_current();
	s->self = s;
	wait_open(s->channels ? WAIT_SELECT : WAIT_SELECT_NONE, NULL);
	/* Two cases may have the same channel, and peers take the first node that they find: it is to be chance. */
	if (dealt)
		deal(s);
	for (int i = 0; i < s->n; i++) {
		struct wait_node *node = &s->nodes[i];
		struct select_case *k;

		if (!dealt)
			node->value = i;
		k = &s->cases[node->value];
		if (!live(k))
			continue;
		node->co = s->co;
		node->elem = k->elem;
		node->ok = false;
		wait_queue_put(queue_of(k), node);
	}
	unlock_all(s);
	claim = wait_park_cancellable(deadline);
	/* The losers leave their queues; the winner's node was taken out by who claimed it, and its
	 * channel may be gone by now. */
	for (int i = 0; i < s->n; i++) {
		struct wait_node *node = &s->nodes[i];
		struct select_case *k = &s->cases[node->value];

		if (node->value == claim) {
			k->status = node->ok ? 0 : -EPIPE;
		} else if (live(k) && wait_queue_leave(node)) {
			spin_lock(&k->chan->lock);
			wait_queue_remove(queue_of(k), node);
			spin_unlock(&k->chan->lock);
		}
	}
	return claim;
}

static int select_run(struct select *s, bool try, uint64_t deadline)
{
	struct co *wake = NULL;
	int result = make_order(s);

	if (result)
		return result;
	if (!try && wait_cancelled())
		return -ECANCELED;
	preempt_disable();
	lock_all(s);
	result = act(s, &wake);
	if (unlikely(TRACE_ALWAYS || smp_how() > SMP_CORES) && result >= 0 &&
	    !s->cases[result].status)
		trace_case(&s->cases[result], wake);
	if (result == -EAGAIN && !try && !wait_expired(deadline)) {
		result = wait_for_any(s, deadline);
	} else {
		unlock_all(s);
		if (wake)
			sched_ready(wake);
		if (result == -EAGAIN && !try)
			result = -ETIMEDOUT;
	}
	preempt_enable();
	return result;
}

static int do_select(struct select_case *cases, int n, bool try, uint64_t deadline)
{
	struct chan *order[CASES_ON_STACK];
	struct wait_node nodes[CASES_ON_STACK];
	struct select s = {.cases = cases, .n = n, .order = order, .nodes = nodes};
	int result;

	if (n < 0 || n > CASES_MAX || (!cases && n))
		return -EINVAL;
	if (n <= CASES_ON_STACK)
		return select_run(&s, try, deadline);
	s.nodes = heap_alloc((size_t)n * (sizeof(*s.nodes) + sizeof(*s.order)));
	if (!s.nodes)
		return -ENOMEM;
	s.order = (struct chan **)(s.nodes + n);
	result = select_run(&s, try, deadline);
	heap_free(s.nodes);
	return result;
}

int chan_select(struct select_case *cases, int n)
{
	call_may_wait("chan_select");
	return do_select(cases, n, false, TIME_NEVER);
}

int chan_try_select(struct select_case *cases, int n)
{
	call_outside_handler("chan_try_select");
	return do_select(cases, n, true, 0);
}

int chan_select_until(struct select_case *cases, int n, uint64_t deadline)
{
	call_may_wait("chan_select_until");
	return do_select(cases, n, false, deadline);
}

/*
 * Generators: gen_next and gen_yield switch straight between the two coroutines; a body that blocks
 * elsewhere comes back through the run queues, and its caller waits like any other. The lock guards
 * which of them waits.
 */
#include <errno.h>
#include <string.h>

#include <vole/go.h>
#include <vole/task.h>

#include "kernel/bounds.h" /* PLANT_SHORT_BOUND */
#include "kernel/heap.h"
#include "kernel/outside.h"
#include "kernel/sched.h"
#include "kernel/stack.h"
#include "sync/group.h"
#include "sync/wait.h"

struct gen {
	struct spinlock lock;
	/* guarded by lock */
	struct co *body;   /* it waits to be resumed: not started, or in gen_yield */
	const void *value; /* in gen_yield with a value that nobody has taken */
	bool started, has_value, ended, freeing;
	struct wait_node *caller; /* in gen_next or gen_free */
	/* constant */
	size_t elem_size;
	void (*fn)(struct gen *g, void *arg);
	void *arg;
};

/* Lock held: the body is to go on; it is claimed, if it was in gen_yield. */
static struct co *take_body(struct gen *g)
{
	struct co *body = g->body;

	g->body = NULL;
	if (g->started)
		wait_claim(body, 0); /* nobody else claims it */
	return body;
}

/* Lock held: the coroutine in gen_next or gen_free, claimed, or NULL. */
static struct co *take_caller(struct gen *g, bool ok)
{
	struct wait_node *node = g->caller;
	struct co *co = node ? node->co : NULL;

	g->caller = NULL;
	if (!node || !wait_claim(node->co, 0))
		return NULL;
	node->ok = ok;
	return co;
}

static void hand_out(const struct gen *g, void *to, const void *value)
{
	if (to && g->elem_size)
		memcpy(to, value, g->elem_size);
}

static void gen_end(void *arg)
{
	struct gen *g = arg;
	struct co *caller;

	spin_lock(&g->lock);
	g->ended = true;
	order_out(g);
	caller = take_caller(g, false);
	spin_unlock(&g->lock);
	group_leave(arch_current());
	if (caller)
		sched_ready(caller);
}

static void gen_run(void *arg)
{
	struct gen *g = arg;

	co_named_after(gen_run, (uintptr_t)g->fn);
	/* It happens after go_exit too. */
	arch_current()->at_end = gen_end;
	arch_current()->end_arg = g;
	g->fn(g, g->arg);
}

struct gen *gen_make(void (*fn)(struct gen *g, void *arg), void *arg, size_t elem_size)
{
	struct gen *g;

	call_outside_handler("gen_make");
	if (!fn || elem_size > 64 * 1024) {
		errno = EINVAL;
		return NULL;
	}
	g = heap_alloc(sizeof(*g));
	if (g) {
		*g = (struct gen){.elem_size = elem_size, .fn = fn, .arg = arg};
		size_t bound = stack_bound((go_fn *)(void *)fn);

		preempt_disable();
		g->body = co_make(gen_run, g, bound ? bound + STACK_CALL : 0, 0, NULL);
		if (g->body) {
			g->body->started_at = CO_CALLED_AT;
			shared_set(g->body->state, CO_WAITING);
			shared_set(g->body->wait_reason, WAIT_GEN);
			shared_set(g->body->wait_object, g);
			group_enter(arch_current()->group, g->body);
			order_to(g->body);
			shared_add(core_here()->spawned, 1);
		}
		preempt_enable();
	}
	if (!g || !g->body) {
		heap_free(g);
		errno = ENOMEM;
		return NULL;
	}
	memory_owed(g);
	return g;
}

/* Lock held, and given back: lets the body go on if it waits, and waits for what comes of it. */
static int32_t gen_switch(struct gen *g, struct wait_node *node, bool cancellable)
{
	struct co *body;
	int32_t claim;

	wait_open(WAIT_GEN, g);
	g->caller = node;
	body = g->body ? take_body(g) : NULL;
	if (body)
		order_to(body);
	spin_unlock(&g->lock);
	claim = wait_park_after(body, cancellable);
	if (claim >= 0)
		order_in(g);
	if (claim < 0) {
		spin_lock(&g->lock);
		if (g->caller == node)
			g->caller = NULL;
		spin_unlock(&g->lock);
	}
	return claim;
}

ARCH_RETURN int gen_next(struct gen *g, void *elem)
{
	struct wait_node node = {.co = arch_current(), .elem = elem};
	int32_t claim;

	call_may_wait("gen_next");
	if (!g)
		return -EINVAL;
	if (wait_cancelled())
		return -ECANCELED;
	/* The body runs in the caller's turn: without preemption, the two would keep others out. */
	if (unlikely(shared_get(core_here()->turn_over)))
		go_yield();
	lock(&g->lock);
	if (g->has_value) { /* its caller was cancelled before it came */
		hand_out(g, elem, g->value);
		g->has_value = false;
		unlock(&g->lock);
		order_in(g);
		return 0;
	}
	if (g->ended) {
		unlock(&g->lock);
		order_in(g);
		return -EPIPE;
	}
	if (g->caller)
		panic("gen_next: another coroutine waits for generator %p", (void *)g);
	claim = gen_switch(g, &node, true);
	preempt_enable();
	if (claim < 0 || node.ok)
		return claim;
	/* The cancellation of the group may have reached the body first, and ended it. */
	return wait_cancelled() ? -ECANCELED : -EPIPE;
}

ARCH_RETURN int gen_yield(struct gen *g, const void *elem)
{
	struct co *caller, *self = arch_current();
	struct wait_node *node;
	void *to;
	bool freeing;

	call_may_wait("gen_yield");
	if (!g || (!elem && g->elem_size))
		return -EINVAL;
	lock(&g->lock);
	if (g->freeing) {
		unlock(&g->lock);
		return -ECANCELED;
	}
	order_out(g);
	node = g->caller;
	to = node ? node->elem : NULL;
	caller = take_caller(g, true);
	if (caller) {
		hand_out(g, to, elem);
	} else {
		g->value = elem;
		g->has_value = true;
	}
	wait_open(WAIT_GEN, g);
	g->body = self;
	g->started = true;
	spin_unlock(&g->lock);
	wait_park_after(caller, false);
	spin_lock(&g->lock);
	freeing = g->freeing;
	spin_unlock(&g->lock);
	preempt_enable();
	return freeing ? -ECANCELED : 0;
}

void gen_free(struct gen *g)
{
	struct wait_node node = {.co = arch_current()};

	call_may_wait("gen_free");
	if (!g)
		return;
	lock(&g->lock);
	if (g->caller)
		panic("gen_free: a coroutine waits for generator %p", (void *)g);
	g->freeing = true;
	if (!g->ended && g->body && !g->started) {
		struct co *body = g->body;

		group_leave(body);
		co_count_end(body);
		shared_set(body->state, CO_ENDED);
		co_free(body);
		g->ended = true;
	}
	if (!g->ended)
		gen_switch(g, &node, false);
	else
		spin_unlock(&g->lock);
	preempt_enable();
	heap_free(g);
}

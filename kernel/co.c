/* The life of a coroutine: made by go, run by co_begin, ended by go_exit, freed by its successor. */
#include "kernel/co.h"

#include <errno.h>
#include <string.h>

#include "debug/calls.h"
#include "debug/failing.h" /* VOLE_FAILING */
#include "debug/order.h"
#include "debug/who.h"
#include "kernel/bounds.h" /* PLANT_SHORT_BOUND */
#include "kernel/heap.h"
#include "kernel/locals.h"
#include "kernel/outside.h"
#include "kernel/sched.h" /* VOLE_PAINTED, PLANT_ON_CORE */
#include "kernel/slab.h"
#include "kernel/stack.h"

enum { COPY_MAX = 16 * 1024, ID_BATCH = 16 };
enum { BEGINNING = 512 }; /* bytes of a stack that are written before its coroutine runs, at most */

static struct slab_cache co_cache;

void co_init(void)
{
	slab_init(&co_cache, "coroutine", sizeof(struct co), 0, true);
	co_names_init();
}

/* Ids come in batches per core, so that making coroutines shares nothing. */
static uint64_t next_id(struct core *core)
{
	static _Atomic uint64_t ids = 1;

	if (core->next_id == core->last_id) {
		core->next_id = atomic_fetch_add_explicit(&ids, ID_BATCH, memory_order_relaxed);
		core->last_id = core->next_id + ID_BATCH;
	}
	return core->next_id++;
}

void co_count_end(struct co *co)
{
	struct core *core = core_here();

	if (co->flags & CO_COUNTED)
		return;
	shared_set(co->flags, co->flags | CO_COUNTED);
	shared_add(core->exited, 1);
	shared_add(core->stack_bytes, -(int64_t)(co->stack_top - co->stack_mapped));
}

/* Called last by co_begin, and so on down to arch_switch: calls and returns stay in balance. */
static void co_end(void)
{
	struct co *self = arch_current();

	if (self->defers)
		co_run_deferred();
	if (self->reent)
		libc_co_exit(self);
	preempt_disable();
	co_count_end(self); /* before those who wait for its end are told of it */
	if (self->at_end)
		self->at_end(self->end_arg);
	if (self->group)
		group_leave(self);
	sched_end();
}

/* The first function on every stack. */
static void co_begin(struct co *prev)
{
	struct co *self = arch_current();

	sched_finish(self, prev);
	preempt_enable();
	if (unlikely(self->flags & CO_MEMBER)) {
		int result = ((int (*)(void *))(void *)self->fn)(self->arg);

		if (result < 0)
			group_cancel(self->group, result);
	} else {
		self->fn(self->arg);
	}
	co_end();
}

/* What a new coroutine has; stack and stack_kind are set. */
static inline __attribute__((always_inline)) struct co *begin_with(struct co *co, go_fn *fn,
								   void *arg, struct co_name *name,
								   uintptr_t sp)
{
	co->nopreempt = 1; /* until co_begin */
	co->need_resched = 0;
	shared_set(co->frame, NULL);
	atomic_store_explicit(&co->on_core, CO_NEW, memory_order_relaxed);
	co->error = 0;
	co->cpu_ns = 0;
	co->group = NULL;
	shared_set(co->arg, arg);
	shared_set(co->wait_since, 0);
	atomic_store_explicit(&co->claim, 0, memory_order_relaxed);
	co->cancel_lock = (struct spinlock){0};
	co->defers = NULL;
	co->at_end = NULL;
	co->holder = next_id(core_here());
	/* co_look may be at work. Memory that no coroutine has had before has any id. */
	shared_set(co->id, 0);
	/* release: with the fence in co_look. Whoever sees the name sees that the old id has gone. */
	__atomic_store_n(&co->name, name, __ATOMIC_RELEASE);
	/* release: with the fence in co_look. The same of fn. */
	__atomic_store_n(&co->fn, fn, __ATOMIC_RELEASE);
	/* release: with the acquire in co_look. Whoever sees the new id sees fn and name. */
	__atomic_store_n(&co->id, co->holder, __ATOMIC_RELEASE);
	co->reent = NULL;
	shared_set(co->sp, arch_context_make((void *)sp, co_begin));
	order_begin(co);
	return co;
}

static inline __attribute__((always_inline)) struct co *alloc_with_stack(size_t bound, size_t limit)
{
	struct co *co;

	if (bound && bound <= STACK_EXACT_MAX && !limit)
		return alloc_fails() ? NULL : stack_exact_alloc(bound);
	co = alloc_fails() ? NULL : slab_alloc(&co_cache);
	if (co && (alloc_fails() || !stack_take(co, limit))) {
		slab_free(&co_cache, co);
		co = NULL;
	}
	return co;
}

static void *alloc_with_locals(void *bound, void *limit)
{
	uintptr_t locals = locals_make();
	struct co *co = NULL;

	if (locals)
		co = alloc_with_stack(bound ? (size_t)bound + LOCALS_ROOM : 0, (size_t)limit);
	if (co)
		*locals_of(co) = locals;
	else
		locals_free(locals);
	return co;
}

/* *start: where its stack begins. */
static inline struct co *co_alloc(size_t bound, size_t limit, uintptr_t *start)
{
	struct co *co;

	assert_nopreempt();
	if (unlikely(locals_room)) {
		co = core_call(alloc_with_locals, (void *)bound, (void *)limit);
		*start = co ? (uintptr_t)locals_of(co) : 0;
	} else {
		co = alloc_with_stack(bound, limit);
		*start = co ? stack_start(co) : 0;
	}
	return co;
}

struct co *co_make(go_fn *fn, void *arg, size_t bound, size_t limit, struct co_name *name)
{
	uintptr_t start;
	struct co *co = co_alloc(bound, limit, &start);

	return co ? begin_with(co, fn, arg, name, start) : NULL;
}

/* The slot of the new one gets pages down to low. Without them it is given back: NULL. */
static void *map_for_copy(void *arg, void *low)
{
	struct co *co = arg;

	if (stack_map(co, (uintptr_t)low))
		return co;
	if (locals_room)
		locals_free(*locals_of(co));
	shared_add(core_here()->stack_bytes, -(int64_t)(co->stack_top - co->stack_mapped));
	stack_give(co);
	slab_free(&co_cache, co);
	return NULL;
}

struct co *co_make_copy(go_fn *fn, const void *copy, size_t size, size_t bound)
{
	uintptr_t start, sp;
	struct co *co = co_alloc(bound ? bound + ((size + 15) & ~(size_t)15) : 0, 0, &start);

	if (!co)
		return NULL;
	sp = (start - size) & ~(uintptr_t)15;
	/* A fault of the memcpy would be the caller's, and count for nobody. */
	if (co->stack_kind < STACK_FIXED && sp - BEGINNING < co->stack_mapped &&
	    !core_call(map_for_copy, co, (void *)(sp - BEGINNING)))
		return NULL;
	memcpy((void *)sp, copy, size);
	return begin_with(co, fn, (void *)sp, NULL, sp);
}

static void *free_slowly(void *arg, void *)
{
	struct co *co = arg;

	if (co->name)
		co_name_free(co->name);
	if (locals_room)
		locals_free(*locals_of(co));
	if (co->stack_kind > STACK_FIXED) {
		stack_exact_free(co);
	} else {
		stack_give(co);
		slab_free(&co_cache, co);
	}
	return NULL;
}

void co_free(struct co *co)
{
	order_end(co);
	/* Before others have this memory, or that of its name: see co_look. */
	shared_set(co->id, 0);
	shared_set(co->state, CO_FREE);
	if (co->stack_kind > STACK_FIXED && !co->name && !locals_room)
		stack_exact_free(co);
	else
		core_call(free_slowly, co, NULL);
}

static void pin(struct co *co, int core)
{
	shared_set(co->flags, co->flags | CO_PINNED);
	co->pinned_core = (uint8_t)core;
}

static int start_if_made(struct co *co, uint32_t at)
{
	if (co) {
		co->started_at = at;
		order_to(co);
		sched_ready(co);
	}
	preempt_enable();
	return co ? 0 : -ENOMEM;
}

int go(go_fn *fn, void *arg)
{
	call_outside_handler("go");
	if (unlikely(!fn))
		return -EINVAL;
	preempt_disable();
	return start_if_made(co_make(fn, arg, stack_bound(fn), 0, NULL), CO_CALLED_AT);
}

int go_copy(go_fn *fn, const void *arg, size_t size)
{
	call_outside_handler("go_copy");
	if (!fn || (!arg && size))
		return -EINVAL;
	if (size > COPY_MAX)
		return -E2BIG;
	preempt_disable();
	return start_if_made(arg ? co_make_copy(fn, arg, size, stack_bound(fn))
				 : co_make(fn, NULL, stack_bound(fn), 0, NULL),
			     CO_CALLED_AT);
}

int go_with(const struct go_options *opt, go_fn *fn, void *arg)
{
	struct co_name *name = NULL;
	struct co *co;

	call_outside_handler("go_with");
	if (!opt)
		return go(fn, arg);
	if (!fn || opt->core < 0 || opt->core > core_count() || opt->priority < 0 ||
	    opt->priority > 1)
		return -EINVAL;
	preempt_disable();
	if (opt->name && !(name = co_name_make(opt->name)))
		return start_if_made(NULL, 0);
	co = co_make(fn, arg, stack_bound(fn), opt->stack, name);
	if (co) {
		if (opt->core > 0)
			pin(co, opt->core - 1);
		if (opt->priority)
			shared_set(co->flags, co->flags | CO_URGENT);
	} else if (name) {
		co_name_free(name);
	}
	return start_if_made(co, CO_CALLED_AT);
}

int go_defer(go_fn *fn, void *arg)
{
	struct co *self = arch_current();
	struct defer *defer;

	call_outside_handler("go_defer");
	if (!fn)
		return -EINVAL;
	defer = heap_alloc(sizeof(*defer));
	if (!defer)
		return -ENOMEM;
	*defer = (struct defer){.next = self->defers, .fn = fn, .arg = arg, .from_heap = true};
	self->defers = defer;
	return 0;
}

void co_defer(struct defer *defer, go_fn *fn, void *arg)
{
	struct co *self = arch_current();

	*defer = (struct defer){.next = self->defers, .fn = fn, .arg = arg};
	self->defers = defer;
}

void co_undefer(const struct defer *defer)
{
	struct defer **link = &arch_current()->defers;

	while (*link != defer)
		link = &(*link)->next;
	*link = defer->next;
}

void co_run_deferred(void)
{
	struct co *self = arch_current();
	struct defer *defer;

	while ((defer = self->defers)) {
		struct defer call = *defer;

		self->defers = defer->next;
		if (call.from_heap)
			heap_free(defer);
		call.fn(call.arg);
	}
}

_Noreturn void go_exit(void)
{
	call_may_wait("go_exit");
	co_end();
	__builtin_unreachable();
}

uint64_t go_id(void)
{
	call_outside_handler("go_id");
	return arch_current()->id;
}

const char *go_name(void)
{
	call_outside_handler("go_name");
	return co_name(arch_current());
}

int go_pin(int core)
{
	struct co *self = arch_current();

	call_may_wait("go_pin");
	if (core < -1 || core >= core_count())
		return -EINVAL;
	preempt_disable();
	if (core < 0)
		shared_set(self->flags, self->flags & ~CO_PINNED);
	else
		pin(self, core);

	bool move = core >= 0 && self->core->index != core;

	preempt_enable();
	if (move)
		sched_move();
	return 0;
}

bool go_shield(bool on)
{
	struct co *self = arch_current();
	bool was = self->flags & CO_SHIELDED;

	call_outside_handler("go_shield");
	shared_set(self->flags, on ? self->flags | CO_SHIELDED : self->flags & ~CO_SHIELDED);
	return was;
}

struct each {
	void (*visit)(struct co *co, void *arg);
	void *arg;
};

/* An object of size bytes ends with a struct co. */
static void visit_used(void *object, size_t size, void *arg)
{
	struct co *co = (struct co *)((char *)object + size) - 1;
	const struct each *each = arg;

	if (shared_get(co->state) != CO_FREE)
		each->visit(co, each->arg);
}

void co_each(void (*visit)(struct co *co, void *arg), void *arg)
{
	struct each each = {visit, arg};

	slab_each(&co_cache, visit_used, &each);
	stack_exact_each(visit_used, &each);
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

struct co *co_make_scheduler(struct core *core, uintptr_t stack_top, size_t size)
{
	struct co *co = slab_alloc(&co_cache);

	if (!co)
		return NULL;
	memset(co, 0, sizeof(*co));
	co_scheduler_setup(co, core);
	co->stack_mapped = stack_top - size;
	co->stack_top = core->boot_stack = stack_top;
	return co;
}

void co_scheduler_setup(struct co *co, struct core *core)
{
	co->nopreempt = 1;
	co->holder = HOLDER_CORE | (uint64_t)core_count();
	shared_set(co->flags, CO_KERNEL);
	co->stack_kind = STACK_FIXED;
	shared_set(co->state, CO_RUNNING);
	co->core = core;
	core->scheduler = co;
}

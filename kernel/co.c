/* The life of a coroutine: made by go, run by co_begin, ended by go_exit, freed by its successor. */
#include "kernel/co.h"
#include "debug/calls.h"

#include <errno.h>
#include <string.h>

#include "debug/failing.h"
#include "debug/order.h"
#include "debug/symtab.h"
#include "kernel/bounds.h"
#include "kernel/cancel.h"
#include "kernel/heap.h"
#include "kernel/locals.h"
#include "kernel/outside.h"
#include "kernel/sched.h"
#include "kernel/slab.h"
#include "kernel/stack.h"

enum { COPY_MAX = 16 * 1024, ID_BATCH = 16 };
enum { BEGINNING = 512 }; /* bytes of a stack that are written before its coroutine runs, at most */

static struct slab_cache co_cache, names;

void co_init(void)
{
	slab_init(&co_cache, "coroutine", sizeof(struct co), offsetof(struct co, next), true);
	slab_init(&names, "name", sizeof(struct co_name), 0, true);
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
	relaxed_set(co->flags, co->flags | CO_COUNTED);
	relaxed_add(core->exited, 1);
	relaxed_add(core->stack_bytes, -(int64_t)(co->stack_top - co->stack_mapped));
}

/* Called last by co_begin, and so on down to arch_switch: calls and returns stay in balance. */
static void end(void)
{
	struct co *self = arch_current();

	if (self->defers)
		co_run_deferred(NULL);
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
	end();
}

/* What a new coroutine has; stack and stack_kind are set. */
static inline __attribute__((always_inline)) struct co *begin_with(struct co *co, go_fn *fn,
								   void *arg, uintptr_t sp)
{
	co->nopreempt = 1; /* until co_begin */
	co->need_resched = 0;
	relaxed_set(co->frame, NULL);
	atomic_store_explicit(&co->on_core, CO_NEW, memory_order_relaxed);
	co->error = 0;
	co->cpu_ns = 0;
	co->group = NULL;
	co->arg = arg;
	relaxed_set(co->wait_since, 0);
	co->wait = NULL;
	co->cancel_lock = (struct spinlock){0};
	co->defers = NULL;
	co->at_end = NULL;
	co->holder = next_id(core_here());
	/* co_look may be at work. Memory that no coroutine has had before has any id, others have none. */
	relaxed_set(co->id, 0);
	/* release: with the acquire in co_name. */
	__atomic_store_n(&co->fn, fn, __ATOMIC_RELEASE);
	relaxed_set(co->name, NULL);
	/* release: with the acquire in co_look: who sees the new id does not take what is older for its own. */
	__atomic_store_n(&co->id, co->holder, __ATOMIC_RELEASE);
	co->reent = NULL;
	relaxed_set(co->sp, arch_context_make((void *)sp, co_begin));
	order_begin(co);
	return co;
}

static inline __attribute__((always_inline)) struct co *make_with_stack(size_t bound, size_t limit)
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

static void *make_with_locals(void *bound, void *limit)
{
	uintptr_t locals = locals_make();
	struct co *co = NULL;

	if (locals)
		co = make_with_stack(bound ? (size_t)bound + LOCALS_ROOM : 0, (size_t)limit);
	if (co)
		*locals_of(co) = locals;
	else
		locals_free(locals);
	return co;
}

/* *start: where its stack begins. */
static inline struct co *make(size_t bound, size_t limit, uintptr_t *start)
{
	struct co *co;

	assert_nopreempt();
	if (unlikely(locals_room)) {
		co = core_call(make_with_locals, (void *)bound, (void *)limit);
		*start = co ? (uintptr_t)locals_of(co) : 0;
	} else {
		co = make_with_stack(bound, limit);
		*start = co ? stack_start(co) : 0;
	}
	return co;
}

struct co *co_make(go_fn *fn, void *arg, size_t bound, size_t limit)
{
	uintptr_t start;
	struct co *co = make(bound, limit, &start);

	return co ? begin_with(co, fn, arg, start) : NULL;
}

/* The slot of the new one gets pages down to low. Without them it is given back: NULL. */
static void *map_for_copy(void *arg, void *low)
{
	struct co *co = arg;

	if (stack_map(co, (uintptr_t)low))
		return co;
	if (locals_room)
		locals_free(*locals_of(co));
	stack_not_used(co);
	slab_free(&co_cache, co);
	return NULL;
}

struct co *co_make_copy(go_fn *fn, const void *copy, size_t size, size_t bound)
{
	uintptr_t start, sp;
	struct co *co = make(bound ? bound + ((size + 15) & ~(size_t)15) : 0, 0, &start);

	if (!co)
		return NULL;
	sp = (start - size) & ~(uintptr_t)15;
	/* A fault of the memcpy would be the caller's, and count for nobody. */
	if (co->stack_kind < STACK_FIXED && sp - BEGINNING < co->stack_mapped &&
	    !core_call(map_for_copy, co, (void *)(sp - BEGINNING)))
		return NULL;
	memcpy((void *)sp, copy, size);
	return begin_with(co, fn, (void *)sp, sp);
}

static void *free_slowly(void *arg, void *unused)
{
	struct co *co = arg;

	(void)unused;
	if (co->name) {
		struct co_name *name = co->name;

		/* release: with the acquire in co_look: who sees it without a name sees that it has ended. */
		__atomic_store_n(&co->name, NULL, __ATOMIC_RELEASE);
		slab_free(&names, name);
	}
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
	relaxed_set(co->id, 0); /* who sees what comes after this finds no id: see co_look */
	relaxed_set(co->state, CO_FREE);
	if (co->stack_kind > STACK_FIXED && !co->name && !locals_room)
		stack_exact_free(co);
	else
		core_call(free_slowly, co, NULL);
}

static int start(struct co *co)
{
	if (co) {
		order_to(co);
		sched_start(co);
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
	return start(co_make(fn, arg, stack_bound(fn), 0));
}

int go_copy(go_fn *fn, const void *arg, size_t size)
{
	call_outside_handler("go_copy");
	if (!fn || (!arg && size))
		return -EINVAL;
	if (size > COPY_MAX)
		return -E2BIG;
	preempt_disable();
	return start(arg ? co_make_copy(fn, arg, size, stack_bound(fn))
			 : co_make(fn, NULL, stack_bound(fn), 0));
}

int go_last(go_fn *fn, void *arg, const void *after)
{
	struct co *co;

	preempt_disable();
	co = co_make(fn, arg, stack_bound(fn), 0);
	if (co) {
		order_in_of(co, after);
		sched_start_last(co);
	}
	preempt_enable();
	return co ? 0 : -ENOMEM;
}

static void name_give(struct co *co, struct co_name *name, const struct co_name *copy)
{
	/* release: with the acquire in co_look. Who sees a word of the new name sees that the one who
	 * had this memory before has no name any more, and that co has a new id. */
	atomic_thread_fence(memory_order_release);
	for (size_t i = 0; i < NAME_SIZE / sizeof(uint64_t); i++)
		relaxed_set(name->words[i], copy->words[i]);
	/* release: with the acquire in co_look and co_name: the memory of the name is one. */
	__atomic_store_n(&co->name, name, __ATOMIC_RELEASE);
	/* release: with the fence in co_look: who sees it runnable sees that it has a name. */
	atomic_thread_fence(memory_order_release);
}

int go_with(const struct go_options *opt, go_fn *fn, void *arg)
{
	struct co_name *name = NULL, copy = {0};
	struct co *co;

	call_outside_handler("go_with");
	if (!opt)
		return go(fn, arg);
	if (!fn || opt->core < 0 || opt->core > core_count || opt->priority < 0 ||
	    opt->priority > 1)
		return -EINVAL;
	if (opt->name)
		memcpy(&copy, opt->name, strnlen(opt->name, NAME_SIZE - 1));
	preempt_disable();
	if (opt->name) {
		name = alloc_fails() ? NULL : slab_alloc(&names);
		if (!name)
			return start(NULL);
	}
	co = co_make(fn, arg, stack_bound(fn), opt->stack);
	if (co) {
		if (name)
			name_give(co, name, &copy);
		if (opt->core > 0) {
			relaxed_set(co->flags, co->flags | CO_PINNED);
			co->pinned_core = (uint8_t)(opt->core - 1);
		}
		if (opt->priority)
			relaxed_set(co->flags, co->flags | CO_URGENT);
	} else if (name) {
		slab_free(&names, name);
	}
	return start(co);
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

void co_run_deferred(const struct defer *last)
{
	struct co *self = arch_current();
	const struct defer *done = NULL;
	struct defer *defer;

	while ((defer = self->defers) && (!last || done != last)) {
		struct defer call = *defer;

		done = defer;
		self->defers = defer->next;
		if (call.from_heap)
			heap_free(defer);
		call.fn(call.arg);
	}
}

_Noreturn void go_exit(void)
{
	call_may_wait("go_exit");
	end();
	__builtin_unreachable();
}

uint64_t go_id(void)
{
	call_outside_handler("go_id");
	return arch_current()->id;
}

const char *co_name(const struct co *co)
{
	/* acquire: with the release in name_give. */
	const struct co_name *name = __atomic_load_n(&co->name, __ATOMIC_ACQUIRE);
	size_t offset;

	if (name)
		return (const char *)name->words;
	if (relaxed_get(co->id) == 1)
		return "main";
	if (relaxed_get(co->flags) & CO_KERNEL)
		return "idle";
	/* acquire: with the release in begin_with. */
	return symtab_find((uintptr_t)__atomic_load_n(&co->fn, __ATOMIC_ACQUIRE), &offset);
}

bool co_look(const struct co *co, struct co_who *who)
{
	const struct co_name *name;

	/* acquire: with the release in begin_with. */
	*who = (struct co_who){.id = __atomic_load_n(&co->id, __ATOMIC_ACQUIRE)};
	if (!who->id && !(relaxed_get(co->flags) & CO_KERNEL))
		return false; /* it is being made */
	/* acquire: with the release in name_give. */
	name = __atomic_load_n(&co->name, __ATOMIC_ACQUIRE);
	if (name) {
		struct co_name copy;

		for (size_t i = 0; i < NAME_SIZE / sizeof(uint64_t); i++)
			copy.words[i] = relaxed_get(name->words[i]);
		memcpy(who->name, &copy, NAME_SIZE);
	} else {
		strncpy(who->name, co_name(co), NAME_SIZE - 1);
	}
	if (relaxed_get(co->state) == CO_FREE)
		return false;
	/* acquire: with the release in name_give. Its end clears state and name before the name's memory is
	 * another's. */
	atomic_thread_fence(memory_order_acquire);
	return relaxed_get(co->id) == who->id && relaxed_get(co->name) == name;
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
	if (core < -1 || core >= core_count)
		return -EINVAL;
	preempt_disable();
	if (core < 0) {
		relaxed_set(self->flags, self->flags & ~CO_PINNED);
	} else {
		relaxed_set(self->flags, self->flags | CO_PINNED);
		self->pinned_core = (uint8_t)core;
	}

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
	if (on)
		relaxed_set(self->flags, self->flags | CO_SHIELDED);
	else
		relaxed_set(self->flags, self->flags & ~CO_SHIELDED);
	return was;
}

struct each {
	void (*visit)(struct co *co, void *arg);
	void *arg;
};

static void visit_used(void *object, void *arg)
{
	struct co *co = object;
	const struct each *each = arg;

	if (relaxed_get(co->state) != CO_FREE)
		each->visit(co, each->arg);
}

void co_each(void (*visit)(struct co *co, void *arg), void *arg)
{
	struct each each = {visit, arg};

	slab_each(&co_cache, visit_used, &each);
	stack_exact_each(visit_used, &each);
}

struct search {
	uint64_t id;
	struct co_who *who;
	bool found;
};

static void compare_id(struct co *co, void *arg)
{
	struct search *search = arg;

	/* Who is on the way out has ended, for others: runtime_count does not have it any more. */
	if (!search->found && relaxed_get(co->id) == search->id &&
	    !(relaxed_get(co->flags) & CO_COUNTED))
		search->found = co_look(co, search->who);
}

bool co_find(uint64_t id, struct co_who *who)
{
	struct search search = {.id = id, .who = who};

	co_each(compare_id, &search);
	return search.found;
}

struct held {
	const char *what;
	uint64_t holder;
	const void *object;
};

static void *report_held(void *arg, void *unused)
{
	const struct held *held = arg;
	struct co_who who;

	(void)unused;
	if (held->holder & HOLDER_CORE)
		panic("%s a function of irq_defer holds: %p", held->what, held->object);
	if (!co_find(held->holder, &who))
		panic("%s coroutine %lu holds, which has ended: %p", held->what, held->holder,
		      held->object);
	panic("%s coroutine %lu \"%s\" holds: %p", held->what, who.id, who.name, held->object);
}

void co_panic_held(const char *what, uint64_t holder, const void *object)
{
	struct held held = {what, holder, object};

	core_report(report_held, &held, NULL);
}

struct co *co_make_idle(struct core *core, uintptr_t stack_top, size_t size)
{
	struct co *co = slab_alloc(&co_cache);

	if (!co)
		return NULL;
	memset(co, 0, sizeof(*co));
	co_idle_setup(co, core);
	co->stack_mapped = stack_top - size;
	co->stack_top = core->boot_stack = stack_top;
	return co;
}

void co_idle_setup(struct co *co, struct core *core)
{
	co->nopreempt = 1;
	co->holder = HOLDER_CORE | (uint64_t)core_count;
	relaxed_set(co->flags, CO_KERNEL);
	co->stack_kind = STACK_FIXED;
	relaxed_set(co->state, CO_RUNNING);
	co->core = core;
	core->idle = core->boot_co = co;
}

/* The life of a coroutine: made by go, run by co_begin, ended by go_exit, freed by its successor. */
#include "kernel/co.h"

#include <errno.h>
#include <string.h>

#include "kernel/failing.h"
#include "kernel/group.h"
#include "kernel/heap.h"
#include "kernel/outside.h"
#include "kernel/sched.h"
#include "kernel/slab.h"
#include "kernel/stack.h"
#include "kernel/symtab.h"

enum { COPY_MAX = 16 * 1024, NAME_MAX_LEN = 31, ID_BATCH = 16 };

static struct slab_cache co_cache;

void co_init(void)
{
	slab_init(&co_cache, "coroutine", sizeof(struct co), offsetof(struct co, next), true);
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

/* The first function on every stack. */
static void co_begin(struct co *prev)
{
	struct co *self = arch_current();

	sched_finish(prev);
	preempt_enable();
	self->fn(self->arg);
	go_exit();
}

struct co *co_make(go_fn *fn, void *arg, size_t stack_limit, const void *copy, size_t copy_size)
{
	struct co *co;

	assert_nopreempt();
	co = alloc_fails() ? NULL : slab_alloc(&co_cache);
	if (!co)
		return NULL;
	memset(co, 0, sizeof(*co));
	if (alloc_fails() || !stack_take(co, stack_limit)) {
		slab_free(&co_cache, co);
		return NULL;
	}

	/* At the top is room for what links the slot when it is free. */
	uintptr_t sp = (co->stack_top - 16 - copy_size) & ~(uintptr_t)15;

	if (copy) {
		memcpy((void *)sp, copy, copy_size);
		arg = (void *)sp;
	}
	co->fn = fn;
	co->arg = arg;
	co->nopreempt = 1; /* until co_begin */
	co->id = next_id(core_here());
	co->sp = arch_context_make((void *)sp, co_begin);
	return co;
}

void co_free(struct co *co)
{
	if (co->name)
		heap_free(co->name);
	stack_give(co);
	co->state = CO_FREE;
	slab_free(&co_cache, co);
}

static int start(const struct go_options *opt, go_fn *fn, void *arg, const void *copy, size_t size)
{
	char *name = NULL;

	if (opt && opt->name) {
		size_t len = strnlen(opt->name, NAME_MAX_LEN);

		name = heap_alloc(len + 1);
		if (!name)
			return -ENOMEM;
		memcpy(name, opt->name, len);
		name[len] = '\0';
	}
	preempt_disable();

	struct co *co = co_make(fn, arg, opt ? opt->stack : 0, copy, size);

	if (co) {
		co->name = name;
		if (opt && opt->core > 0) {
			co->flags |= CO_PINNED;
			co->pinned_core = opt->core - 1;
		}
		if (opt && opt->priority)
			co->flags |= CO_URGENT;
		sched_start(co);
	}
	preempt_enable();
	if (!co)
		heap_free(name);
	return co ? 0 : -ENOMEM;
}

int go(go_fn *fn, void *arg)
{
	return fn ? start(NULL, fn, arg, NULL, 0) : -EINVAL;
}

int go_copy(go_fn *fn, const void *arg, size_t size)
{
	if (!fn || (!arg && size))
		return -EINVAL;
	if (size > COPY_MAX)
		return -E2BIG;
	return start(NULL, fn, NULL, arg, size);
}

int go_last(go_fn *fn, void *arg)
{
	struct co *co;

	preempt_disable();
	co = co_make(fn, arg, 0, NULL, 0);
	if (co)
		sched_start_last(co);
	preempt_enable();
	return co ? 0 : -ENOMEM;
}

int go_member(struct group *group, go_fn *fn, const void *copy, size_t size)
{
	struct co *co;

	preempt_disable();
	co = co_make(fn, NULL, 0, copy, size);
	if (co) {
		group_enter(group, co);
		sched_start(co);
	}
	preempt_enable();
	return co ? 0 : -ENOMEM;
}

int go_with(const struct go_options *opt, go_fn *fn, void *arg)
{
	if (!fn)
		return -EINVAL;
	if (opt &&
	    (opt->core < 0 || opt->core > core_count || opt->priority < 0 || opt->priority > 1))
		return -EINVAL;
	return start(opt, fn, arg, NULL, 0);
}

int go_defer(go_fn *fn, void *arg)
{
	struct co *self = arch_current();
	struct defer *defer;

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

/* It is not live any more, once. */
static void count_end(struct co *self)
{
	preempt_disable();
	if (!(self->flags & CO_COUNTED)) {
		self->flags |= CO_COUNTED;
		self->core->exited++;
	}
	preempt_enable();
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
		else if (!call.next && !last)
			count_end(self); /* before those who wait for its end are told of it */
		call.fn(call.arg);
	}
}

_Noreturn void go_exit(void)
{
	struct co *self = arch_current();

	co_run_deferred(NULL);
	if (self->reent)
		libc_co_exit(self);
	count_end(self);
	preempt_disable();
	sched_end();
}

uint64_t go_id(void)
{
	return arch_current()->id;
}

const char *co_name(const struct co *co)
{
	size_t offset;

	if (co->name)
		return co->name;
	if (co->id == 1)
		return "main";
	if (co->flags & CO_KERNEL)
		return "idle";
	return symtab_find((uintptr_t)co->fn, &offset);
}

const char *go_name(void)
{
	return co_name(arch_current());
}

int go_pin(int core)
{
	struct co *self = arch_current();

	if (core < -1 || core >= core_count)
		return -EINVAL;
	preempt_disable();
	if (core < 0) {
		self->flags &= (uint8_t)~CO_PINNED;
	} else {
		self->flags |= CO_PINNED;
		self->pinned_core = core;
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

	if (on)
		self->flags |= CO_SHIELDED;
	else
		self->flags &= (uint8_t)~CO_SHIELDED;
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

	if (co->state != CO_FREE)
		each->visit(co, each->arg);
}

void co_each(void (*visit)(struct co *co, void *arg), void *arg)
{
	struct each each = {visit, arg};

	slab_each(&co_cache, visit_used, &each);
}

struct co *co_make_idle(struct core *core, void *stack, size_t size)
{
	struct co *co = slab_alloc(&co_cache);

	if (!co)
		return NULL;
	memset(co, 0, sizeof(*co));
	co_idle_setup(co, core);
	co->stack_base = (uintptr_t)stack;
	co->stack_top = (uintptr_t)stack + size;
	return co;
}

void co_idle_setup(struct co *co, struct core *core)
{
	co->nopreempt = 1;
	co->flags = CO_KERNEL;
	co->state = CO_RUNNING;
	co->core = core;
	core->idle = core->boot_co = co;
}

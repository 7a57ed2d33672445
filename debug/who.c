#include "debug/who.h"

#include <string.h>

#include "debug/failing.h" /* VOLE_FAILING */
#include "debug/panic.h"
#include "debug/symtab.h"
#include "kernel/slab.h"
#include "sync/wait.h"

const char *const wait_reason_names[WAIT_REASONS] = {
	[WAIT_NONE] = "",
	[WAIT_SLEEP] = "sleep",
	[WAIT_CHAN_SEND] = "chan send",
	[WAIT_CHAN_RECV] = "chan receive",
	[WAIT_SELECT] = "select",
	[WAIT_SELECT_NONE] = "select (no cases)",
	[WAIT_MUTEX] = "mutex lock",
	[WAIT_RWMUTEX_READ] = "rwmutex rlock",
	[WAIT_RWMUTEX_WRITE] = "rwmutex lock",
	[WAIT_COND] = "cond wait",
	[WAIT_WAITGROUP] = "waitgroup wait",
	[WAIT_SEMA] = "sema acquire",
	[WAIT_EVENT] = "event wait",
	[WAIT_GROUP] = "group wait",
	[WAIT_FUTURE] = "future await",
	[WAIT_POOL] = "pool",
	[WAIT_GEN] = "generator",
	[WAIT_SOCKET] = "socket",
};

static struct slab_cache names;

void co_names_init(void)
{
	slab_init(&names, "name", sizeof(struct co_name), 0, true);
}

struct co_name *co_name_make(const char *text)
{
	struct co_name copy = {0}, *name = alloc_fails() ? NULL : slab_alloc(&names);

	memcpy(&copy, text, strnlen(text, NAME_SIZE - 1));
	/* release: with the fence in co_look. Whoever sees a word of this name sees that the coroutine which
	 * had its memory before has no id any more. */
	atomic_thread_fence(memory_order_release);
	for (size_t i = 0; name && i < NAME_SIZE / sizeof(uint64_t); i++)
		shared_set(name->words[i], copy.words[i]);
	return name;
}

void co_name_free(struct co_name *name)
{
	slab_free(&names, name);
}

static const char *name_without(const struct co *co, uint64_t id)
{
	size_t offset;

	if (id == 1)
		return "main";
	if (shared_get(co->flags) & CO_KERNEL)
		return "idle";
	return symtab_find((uintptr_t)shared_get(co->fn), &offset);
}

const char *co_name(const struct co *co)
{
	const struct co_name *name = shared_get(co->name);

	return name ? (const char *)name->words : name_without(co, shared_get(co->id));
}

bool co_look(const struct co *co, struct co_who *who)
{
	const struct co_name *name;

	/* acquire: with the release in begin_with: fn and name are those of this id, or of a later one. */
	*who = (struct co_who){.id = __atomic_load_n(&co->id, __ATOMIC_ACQUIRE)};
	if (!who->id && !(shared_get(co->flags) & CO_KERNEL))
		return false; /* it is being made, or has ended */
	name = shared_get(co->name);
	if (name) {
		struct co_name copy;

		for (size_t i = 0; i < NAME_SIZE / sizeof(uint64_t); i++)
			copy.words[i] = shared_get(name->words[i]);
		memcpy(who->name, &copy, NAME_SIZE);
	} else {
		strncpy(who->name, name_without(co, who->id), NAME_SIZE - 1);
	}
	/* acquire: with the releases in begin_with and the fence in co_name_make. Whoever has seen a part of a later
	 * coroutine, or of its name, sees here that this one has lost its id. */
	atomic_thread_fence(memory_order_acquire);
	return shared_get(co->id) == who->id;
}

struct search {
	uint64_t id;
	struct co_who *who;
	bool found;
};

static void compare_id(struct co *co, void *arg)
{
	struct search *search = arg;

	/* A coroutine on its way out has ended, for others: runtime_count does not have it any more. */
	if (!search->found && shared_get(co->id) == search->id &&
	    !(shared_get(co->flags) & CO_COUNTED))
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

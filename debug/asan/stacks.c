/*
 * SAN=asan and the stacks of coroutines: one whose coroutine has ended may not be touched until another
 * coroutine gets it. The linker sends calls of NAME to __wrap_NAME.
 */
#include <string.h>

#include "debug/asan/asan.h"
#include "debug/asan/wraps.h"
#include "debug/print.h"
#include "debug/who.h"
#include "kernel/core.h"

/* At the top of a free slot is what links it (kernel/stack.c). */
enum { LINK = 16 };

/* The last that have ended. */
enum { ENDED = 256 };
static struct {
	_Atomic uint32_t next;
	struct ended {
		uintptr_t low, top;
		struct co_who who;
	} stack[ENDED];
} ended;

static void stack_ends(const struct co *co)
{
	struct ended *e =
		&ended.stack[atomic_fetch_add_explicit(&ended.next, 1, memory_order_relaxed) %
			     ENDED];
	const char *name = co_name(co);

	/* Its id is gone already, but holder has it. */
	*e = (struct ended){.low = co->stack_mapped, .top = co->stack_top, .who.id = co->holder};
	strncpy(e->who.name, name, NAME_SIZE - 1);
	asan_forbid((void *)co->stack_mapped, co->stack_top - co->stack_mapped - LINK,
		    ASAN_STACK_ENDED);
}

static void stack_begins(const struct co *co)
{
	asan_allow((void *)co->stack_mapped, co->stack_top - co->stack_mapped);
}

/* A limit that is enough without SAN=asan is to be enough with it: what is beside each variable takes room, and GCC's
 * run-time on the host port, which looks at what is given to printf and its like, has frames of its own. */
static size_t asan_limit(size_t limit)
{
	enum { RUN_TIME = 32 * 1024, LARGE = 1 << 28 };

	return limit && limit < LARGE ? 2 * limit + RUN_TIME : limit;
}

bool __wrap_stack_take(struct co *co, size_t limit)
{
	if (!__real_stack_take(co, asan_limit(limit)))
		return false;
	stack_begins(co);
	return true;
}

struct co *__wrap_stack_exact_alloc(size_t bound)
{
	struct co *co = __real_stack_exact_alloc(bound);

	if (co)
		stack_begins(co);
	return co;
}

void __wrap_stack_give(struct co *co)
{
	stack_ends(co);
	__real_stack_give(co);
}

void __wrap_stack_exact_free(struct co *co)
{
	stack_ends(co);
	__real_stack_exact_free(co);
}

bool asan_tell_stack(uintptr_t at)
{
	uint32_t next = atomic_load_explicit(&ended.next, memory_order_relaxed);

	for (uint32_t i = 1; i <= ENDED; i++) {
		const struct ended *e = &ended.stack[(next - i) % ENDED];

		if (at - e->low < e->top - e->low) {
			print("on the stack of coroutine %lu \"%s\", which has ended\n", e->who.id,
			      e->who.name);
			return true;
		}
	}
	return false;
}

/*
 * Thread-local variables (_Thread_local, __thread): every coroutine has its own, copied from the
 * image when it is made, and so has the scheduler of each core, for functions of irq_defer.
 * They are a block of the heap; the first word of the coroutine's stack leads to it, and whoever
 * switches to the coroutine tells the port. All that a program without them pays is a look at
 * locals_room when a coroutine is made, and when it is freed: its switches do not ask (every_switch).
 */
#ifndef KERNEL_LOCALS_H
#define KERNEL_LOCALS_H

#include "kernel/core.h"
#include "kernel/stack.h"

/* Bytes that they take at the upper end of each stack; 0: the program has none. */
extern size_t locals_room;
enum { LOCALS_ROOM = 16 };

/* After heap_init, before the first coroutine is made. */
void locals_init(void);

/* New ones: the thread pointer that leads to them; 0: no memory. */
uintptr_t locals_make(void);
void locals_free(uintptr_t pointer);

/* Those of a coroutine that is not a core's scheduler. */
static inline uintptr_t *locals_of(const struct co *co)
{
	return (uintptr_t *)(stack_start(co) - LOCALS_ROOM);
}

/* co runs on this core next; until then nothing of the program does, but for interrupt handlers,
 * whose variables are those of any coroutine. */
static inline void locals_enter(const struct co *co)
{
	arch_set_thread_pointer(co->flags & CO_KERNEL ? co->core->scheduler_locals
						      : *locals_of(co));
}

#endif

/*
 * What the public interface promises to be ordered between coroutines, said where it is kept: the
 * simulated machine looks for accesses that nothing of this orders (docs/order.md has the list).
 * Nothing anywhere else.
 *
 * order_out(object): what the caller did until now happens before what follows an order_in(object).
 * An object is an address; order_in_of and order_out_of are the same for a coroutine that is not the
 * caller, and does not run. order_to: what the caller did happens before what co does when it goes
 * on; order_from: the other way. A new coroutine has nothing before it.
 *
 * In sync/, order_out and order_in are nothing where drivers, files or sockets have called it: what they lock and
 * wait for themselves orders nothing of the program. order_in_always is for what it is promised there, too.
 */
#ifndef DEBUG_ORDER_H
#define DEBUG_ORDER_H

#include <stdbool.h>
#include <stddef.h>

struct co;

#ifdef ARCH_EXPLORES

enum { ORDER_KEPT = 1 };

/* What the kernel does in between only looks on: it takes no time, and is no step of the run. */
void look_begin(void);
void look_end(void);

void order_out(const void *object);
void order_in(const void *object);
void order_in_always(const void *object);
void order_out_of(const struct co *co, const void *object);
void order_in_of(const struct co *co, const void *object);
void order_to(const struct co *co);
void order_from(const struct co *co);
void order_to_handlers(void);
/* co is made, and has ended. */
void order_begin(const struct co *co);
void order_end(const struct co *co);
/* In between, what this core does is done by no coroutine: timers. nopreempt > 0. */
void order_nobody(bool on);
/* The same as order_out and order_in, of what is left and met by turns: who meets it must have seen that it was
 * left, by the kernel's own orders. */
void order_call(const void *object, bool in);
#define order_call_out(object) order_call(object, false)
#define order_call_in(object)  order_call(object, true)

/* For the kernel's own, between cores: what a core did with object until then (order_time) comes before what another
 * does after order_anew; by the kernel's own orders, which is all there is to see of it. */
unsigned order_time(void);
void order_done(const void *object, unsigned time);
void order_anew(const void *object);

/* Memory of the program, accessed by the kernel in the name of the caller. */
void order_reads_at(const void *p, size_t size, const void *place);
void order_writes_at(const void *p, size_t size, const void *place);
#define order_reads(p, size)  order_reads_at(p, size, __builtin_return_address(0))
#define order_writes(p, size) order_writes_at(p, size, __builtin_return_address(0))

/* memory_given: the size bytes at p are somebody's from here on, of room bytes at around of which the
 * others are nobody's. memory_freed: those at p are to be given back. memory_later: they are nobody's;
 * what is to be given back in their place (NULL: nothing), so that they are not used again at once.
 * memory_is_later: p is such a block. memory_fresh: they may be used for anything. memory_misused: a block
 * that cannot be freed; written: because of what was written beyond it. memory_owed: the program is to give
 * p back. */
void memory_given(const void *p, size_t size, const void *around, size_t room);
void memory_owed(const void *p);
void memory_freed(const void *p, size_t size);
void *memory_later(void *p, size_t size);
bool memory_is_later(const void *p);
void memory_fresh(const void *p, size_t size);
void memory_misused(const void *p, bool written);

#else

enum { ORDER_KEPT = 0 }; /* nothing needs to be done for them */

#define look_begin()                        ((void)0)
#define look_end()                          ((void)0)
#define order_out(object)                   ((void)(object))
#define order_in(object)                    ((void)(object))
#define order_in_always(object)             ((void)(object))
#define order_out_of(co, object)            ((void)(co), (void)(object))
#define order_in_of(co, object)             ((void)(co), (void)(object))
#define order_to(co)                        ((void)(co))
#define order_from(co)                      ((void)(co))
#define order_to_handlers()                 ((void)0)
#define order_begin(co)                     ((void)(co))
#define order_end(co)                       ((void)(co))
#define order_nobody(on)                    ((void)(on))
#define order_call_out(object)              ((void)(object))
#define order_call_in(object)               ((void)(object))
#define order_time()                        0U
#define order_done(object, time)            ((void)(object), (void)(time))
#define order_anew(object)                  ((void)(object))
#define memory_given(p, size, around, room) ((void)(p), (void)(size), (void)(around), (void)(room))
#define memory_owed(p)                      ((void)(p))
#define memory_freed(p, size)               ((void)(p), (void)(size))
#define memory_later(p, size)               ((void)(size), (void *)(p))
#define memory_is_later(p)                  ((void)(p), false)
#define memory_misused(p, written)          ((void)(p), (void)(written))

#ifdef VOLE_ASAN
#include "debug/asan/asan.h"
#define order_reads(p, size)  asan_check(p, size, false)
#define order_writes(p, size) asan_check(p, size, true)
#define memory_fresh(p, size) asan_allow(p, size)
#else
#define order_reads(p, size)  ((void)(p), (void)(size))
#define order_writes(p, size) ((void)(p), (void)(size))
#define memory_fresh(p, size) ((void)(p), (void)(size))
#endif

#endif

#endif

/*
 * Which coroutines have leaked. One that is runnable, or waits for something outside of the program, goes
 * on; one that waits may go on when what goes on leads to the record of its wait, as a channel does, or a
 * timer that is pending. Then it goes on as well, and so do those that it leads to. Who is left has leaked:
 * Saioc and others, "Dynamic Partial Deadlock Detection and Recovery via Garbage Collection" (2025), for
 * Go. In C every word may be a pointer: so a leak may be missed, but what is told is one.
 *
 * What has leaked stays as it is when the world goes on: it is in no list, and next links those found here.
 */
#include "debug/leaks.h"

#include <string.h>

#include <vole/sync.h>

#include "debug/block.h"
#include "debug/callers.h"
#include "debug/order.h"
#include "debug/places.h"
#include "debug/print.h"
#include "debug/reach.h"
#include "debug/symtab.h"
#include "debug/who.h"
#include "debug/world.h"
#include "kernel/heap.h"
#include "kernel/locals.h"
#include "kernel/lock.h"
#include "kernel/proc.h"
#include "kernel/sched.h"
#include "kernel/start.h"

enum { MAIN = 1 /* its id */, STATUS_LEAKS = 135, FRAMES_SHOWN = 40 };

enum trouble { NO_TROUBLE, NO_MEMORY, NOT_STOPPED };

struct leaks {
	/* given */
	struct co *self;
	uintptr_t sp; /* from where its stack is in use */
	/* found */
	struct co *list; /* linked by next */
	size_t count;
	size_t blocks, bytes; /* that nothing points to */
	size_t needed;        /* bytes, with NO_MEMORY */
	enum trouble trouble;
};

/* Linkers have these names for where variables with a value end, and where those without begin and end. The
 * first are behind __init_array_start; what is constant there does no harm. */
extern char __init_array_start[], _edata[], __bss_start[], _end[];

/* ---- Who goes on ---- */

static bool is_suspect(const struct co *co, const struct leaks *leaks)
{
	return co->state == CO_WAITING && !(co->flags & (CO_KERNEL | CO_COUNTED)) &&
	       co->id != MAIN && co != leaks->self && co->wait_reason != WAIT_SOCKET;
}

static void start_from(struct co *co, void *leaks)
{
	if (!(co->flags & CO_KERNEL) && !is_suspect(co, leaks))
		reach_co(co);
}

/* Of the image's variables those that have times and sizes, which look like addresses where memory begins at 0. */
struct part {
	const char *from, *to;
};

static void take_nearer(struct part *nearest, const char *at, const void *from, size_t size)
{
	struct part part = {from, (const char *)from + size};

	if (part.from >= at && part.from < nearest->from)
		*nearest = part;
}

/* The first from at on, or end. */
static struct part next_left_out(const char *at, const char *end)
{
	struct part part = {end, end};

	take_nearer(&part, at, (const void *)&core_quantum, sizeof(core_quantum));
	take_nearer(&part, at, &machine, sizeof(machine));
	take_nearer(&part, at, cores[0], sizeof(*cores[0])); /* it is treated as all cores are */
	return part;
}

static void start_from_image(const char *at, const char *end)
{
	while (at < end) {
		struct part left_out = next_left_out(at, end);

		reach_words(at, left_out.from);
		at = left_out.to;
	}
}

/* Not from the core's times, either. */
static void start_from_core(const struct core *core)
{
	reach_word((uintptr_t)atomic_load_explicit(&core->proc.deferred, memory_order_relaxed));
#ifndef PLANT_FORGOTTEN_TIMER
	reach_words(core->wheel.slot, core->wheel.slot + WHEEL_LEVELS);
#endif
	reach_word(core->scheduler_locals);
	reach_block_only(core->arch); /* on the stacks of interrupts is what was */
}

/* A pointer to its struct co is all that leads to it: cancellation, a generator's first gen_next. */
struct others {
	const struct leaks *leaks;
	bool more;
};

static void look_at_other_ways(struct co *co, void *arg)
{
	struct others *others = arg;

	if (!is_suspect(co, others->leaks) || reached_co(co))
		return;
	if (((shared_get(co->flags) & CO_CANCELLABLE) && reached(co->group)) ||
	    (atomic_load_explicit(&co->on_core, memory_order_relaxed) == CO_NEW &&
	     reached(co->wait_object))) {
		reach_co(co);
		others->more = true;
	}
}

static void follow_all(const struct leaks *leaks)
{
	struct others others = {.leaks = leaks};

	do {
		reach_follow();
		others.more = false;
		co_each(look_at_other_ways, &others);
	} while (others.more);
}

/* ---- What is left ---- */

static void note_leaked(struct co *co, void *arg)
{
	struct leaks *leaks = arg;

	if (!is_suspect(co, leaks) || reached_co(co))
		return;
	co->next = leaks->list;
	leaks->list = co;
	leaks->count++;
	/* What the kernel keeps for it is not the program's to free. */
	reach_block_only(co->reent);
	if (locals_room)
		reach_block_only((void *)*locals_of(co));
	for (struct defer *defer = co->defers; defer; defer = defer->next)
		reach_block_only(defer);
}

static void note_block(void *block, void *arg)
{
	struct leaks *leaks = arg;
	size_t bytes = memory_is_later(block) ? 0 : block_bytes(block);

	leaks->blocks += bytes != 0;
	leaks->bytes += bytes;
	if (heap_tail)
		place_count(heap_tail_of(block), bytes);
}

static void *look_for_leaks(void *arg, void *unused)
{
	struct leaks *leaks = arg;

	(void)unused;
	if (!world_stop()) {
		leaks->trouble = NOT_STOPPED;
		return NULL;
	}
	if (reach_begin(leaks->self, leaks->sp, &leaks->needed)) {
		start_from_image(__init_array_start, _edata);
		start_from_image(__bss_start, _end);
		for (int i = 0; i < core_count(); i++)
			start_from_core(cores[i]);
		co_each(start_from, leaks);
		follow_all(leaks);
		co_each(note_leaked, leaks);
		places_begin();
		reach_rest(note_block, leaks);
		reach_end();
	} else {
		leaks->trouble = NO_MEMORY;
	}
	world_go_on();
	return NULL;
}

/* ---- The report ---- */

/* Those that are told of together are next to each other in this order. */
static int compare_leaked(const struct co *a, const struct co *b)
{
	if (a->started_at != b->started_at) {
		uintptr_t x = symtab_site_first(a->started_at);
		uintptr_t y = symtab_site_first(b->started_at);

		if (x != y)
			return x < y ? -1 : 1;
	}
	if (a->wait_reason != b->wait_reason)
		return a->wait_reason < b->wait_reason ? -1 : 1;
	return a->fn == b->fn && !a->name && !b->name ? 0 : strcmp(co_name(a), co_name(b));
}

/* Takes the next n off list; what is behind them. */
static struct co *cut(struct co *list, size_t n)
{
	struct co *rest = NULL;

	while (list && --n)
		list = list->next;
	if (list) {
		rest = list->next;
		list->next = NULL;
	}
	return rest;
}

/* Merge sort from below (Knuth 5.2.4): it takes no memory. */
static struct co *sort_leaked(struct co *list, size_t count)
{
	for (size_t n = 1; n < count; n *= 2) {
		struct co *rest = list, **end = &list;

		while (rest) {
			struct co *a = rest, *b = cut(a, n);

			rest = cut(b, n);
			while (a || b) {
				struct co **first = !b || (a && compare_leaked(a, b) <= 0) ? &a
											   : &b;

				*end = *first;
				end = &(*end)->next;
				*first = *end;
			}
		}
		*end = NULL;
	}
	return list;
}

struct out {
	void (*put)(void *to, const char *text);
	void *to;
};

static void put_line(const struct out *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void put_line(const struct out *out, const char *fmt, ...)
{
	char line[320];
	va_list args;

	va_start(args, fmt);
	vformat(line, sizeof(line), fmt, args);
	va_end(args);
	out->put(out->to, line);
}

static void put_stack(const struct out *out, const struct co *co)
{
	struct backtrace b;
	int n = 0;

	arch_backtrace_context(&b, co->sp);
	do {
		size_t offset;
		const char *name = symtab_find(b.pc - (n > 0), &offset);

		put_line(out, "  #%d 0x%016lx %s+0x%zx\n", n, b.pc, name, offset + (n > 0));
	} while (++n < FRAMES_SHOWN && callers_step(&b, co->stack_mapped, co->stack_top));
}

static void put_group(const struct out *out, const struct co *co, size_t n)
{
	struct site site;

	symtab_site(co->started_at, &site);
	put_line(out, "leaked: %zu × \"%s\" waiting for %s, started at %s (%s:%u)\n", n,
		 co_name(co), wait_reason_names[co->wait_reason], site.function, site.file,
		 site.line);
	put_stack(out, co);
}

static void put_report(const struct out *out, struct leaks *leaks)
{
	struct co *first, *co;

	if (leaks->trouble == NOT_STOPPED)
		put_line(out, "vole: leaks: a core does not stop: nothing can be said\n");
	if (leaks->trouble == NO_MEMORY)
		put_line(out, "vole: leaks: no memory to look for them: it takes %zu KB\n",
			 leaks->needed / 1024 + 1);
	for (first = sort_leaked(leaks->list, leaks->count); first; first = co) {
		size_t n = 0;

		for (co = first; co && !compare_leaked(first, co); co = co->next)
			n++;
		put_group(out, first, n);
	}
	if (leaks->blocks) {
		put_line(out, "leaked memory: %zu blocks, %zu bytes\n", leaks->blocks,
			 leaks->bytes);
		places_put(out->put, out->to);
	}
}

/* ---- Who asks ---- */

/* sp: from where the stack is in use, with all registers that a call keeps. True: something has leaked. */
static __attribute__((noinline)) bool report_from(uintptr_t sp, const struct out *out,
						  size_t *count)
{
	struct leaks leaks = {.self = arch_current(), .sp = sp};

	mutex_lock(&world_lock);
	preempt_disable();
	core_call(look_for_leaks, &leaks, NULL);
	preempt_enable();
	if (out->put)
		put_report(out, &leaks);
	mutex_unlock(&world_lock);
	*count = leaks.count;
	return leaks.count || leaks.blocks;
}

/* Where its caller's frame begins, at the lower end. */
static __attribute__((noinline)) uintptr_t frame_of_caller(void)
{
	return (uintptr_t)__builtin_frame_address(0) + 2 * sizeof(uintptr_t);
}

static __attribute__((noinline)) size_t report_here(void (*put)(void *to, const char *text),
						    void *to)
{
	struct out out = {put, to};
	size_t n = 0;

	__builtin_unwind_init();
	report_from(frame_of_caller(), &out, &n);
	return n;
}

/* Where report_here's frame will be: it has words that nobody writes, and those would be what was left there by calls
 * before, such as counters, which look like addresses. */
static __attribute__((noinline)) void clear_below(void)
{
	volatile uintptr_t words[64];

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		words[i] = 0;
}

size_t leaks_report(void (*put)(void *to, const char *text), void *to)
{
	clear_below();
	return report_here(put, to);
}

static uintptr_t exit_sp;

__attribute__((noinline)) void leaks_exit_begins(void)
{
	exit_sp = (uintptr_t)__builtin_frame_address(0) + 2 * sizeof(uintptr_t);
}

static void put_console(void *unused, const char *text)
{
	(void)unused;
	print("%s", text);
}

int leaks_exit(int status)
{
	const char *wanted = option("leaks");
	struct out out = {put_console, NULL};
	size_t n;

	if (!wanted || strcmp(wanted, "1") != 0)
		return status;
	return report_from(exit_sp, &out, &n) && !status ? STATUS_LEAKS : status;
}

/*
 * The first core that panics stops the others and reports; a panic within a panic only adds a line.
 * From here on no lock counts.
 */
#include "debug/panic.h"

#include "debug/holders.h"
#include "debug/knot.h"
#include "debug/who.h"

#include <stdarg.h>

#include <vole/sync.h>

#include "debug/callers.h"
#include "debug/print.h"
#include "debug/symtab.h"
#include "debug/trace.h"
#include "kernel/core.h"
#include "kernel/irq.h"
#include "kernel/outside.h"
#include "kernel/slab.h"
#include "kernel/stack.h"
#include "sync/held.h"

enum { STATUS_PANIC = 134, FRAMES_MAX = 40 };

bool panicking;
void (*panic_more)(void);

/* From frame n on; the number of the next. */
static int print_frames(int n, struct backtrace *b, const struct co *co)
{
	/* Below, the stack has no pages: a frame pointer that leads there is none. */
	uintptr_t bottom = shared_get(co->stack_mapped), top = shared_get(co->stack_top);

	do {
		size_t offset;
		/* A return address is behind its call: look it up in the call. */
		const char *name = symtab_find(b->pc - (n > 0), &offset);

		if (n == FRAMES_MAX) {
			print("  ...\n");
			break;
		}
		print("  #%d 0x%016lx %s+0x%zx\n", n, b->pc, name, offset + (n > 0));
		n++;
	} while (callers_step(b, bottom, top));
	return n;
}

/* What runs here: on the stack of a coroutine, or the core's own, called from there. */
static void print_frames_here(struct backtrace *b)
{
	const struct co *co = arch_current();
	const struct core *core = co->core;
	int n = 0;

	if (core->scheduler->stack_top - b->fp <= stack_limit(core->scheduler) &&
	    core->called_from) {
		n = print_frames(n, b, core->scheduler);
		*b = (struct backtrace){.fp = (uintptr_t)core->called_from};
		if (!callers_step(b, co->stack_mapped, co->stack_top))
			return;
	}
	print_frames(n, b, co);
}

/* The report is printed. A debugger stops here (qemu/vole.gdb). */
static __attribute__((noinline)) _Noreturn void panic_end(void)
{
	trace_print_last();
	arch_power_off(STATUS_PANIC);
}

/* Only one core goes on from here. */
static void panic_begin(void)
{
	static _Atomic int first = -1;
	int none = -1, here;

	arch_interrupts_off();
	here = core_count() ? core_here()->index : 0;
	if (!atomic_compare_exchange_strong_explicit(&first, &none, here, memory_order_relaxed,
						     memory_order_relaxed)) {
		if (none == here) {
			print("panic: once more, in the panic\n");
			panic_end();
		}
		for (;;)
			arch_relax(); /* until arch_stop_others gets here */
	}
	shared_set(panicking, true);
	if (core_count()) {
		arch_current()->holder = arch_current()->id; /* may call anything: see calls.h */
		arch_stop_others();
		libc_flush_for_panic();
		console_flush_polled();
	}
}

static void print_who(void)
{
	struct co *co = core_count() ? arch_current() : NULL;

	if (co)
		print("coroutine %lu \"%s\" on core %d\n", co->id, co_name(co), co->core->index);
}

struct message {
	const char *fmt;
	va_list args;
	panic_formatter *formatter;
	struct backtrace backtrace;
};

static void *report_panic(void *message, void *unused)
{
	static char text[512];
	struct message *m = message;

	(void)unused;
	panic_begin();
	print("panic: ");
	if (m->formatter) {
		m->formatter(text, sizeof(text), m->fmt, m->args);
		print("%s", text);
	} else {
		vprint(m->fmt, m->args);
	}
	print("\n");
	print_who();
	if (core_count())
		print_frames_here(&m->backtrace);
	if (panic_more)
		panic_more();
	panic_end();
}

/* On the core's own stack, since the coroutine's may have no room for it. */
static inline __attribute__((always_inline)) _Noreturn void raise(panic_formatter *formatter,
								  const char *fmt, va_list args)
{
	struct message m = {.fmt = fmt, .formatter = formatter};

	va_copy(m.args, args);
	arch_backtrace_here(&m.backtrace);
	core_report(report_panic, &m, NULL);
}

_Noreturn void panic(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	raise(NULL, fmt, args);
}

_Noreturn void panic_with(panic_formatter *formatter, const char *fmt, va_list args)
{
	raise(formatter, fmt, args);
}

/* With frames as small as can be: these two are called from nearly everywhere. */
static struct {
	const char *file, *func, *text;
	int line;
	struct backtrace backtrace;
} plain;

static void *report_plain(void *unused, void *unused2)
{
	(void)unused;
	(void)unused2;
	panic_begin();
	if (plain.file)
		print("panic: %s:%d: %s: %s is false\n", plain.file, plain.line, plain.func,
		      plain.text);
	else
		print("panic: %s\n", plain.text);
	print_who();
	if (core_count())
		print_frames_here(&plain.backtrace);
	panic_end();
}

_Noreturn void panic_plain(const char *text)
{
	panic_assert(NULL, 0, NULL, text);
}

_Noreturn void panic_assert(const char *file, int line, const char *func, const char *cond)
{
	plain.file = file;
	plain.func = func;
	plain.text = cond;
	plain.line = line;
	arch_backtrace_here(&plain.backtrace);
	core_report(report_plain, NULL, NULL);
}

_Noreturn void panic_deadlock(void)
{
	panic_begin();
	print("all coroutines are asleep - deadlock!\n");
	dump_all();
	knot_print();
	panic_end();
}

/* The current coroutine's. */
static bool is_on_stack(uintptr_t pc)
{
	const struct co *co = core_count() ? arch_current() : NULL;

	return co && co->stack_top - pc - 1 < stack_limit(co);
}

_Noreturn void panic_exception(const struct arch_regs *regs, const char *what, uintptr_t addr)
{
	struct backtrace b;

	panic_begin();
	print("panic: %s\n", what);
	callers_regs(&b, regs, arch_current());
	if (b.pc == addr && is_on_stack(addr))
		print("that is on its stack, where no code can be: a nested function of GCC's "
		      "whose address is taken?\n");
	print_who();
	arch_print_regs(regs, print);
	if (core_count())
		print_frames_here(&b);
	panic_end();
}

void panic_nmi(const struct arch_regs *regs)
{
	(void)regs;
	panic_dump_request();
}

static void print_holder(const struct co *co)
{
	uint64_t holder = wait_holder(co);
	struct co_who who;

	if (!holder || holder & HOLDER_CORE)
		return;
	switch (holder_find(co, holder, &who)) {
	case HOLDER_FOUND:
		print(" held by %lu \"%s\"", who.id, who.name);
		break;
	case HOLDER_ENDED:
		print(" held by %lu, which has ended", holder);
		break;
	case HOLDER_NOT_SOUGHT:
		print(" held by %lu", holder);
		break;
	}
}

/* It may run, and end, meanwhile. Between slab_visit_begin and slab_visit_end. */
static void print_co(const struct co *co)
{
	uint64_t now = arch_clock(), since = shared_get(co->wait_since);
	const void *object = shared_get(co->wait_object);
	const struct core *core = shared_get(co->core);
	bool off = co_is_off(co);
	const struct arch_regs *frame = shared_get(co->frame); /* once: it may go on */
	struct backtrace b;
	struct co_who who;

	if (!co_look(co, &who))
		return;
	print("\ncoroutine %lu \"%s\"", who.id, who.name);
	switch (shared_get(co->state)) {
	case CO_WAITING:
		print(" waits: %s", wait_reason_names[shared_get(co->wait_reason)]);
		if (object)
			print(" %p", object);
		print_holder(co);
		if (since)
			print(", %lu ms", now > since ? (now - since) / NSEC_PER_MSEC : 0);
		break;
	case CO_RUNNABLE:
		print(frame ? " is runnable, preempted" : " is runnable");
		break;
	default:
		print(" runs");
	}
	if (core)
		print(", core %d%s", core->index,
		      shared_get(co->flags) & CO_PINNED ? ", pinned" : "");
	print("\n");
	if (co == arch_current()) {
		arch_backtrace_here(&b);
		print_frames(0, &b, co);
	} else if (frame || off) {
		if (frame)
			callers_regs(&b, frame, co);
		else
			arch_backtrace_context(&b, shared_get(co->sp));
		print_frames(0, &b, co);
	}
}

void dump_co(const struct co *co)
{
	struct co *self = arch_current();

	/* What was preempted here stays so, and its frame. Not preempt_disable: this may be a handler. */
	self->nopreempt++;
	print_co(co);
	preempt_enable_anywhere(self);
}

/* In the order of their ids, without memory: for each, look for the next. */
struct next_by_id {
	uint64_t after, id; /* of next */
	struct co *next;
	size_t count;
};

static void look_for_next(struct co *co, void *arg)
{
	struct next_by_id *search = arg;

	uint64_t id = shared_get(co->id);

	if (shared_get(co->flags) & CO_KERNEL)
		return;
	search->count++;
	if (id > search->after && (!search->next || id < search->id)) {
		search->next = co;
		search->id = id;
	}
}

static void dump_one(struct co *co, void *arg)
{
	(void)arg;
	if (!(shared_get(co->flags) & CO_KERNEL))
		dump_co(co);
}

void dump_all(void)
{
	struct next_by_id search = {.after = 0};

	slab_visit_begin();
	holders_begin();
	co_each(look_for_next, &search);
	print("%zu coroutine%s on %d core%s\n", search.count, search.count == 1 ? "" : "s",
	      core_count(), core_count() == 1 ? "" : "s");
	if (search.count > 2000) { /* too many to sort: as they are in memory */
		co_each(dump_one, NULL);
		search.next = NULL;
	}
	while (search.next) {
		dump_co(search.next);
		search = (struct next_by_id){.after = search.id};
		co_each(look_for_next, &search);
	}
	slab_visit_end();
}

void panic_dump_request(void)
{
	enum { TRIES = 10000 };

	console_flush_polled();
	print("\ndump:\n");
	for (int i = 0; i < TRIES; i++, arch_relax())
		if (slab_visit_try()) {
			dump_all();
			slab_visit_end();
			return;
		}
	print("memory is short, and just being taken back: coroutines cannot be listed; try "
	      "again\n");
}

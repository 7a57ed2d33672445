#include "debug/runtime.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "debug/calls.h"
#include "debug/leaks.h"
#include "debug/profile.h"
#include "debug/who.h"
#include "kernel/page.h"
#include "kernel/proc.h"
#include "kernel/sched.h"
#include "kernel/slab.h"
#include "kernel/stack.h"
#include "sync/wait.h"

/* In ns. The longest is such that no sum of times overflows. */
#define QUANTUM_MIN (10 * NSEC_PER_USEC)
#define QUANTUM_MAX (3600 * NSEC_PER_SEC)

int runtime_cores(void)
{
	call_outside_handler("runtime_cores");
	return core_count();
}

int runtime_core(void)
{
	call_outside_handler("runtime_core");
	preempt_disable();

	int index = core_here()->index;

	preempt_enable();
	return index;
}

/* A rule has changed: every core looks at its queues and its slice again. */
static void look_again(void)
{
	preempt_disable();
	for (int i = 0; i < core_count(); i++)
		if (cores[i] != core_here())
			arch_send_reschedule(cores[i]);
	arch_current()->need_resched = true;
	preempt_enable();
}

int runtime_procs(int n)
{
	int old;

	call_outside_handler("runtime_procs");
	if (n <= 0)
		return atomic_load_explicit(&proc_count, memory_order_relaxed);
	if (n > core_count())
		n = core_count();
	old = atomic_exchange_explicit(&proc_count, n, memory_order_relaxed);
	/* Those that stop give their queues away. */
	look_again();
	return old;
}

uint64_t runtime_set_quantum(uint64_t ns)
{
	uint64_t old;

	call_outside_handler("runtime_set_quantum");
	if (ns && ns < QUANTUM_MIN)
		ns = QUANTUM_MIN;
	if (ns > QUANTUM_MAX)
		ns = QUANTUM_MAX;
	old = atomic_exchange_explicit(&core_quantum, ns, memory_order_relaxed);
	look_again();
	return old;
}

static void sum(uint64_t *spawned, uint64_t *ended)
{
	*spawned = *ended = 0;
	/* Ended first: a coroutine that is seen to have ended was spawned before. */
	for (int i = 0; i < core_count(); i++)
		*ended += shared_get(cores[i]->exited);
	for (int i = 0; i < core_count(); i++)
		*spawned += shared_get(cores[i]->spawned);
}

size_t runtime_count(void)
{
	uint64_t spawned, ended;

	call_outside_handler("runtime_count");
	sum(&spawned, &ended);
	return spawned - ended;
}

static void count_state(struct co *co, void *arg)
{
	struct runtime_stats *stats = arg;

	if (shared_get(co->flags) & CO_KERNEL)
		return;
	stats->parked += shared_get(co->state) == CO_WAITING;
	stats->runnable += shared_get(co->state) == CO_RUNNABLE;
}

/* How long it has been idle, of any core: never less than before. */
static uint64_t core_idle_ns(struct core *core)
{
	uint64_t time = shared_get(core->idle_time), now = arch_clock();
	uint64_t told = atomic_load_explicit(&core->idle_told, memory_order_relaxed);

	if (time & CORE_IDLES) {
		time = (time + now) & ~CORE_IDLES;
		if (time & CORE_IDLES >> 1) /* it began after now */
			time = 0;
	}
	/* Its idleness may have ended before now, and this not known here. */
	while (told < time &&
	       !atomic_compare_exchange_weak_explicit(&core->idle_told, &told, time,
						      memory_order_relaxed, memory_order_relaxed))
		;
	return told < time ? time : told;
}

void runtime_stats(struct runtime_stats *stats)
{
	int64_t heap = 0, stacks = 0;

	call_outside_handler("runtime_stats");
	memset(stats, 0, sizeof(*stats));
	sum(&stats->spawned, &stats->exited);
	stats->live = stats->spawned - stats->exited;
	for (int i = 0; i < core_count(); i++) {
		struct core *core = cores[i];

		stats->switches += shared_get(core->switches);
		stats->preemptions += shared_get(core->preemptions);
		stats->steals += shared_get(core->steals);
		stats->wakeups += shared_get(core->wakeups) + shared_get(core->handler_wakeups);
		stats->ipis += shared_get(core->ipis) + shared_get(core->handler_ipis);
		stats->idle_ns += core_idle_ns(core);
		heap += shared_get(core->heap_bytes);
		stacks += shared_get(core->stack_bytes);
	}
	co_each(count_state, stats);
	stats->heap_bytes = (size_t)heap;
	stats->stack_bytes = (size_t)stacks;
	stats->free_bytes = page_available();
}

int runtime_core_stats(int index, struct runtime_core_stats *stats)
{
	call_outside_handler("runtime_core_stats");
	if (index < 0 || index >= core_count() || !stats)
		return -EINVAL;

	preempt_disable();
	slab_visit_begin(); /* what runs there may end meanwhile, but is still a coroutine's */

	struct core *core = cores[index];
	struct co_who who;
	const struct co *running;

	do {
		who = (struct co_who){0}; /* nothing of one that has ended meanwhile */
		running = atomic_load_explicit(&core->running, memory_order_relaxed);
	} while (running && !(shared_get(running->flags) & CO_KERNEL) && !co_look(running, &who));

	*stats = (struct runtime_core_stats){
		.switches = shared_get(core->switches),
		.preemptions = shared_get(core->preemptions),
		.steals = shared_get(core->steals),
		.wakeups = shared_get(core->wakeups) + shared_get(core->handler_wakeups),
		.ipis = shared_get(core->ipis) + shared_get(core->handler_ipis),
		.spawned = shared_get(core->spawned),
		.idle_ns = core_idle_ns(core),
		.queue = proc_own_len(&core->proc) + shared_get(core->proc.urgent.count) +
			 (shared_get(core->proc.runnext) ? 1 : 0),
		.running = who.id,
	};
	strncpy(stats->name, who.name, sizeof(stats->name) - 1);
	slab_visit_end();
	preempt_enable();
	return 0;
}

/* It may be going on: then what is found here does not count. */
static uintptr_t stopped_sp(const struct co *co)
{
	const struct arch_regs *regs = shared_get(co->frame);
	struct backtrace b = {.sp = (uintptr_t)shared_get(co->sp)};

	if (regs)
		arch_backtrace_regs(&b, regs, 0, 0);
	return b.sp;
}

bool runtime_describe(struct co *co, struct runtime_co *out)
{
	bool stopped = co_is_off(co);
	uint8_t state = shared_get(co->state), flags = shared_get(co->flags);
	uint64_t since = shared_get(co->wait_since), now = arch_clock();
	uintptr_t top = shared_get(co->stack_top), mapped = shared_get(co->stack_mapped), sp = top;
	const struct core *core = shared_get(co->core);
	struct co_who who;

	if ((flags & CO_KERNEL) || state == CO_ENDED || !co_look(co, &who))
		return false;
	if (co == arch_current())
		sp = (uintptr_t)__builtin_frame_address(0);
	else if (stopped)
		sp = stopped_sp(co);
	*out = (struct runtime_co){
		.id = who.id,
		.state = state == CO_WAITING     ? "waiting"
			 : state == CO_RUNNING   ? "running"
			 : shared_get(co->frame) ? "preempted"
						 : "runnable",
		.reason = state == CO_WAITING ? wait_reason_names[shared_get(co->wait_reason)] : "",
		.core = core ? core->index : -1,
		.pinned = flags & CO_PINNED,
		.urgent = flags & CO_URGENT,
		/* It may go on, and its frame be another's. */
		.stack_used = sp <= top && sp >= mapped ? top - sp : 0,
		.stack_high = top - mapped,
		.stack_limit = stack_limit(co),
		.waiting_ns = state == CO_WAITING && since && now > since ? now - since : 0,
	};
	strncpy(out->name, who.name, sizeof(out->name) - 1);
	return true;
}

struct listing {
	struct runtime_co *list;
	int max, n;
};

static void list_one(struct co *co, void *arg)
{
	struct listing *listing = arg;
	struct runtime_co found;

	if (!runtime_describe(co, &found))
		return;
	if (listing->n < listing->max)
		listing->list[listing->n] = found;
	listing->n++;
}

static int by_id(const void *a, const void *b)
{
	uint64_t x = ((const struct runtime_co *)a)->id, y = ((const struct runtime_co *)b)->id;

	return x < y ? -1 : x > y;
}

int runtime_list(struct runtime_co *list, int max)
{
	struct listing listing = {list, max, 0};

	call_outside_handler("runtime_list");
	co_each(list_one, &listing);
	qsort(list, (size_t)(listing.n < max ? listing.n : max), sizeof(*list), by_id);
	return listing.n;
}

void runtime_dump(void)
{
	call_outside_handler("runtime_dump");
	fflush(stdout);
	dump_all();
}

static void put_to_file(void *to, const char *text)
{
	fputs(text, to);
}

size_t runtime_leaks(FILE *to)
{
	call_may_wait("runtime_leaks");
	return leaks_report(to ? put_to_file : NULL, to);
}

static bool all_switches; /* somebody has asked: for good */

int runtime_cpu_ns(uint64_t *ns)
{
	struct co *self = arch_current();

	call_outside_handler("runtime_cpu_ns");
	if (!ns)
		return -EINVAL;
	preempt_disable();
	/* From now on all switches read the clock; so far, ticks of time slices have. */
	if (!shared_get(all_switches))
		profile_watch_switches(true);
	shared_set(all_switches, true);
	/* Each time: a core where a profile has just ended may have taken it back. */
	for (int i = 0; i < core_count(); i++)
		shared_set(cores[i]->every_switch, true);
	core_charge(self->core, self);
	*ns = self->cpu_ns;
	preempt_enable();
	return 0;
}

_Noreturn void runtime_panic(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	panic_with(vsnprintf, fmt, args);
}

const char *runtime_processor(void)
{
	call_outside_handler("runtime_processor");
	return machine.processor;
}

size_t runtime_memory(void)
{
	call_outside_handler("runtime_memory");
	return page_total();
}

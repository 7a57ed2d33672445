/* What coroutines do to stop and to make others ready, as long as it is plain; see sched.h. */
#include "kernel/sched.h" /* VOLE_PAINTED */

#include "debug/calls.h"
#include "debug/trace.h"
#include "kernel/proc.h"
#include "kernel/stack.h"

void sched_finish_slowly(struct co *prev)
{
	paint_check(prev);
	if (shared_get(prev->state) == CO_ENDED) {
		co_free(prev);
		return;
	}
	if (prev->trimmable)
		stack_stopped(prev);
	/* release: with the acquires in stack_is_free, trim_waiting and switch_to. */
	atomic_store_explicit(&prev->on_core,
			      prev->frame       ? CO_OFF_FRAME
			      : prev->trimmable ? CO_OFF_TRIMMABLE
						: CO_OFF,
			      memory_order_release);
}

static __attribute__((noinline)) void finish_switch(struct co *prev)
{
	sched_finish(arch_current(), prev);
}

/* Leaves self, which is current, for the scheduler. Returns in self. */
static __attribute__((noinline)) void switch_to_scheduler(struct co *self)
{
	finish_switch(arch_switch(self, self->core->scheduler));
}

static void *put_next(void *core, void *next)
{
	proc_put_next(core, next);
	return NULL;
}

/* As switch_to_scheduler; next is runnext, so the scheduler picks it before all but urgent ones. */
static __attribute__((noinline)) void leave_to_scheduler(struct co *self, struct co *next)
{
	shared_set(next->state, CO_RUNNABLE);
	core_call(put_next, self->core, next);
	switch_to_scheduler(self);
}

/* Leaves self, which is current, for next; NULL: for the scheduler. Returns in self, unless it ends.
 * Every way to stop contains this function: they all come to the switch by the same number of calls.
 * What is rare is a call at its end, and saves no registers for what is not. */
static inline __attribute__((always_inline)) void switch_to(struct core *core, struct co *self,
							    struct co *next, bool ends)
{
	struct co *prev;
	uint8_t on;

	kassert(self->nopreempt == 1);
	if (unlikely(!next)) {
		switch_to_scheduler(self);
		return;
	}
	/* acquire: with the release in sched_finish. */
	on = atomic_load_explicit(&next->on_core, memory_order_acquire);
#ifdef PLANT_ON_CORE
	for (int i = 0; core->switches % 16 == 0 && i < 50000; i++)
		arch_relax();            /* as if an interrupt took its time here */
	if (on == CO_ON && next != self) /* the fault; see also sched_finish */
		on = CO_OFF;
#endif
	if (likely(on == CO_OFF)) {
		sched_begin(core, next);
		prev = arch_switch(self, next);
	} else if (on == CO_NEW) {
		sched_begin(core, next);
		prev = arch_start(self, next);
	} else {
		leave_to_scheduler(self, next);
		return;
	}
	/* arch_current: arch_switch has nothing to keep for it. */
	if (!ends)
		sched_finish(arch_current(), prev);
}

/* The calling coroutine stops, for the scheduler, or where only a timeline is recorded for whom it sees. */
static __attribute__((noinline)) void stop_attentively(void)
{
	struct co *next = trace_next(), *self = arch_current();

	switch_to(self->core, self, next, false);
}

static inline __attribute__((always_inline)) void stop(struct co *self, bool ends)
{
	struct core *core = self->core;

	trace_stop_always(core, self);
	if (unlikely(shared_get(core->attention)))
		stop_attentively();
	else
		switch_to(core, self, proc_pick(core), ends);
}

void sched_park(void)
{
	stop(arch_current(), false);
}

void sched_end(void)
{
	struct co *self = arch_current();

	shared_set(self->state, CO_ENDED);
	stop(self, true);
}

/* go_yield where that is not plain. The calling coroutine goes on where its flags allow it to run. */
static __attribute__((noinline)) void yield_slowly(struct core *core, struct co *self)
{
	bool away = proc_home(core, self) != core;

	if (!call_by_coroutine(self))
		call_forbidden("go_yield");
	if (away || shared_get(core->attention) > ATTENTION_TRACED || proc_waiting(core)) {
		shared_set(self->state, CO_RUNNABLE);
		if (away || self->flags & CO_URGENT) {
			proc_send_away(core, self);
		} else {
			/* One of those that have used up a slice is another, too; the others of them wait. */
			if (!runq_len(&core->proc.runq))
				preempt_unexpire(core);
			proc_put(core, self);
		}
		sched_park();
	}
	preempt_enable();
}

ARCH_RETURN void go_yield(void)
{
	struct co *self = arch_current();

	preempt_disable();

	struct core *core = self->core;

	if (unlikely(shared_get(core->attention) || core->proc.runnext || self->flags & CO_URGENT ||
		     !runq_can_rotate(&core->proc.runq))) {
		yield_slowly(core, self);
		return;
	}
	shared_set(self->state, CO_RUNNABLE);
	trace_stop_always(core, self);
	core->proc.slice_new = true;
	switch_to(core, self, runq_rotate(&core->proc.runq, self), false);
	preempt_enable();
}

void sched_move(void)
{
	preempt_disable();
	yield_slowly(core_here(), arch_current());
}

static inline void count(struct core *core, bool woken)
{
	if (likely(woken))
		shared_add(core->wakeups, 1);
	else
		shared_add(core->spawned, 1);
}

/* By core_call, though the scheduler is there already: so it takes no room on the stacks of coroutines. */
static void *file_by_scheduler(void *core, void *co)
{
	proc_file(core, co, false);
	return NULL;
}

enum { READY_NEXT = 1, READY_WOKEN = 2 };

/* As ready, where co may have to go elsewhere, or an interrupt handler or the scheduler runs. */
static __attribute__((noinline)) void ready_slowly(struct core *core, struct co *co, unsigned how)
{
	if (core->in_handler & HANDLER_IRQ) {
		shared_add(core->handler_wakeups, 1);
		proc_send_away(core, co);
		return;
	}
	count(core, how & READY_WOKEN);
	if (arch_current() == core->scheduler)
		core_call(file_by_scheduler, core, co);
	else if (shared_get(co->flags) & CO_URGENT || proc_home(core, co) != core)
		proc_send_away(core, co);
	else if (how & READY_NEXT)
		proc_put_next(core, co);
	else
		proc_put(core, co);
}

static __attribute__((noinline)) void ready_traced(struct co *co, unsigned how)
{
	trace_ready(co, how & READY_WOKEN);
	ready_slowly(core_here(), co, how);
}

/* next: it runs next here, in this slice. */
static inline __attribute__((always_inline)) void ready(struct co *co, bool next)
{
	struct core *core = core_here();
	bool woken = shared_get(co->state) == CO_WAITING; /* else it is new */

#ifdef PLANT_LOST_WAKEUP
	if (!co_is_off(co))
		return; /* the fault: it has not stopped yet, so it need not be woken */
#endif
	shared_set(co->state, CO_RUNNABLE);
	trace_ready_always(co, woken);
	if (unlikely(shared_get(core->attention) ||
		     (shared_get(co->flags) & (CO_PINNED | CO_URGENT)))) {
		unsigned how = (next ? READY_NEXT : 0) | (woken ? READY_WOKEN : 0);

		if (unlikely(core->traced))
			ready_traced(co, how);
		else
			ready_slowly(core, co, how);
		return;
	}
	count(core, woken);
	if (next)
		proc_put_next(core, co);
	else
		proc_put(core, co);
}

void sched_ready(struct co *co)
{
	ready(co, true);
}

void sched_ready_last(struct co *co)
{
	ready(co, false);
}

void sched_park_for(struct co *next)
{
	struct co *self = arch_current();
	struct core *core = self->core;

	if (unlikely(core->watched || proc_home(core, next) != core)) {
		ready(next, true);
		sched_park();
		return;
	}
	shared_add(core->wakeups, 1);
	trace_ready_always(next, true);
	trace_stop_always(core, self);
	switch_to(core, self, next, false);
}

/* How sched_resched ends. What came meanwhile gets an interrupt of its own a moment later: the coroutine gets
 * on, however short the quantum is. */
static __attribute__((noinline)) void leave_resched(void)
{
	struct co *self = arch_current();

	for (;;) {
		atomic_signal_fence(memory_order_seq_cst);
		self->nopreempt = 0;
		if (!*(volatile uint8_t *)&self->need_resched)
			return;
		self->nopreempt = 1;
		self->need_resched = false;
		atomic_signal_fence(memory_order_seq_cst);
		core_timer_by(self->core, arch_clock() + A_MOMENT);
	}
}

/* The scheduler does what interrupts left to do, which takes more stack than this coroutine may have: it finds
 * it running, and resumes it, or another. Every stack has room for this function: it keeps nothing there. */
void sched_resched(void)
{
	struct co *self = arch_current();

	self->nopreempt = 1;
	self->need_resched = false;
	atomic_signal_fence(memory_order_seq_cst);
	finish_switch(arch_switch(self, self->core->scheduler));
	leave_resched();
}

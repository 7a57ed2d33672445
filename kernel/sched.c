#include "kernel/sched.h"

#include "debug/calls.h"
#include "kernel/locals.h"
#include "kernel/page.h"
#include "kernel/preempt.h"
#include "kernel/proc.h"
#include "kernel/stack.h"

/* A woken coroutine waits this long for its waker's core before others may have it. */
enum { RUNNEXT_AGE = 100 * 1000 };

/* Timers that go off sooner after others are late by as much. */
enum { TIMER_GAP = 20 * 1000 };

/* One that has used up its slice waits for others so many slices, before it is one of them again. */
enum { EXPIRED_SLICES = 4 };

/* Slices are looked at this often, so that no sum of times overflows. */
#define QUANTUM_MAX (3600 * NSEC_PER_SEC)

_Atomic uint64_t sched_quantum = 10 * NSEC_PER_MSEC;
_Atomic int external_waits, irqs_attached;
_Atomic uint8_t sched_detour;

bool smp;

static void *refill(void *a, void *b)
{
	(void)a;
	(void)b;
	stack_refill();
	return NULL;
}

void sched_finish_slowly(struct co *self, struct co *prev)
{
	struct core *core = self->core;

	if (*(volatile bool *)&core->irq_pending)
		self->need_resched = true;
	paint_check(prev);
	if (relaxed_get(prev->state) == CO_ENDED) {
		co_free(prev);
	} else {
		if (prev->deep)
			stack_stopped(prev);
		/* release: with the acquire in stack_is_free and stack_trim. */
		atomic_store_explicit(&prev->on_core,
				      prev->frame  ? CO_OFF_FRAME
				      : prev->deep ? CO_OFF_DEEP
						   : CO_OFF,
				      memory_order_release);
	}
	/* prev has needed pages since it held preemption off, and so may self. */
	if (core->page_reserve < PAGE_RESERVE_LOW)
		core_call(refill, NULL, NULL);
}

/* As switch_to where next is to be resumed by idle, or is none. */
static __attribute__((noinline)) void switch_slowly(struct co *self, struct co *next)
{
	struct core *core = self->core;
	struct co *prev;
	/* acquire: with the release in sched_finish. */
	uint8_t on = next ? atomic_load_explicit(&next->on_core, memory_order_acquire) : CO_ON;

	if (next == self) { /* made ready, and picked, before it had stopped */
		relaxed_set(self->state, CO_RUNNING);
		return;
	}
	if (on == CO_OFF || on == CO_NEW) {
		sched_begin(core, next);
	} else {
		relaxed_set(core->resume, next);
		next = core->idle;
	}
	prev = on == CO_NEW ? arch_start(self, next) : arch_switch(self, next);
	sched_finish(arch_current(), prev);
}

static void *charge(void *core, void *self)
{
	sched_charge(core, self);
	return NULL;
}

static __attribute__((noinline)) void switch_by_detour(struct co *self, struct co *next)
{
	if (atomic_load_explicit(&sched_detour, memory_order_relaxed) & DETOUR_CHARGES)
		core_call(charge, self->core, self);
	if (locals_room && next)
		locals_enter(next); /* idle, where that goes first, sees to it itself */
	switch_slowly(self, next);
}

/* Leaves self, which is current, for next; NULL: whoever may. Returns in self. Inline, so that all
 * ways to stop are as short as can be; and whatever is rare is a call at the end, so that what is
 * not has no registers to save. */
static inline __attribute__((always_inline)) void switch_to(struct core *core, struct co *self,
							    struct co *next, bool ends)
{
	struct co *prev;
	uint8_t on;

	kassert(self->nopreempt == 1);
	if (unlikely(atomic_load_explicit(&sched_detour, memory_order_relaxed))) {
		switch_by_detour(self, next);
		return;
	}
	if (unlikely(!next)) {
		switch_slowly(self, next);
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
		switch_slowly(self, next);
		return;
	}
	/* arch_current: arch_switch has nothing to keep for it. */
	if (!ends)
		sched_finish(arch_current(), prev);
}

static __attribute__((noinline)) void leave(struct co *next)
{
	struct co *self = arch_current();

	switch_to(self->core, self, next, false);
}

static __attribute__((noinline)) void park_slowly(void)
{
	leave(proc_pick_slowly(core_here()));
}

void sched_park(void)
{
	struct co *self = arch_current();
	struct co *next = proc_pick_soon(self->core);

	if (likely(next))
		switch_to(self->core, self, next, false);
	else
		park_slowly();
}

void sched_end(void)
{
	struct co *self = arch_current();
	struct core *core = self->core;

	relaxed_set(self->state, CO_ENDED);
	switch_to(core, self, proc_pick(core), true);
}

static __attribute__((noinline)) void yield_slowly(struct core *core, struct co *self)
{
	if (!call_by_coroutine(self))
		call_forbidden("go_yield");
	/* All others first, also those that have used up a slice. */
	struct co *next = core->proc.expired.first ? proc_pick(core) : NULL;

	proc_put_quietly(core, self);
	switch_to(core, self, next ? next : proc_pick(core), false);
	preempt_enable();
}

ARCH_RETURN void go_yield(void)
{
	struct co *self = arch_current();

	preempt_disable();

	struct core *core = self->core;

	relaxed_set(self->state, CO_RUNNABLE);
	if (unlikely(!proc_can_rotate(core, self))) {
		yield_slowly(core, self);
		return;
	}
	switch_to(core, self, proc_rotate(core, self), false);
	preempt_enable();
}

void sched_move(void)
{
	preempt_disable();

	struct co *self = arch_current();

	relaxed_set(self->state, CO_RUNNABLE);
	proc_put(self->core, self);
	sched_park();
	preempt_enable();
}

/* What for: woken, or new. */
static inline __attribute__((always_inline)) void ready(struct co *co, bool next, bool woken)
{
	struct core *core = core_here();

#ifdef PLANT_LOST_WAKEUP
	if (!co_is_off(co))
		return; /* the fault: it has not stopped yet, so it need not be woken */
#endif
	relaxed_set(co->state, CO_RUNNABLE);
	if (unlikely(core->in_handler & HANDLER_IRQ)) {
		relaxed_add(core->handler_wakeups, 1);
		proc_send(core, co);
		return;
	}
	if (woken)
		relaxed_add(core->wakeups, 1);
	else
		relaxed_add(core->spawned, 1);
	if (next && !(co->flags & (CO_PINNED | CO_URGENT)) &&
	    !(arch_current()->flags & CO_KERNEL) &&
	    core->index < atomic_load_explicit(&proc_count, memory_order_relaxed)) {
		struct co *old = core->proc.runnext;

		relaxed_set(core->proc.runnext, co);
		if (unlikely(!core->proc.slice_armed))
			sched_slice_arm(core);
		if (!old)
			return;
		co = old;
	}
	proc_put(core, co);
}

void sched_ready(struct co *co)
{
	ready(co, true, true);
}

void sched_ready_last(struct co *co)
{
	ready(co, false, true);
}

void sched_start(struct co *co)
{
	ready(co, true, false);
}

void sched_start_last(struct co *co)
{
	ready(co, false, false);
}

void sched_park_for(struct co *next)
{
	struct core *core = core_here();
	bool here = next->flags & CO_PINNED
			    ? next->pinned_core == core->index
			    : core->index < atomic_load_explicit(&proc_count, memory_order_relaxed);

	if (unlikely(core->proc.turn_over || !here)) {
		core->proc.turn_over = false;
		ready(next, false, true);
		next = proc_pick(core);
	} else {
		relaxed_add(core->wakeups, 1);
	}
	leave(next);
}

static void *timer_arm(void *core, void *unused)
{
	(void)unused;
	arch_timer_arm(((struct core *)core)->timer_armed);
	return NULL;
}

void sched_timer_by(struct core *core, uint64_t deadline)
{
	/* An interrupt in between sets timer_armed to TIME_NEVER and has sched_service called,
	 * which arms what is needed: nothing is lost. */
	if (deadline < core->timer_armed && !core->in_service) {
		core->timer_armed = deadline;
		core_call(timer_arm, core, NULL);
	}
}

static void *timer_soon(void *arg, void *unused)
{
	struct core *core = arg;

	(void)unused;
	core->timer_armed = arch_clock() + QUANTUM_MIN;
	arch_timer_arm(core->timer_armed);
	return NULL;
}

void sched_timer_soon(struct core *core)
{
	timer_soon(core, NULL);
}

static uint64_t slice_length(void)
{
	uint64_t quantum = atomic_load_explicit(&sched_quantum, memory_order_relaxed);

	if (quantum > QUANTUM_MAX)
		return QUANTUM_MAX;
	return quantum ? quantum : 10 * NSEC_PER_MSEC;
}

/* When to look at the slice again: at its end, and sooner where an idle core could help. */
static void slice_next(struct core *core, uint64_t now, uint64_t end)
{
	struct proc *proc = &core->proc;

	if (end <= now)
		end = now + slice_length();
	if (end > now + RUNNEXT_AGE && proc_idle_cores())
		end = now + RUNNEXT_AGE;
	relaxed_set(proc->slice_armed, true);
	relaxed_set(proc->slice_end, end);
	sched_timer_by(core, end);
}

bool sched_slice_is_long(const struct core *core)
{
	return relaxed_get(core->proc.slice_armed) &&
	       relaxed_get(core->proc.slice_end) > arch_clock() + RUNNEXT_AGE;
}

static void *slice_arm(void *arg, void *unused)
{
	struct core *core = arg;
	(void)unused;
	sched_charge(core, arch_current()); /* what ran while nothing waited read no clock */
	core->proc.tick_seen = core->proc.ticks;
	core->proc.slice_began = core->now;
	slice_next(core, core->now, core->now + slice_length());
	return NULL;
}

void sched_slice_arm(struct core *core)
{
	core_call(slice_arm, core, NULL);
}

/* True: running has had its time and others wait. */
static bool slice_check(struct core *core, struct co *running, uint64_t now)
{
	struct proc *proc = &core->proc;
	uint64_t quantum = atomic_load_explicit(&sched_quantum, memory_order_relaxed);
	bool over;

	if (!proc_waiting(core)) {
		relaxed_set(proc->slice_armed, false);
		return false;
	}
	if (!proc->slice_armed) {
		sched_slice_arm(core);
	}
	if (proc->tick_seen != proc->ticks) {
		proc->tick_seen = proc->ticks;
		proc->slice_began = now;
	}
	over = quantum && (now >= proc->slice_began + slice_length() ||
			   (!(running->flags & CO_URGENT) && proc_urgent_waiting(core)));
	if (over) {
		/* The next pick begins a slice, now. */
		proc->tick_seen = proc->ticks + 1;
		proc->slice_began = now;
	}
	/* Also where the quantum has become shorter, or another core idle. */
	if (now >= proc->slice_end || over ||
	    (proc->slice_end > now + RUNNEXT_AGE && proc_idle_cores()) ||
	    proc->slice_end > proc->slice_began + slice_length()) {
		struct co *co = proc->runnext;

		/* Without preemption, too, a pair that wakes each other keeps nobody out. */
		if (co && (over || !quantum || proc_idle_cores())) {
			relaxed_set(proc->runnext, NULL);
			proc_put(core, co);
		}
		proc->turn_over = !quantum;
		if (now >= proc->expired_at) {
			proc->expired_at = now + EXPIRED_SLICES * slice_length();
			proc_unexpire(core);
		}
		slice_next(core, now, proc->slice_began + slice_length());
	}
	return over;
}

bool sched_service(struct core *core, struct co *running)
{
	bool over = false;

	core->in_service = true;
	/* First: what interrupts leave from here on has it set again. */
	relaxed_set(core->irq_pending, false);
	atomic_signal_fence(memory_order_seq_cst);
	proc_receive(core);
	preempt_refill(core);
	stack_refill();
	if (unlikely(relaxed_get(core->given_back) !=
		     atomic_load_explicit(&page_give_back_round, memory_order_relaxed)))
		page_give_back();

	sched_charge(core, running ? running : core->idle);

	uint64_t now = core->now;
	uint64_t next = atomic_load_explicit(&core->wheel.next, memory_order_relaxed);

	if (next <= now) {
		next = wheel_advance(&core->wheel, now);
		core->timers_after = now + TIMER_GAP;
	}
	if (next > now && next < core->timers_after)
		next = core->timers_after;
	if (unlikely(proc_idle_cores()) && proc_waiting(core))
		proc_share(core);
	if (running) {
		if (core->index >= atomic_load_explicit(&proc_count, memory_order_relaxed)) {
			proc_give_away(core);
			if (!(running->flags & CO_PINNED))
				over = true;
		}
		over |= slice_check(core, running, now);
	} else {
		relaxed_set(core->proc.slice_armed, false); /* whoever is picked next begins one */
	}
	if (core->proc.slice_armed && core->proc.slice_end < next)
		next = core->proc.slice_end;
	core->in_service = false;
	sched_timer_by(core, next);
	return over;
}

/* The idle coroutine does what is to be done, which takes more stack than this one may have: it finds
 * it running, and resumes it, or another. */
void sched_resched(void)
{
	struct co *self = arch_current();

	for (bool first = true;; first = false) {
		self->nopreempt = 1;
		self->need_resched = false;
		atomic_signal_fence(memory_order_seq_cst);

		/* What came meanwhile gets an interrupt of its own a moment later: this coroutine
		 * gets on, however short the quantum is. */
		if (first)
			leave(NULL);
		else
			core_call(timer_soon, self->core, NULL);
		atomic_signal_fence(memory_order_seq_cst);
		self->nopreempt = 0;
		if (!*(volatile uint8_t *)&self->need_resched)
			break;
	}
}

void sched_resume_soon(struct core *core)
{
	struct proc *proc = &core->proc;

	if (proc->slice_armed && proc->slice_end < arch_clock() + QUANTUM_MIN) {
		sched_timer_soon(core);
		/* One that is pending already is taken here. */
		arch_interrupts_on();
		arch_relax(); /* an x86 takes none between these two alone */
		arch_interrupts_off();
	}
	if (core->irq_pending) /* since sched_service, and nobody was told */
		sched_timer_soon(core);
}

/*
 * LEAKS=1: what a program leaves behind when it ends: blocks that it was to give back and
 * that nothing leads to any more, and coroutines that wait for what cannot come.
 *
 * Blocks: whoever can still be reached from the image, from what the kernel has for itself, or from a
 * stack that is still in use is no leak; every word may be a pointer (Boehm and Weiser 1988). In use
 * is the stack of who calls exit, from there on, and those of coroutines that may go on.
 *
 * Coroutines: one that is runnable, or waits for a time or for something outside, may go on. When there
 * is none of these, nobody else does; otherwise also those go on for whom it might do something, because
 * what they wait for can be reached. Who waits for the kernel's own things, is left alone; so is main, when
 * another calls exit in its place.
 *
 * It is a failure where the program's own status is 0, which is a failure itself otherwise.
 */
#include "sim.h"

#include "debug/callers.h"
#include "debug/stuck.h"
#include "debug/symtab.h"
#include "debug/who.h"
#include "kernel/sched.h"
#include "kernel/slab.h"
#include "sync/wait.h"

bool sim_leaks;

/* Of the first call of exit: who, the stack pointer, and the registers that a call keeps: switch.S. */
struct co *sim_exiter;
uintptr_t sim_exit_sp, sim_exit_regs[6];

extern char __data_start[], __data_app_start[], __data_app_end[], __data_end[];
extern char __bss_start[], __bss_app_start[], __bss_app_end[], __bss_sim_start[];

/* ---- What can be reached ---- */

enum { BLOCKS = 32 * 1024 };
static struct sim_block *blocks[BLOCKS], *to_scan[BLOCKS]; /* that are live, by address; reached */
static int nblocks, nto_scan;

/* Coroutines that wait, of which it is to be found out whether they may go on. */
enum { SUSPECTS = 1024 };
static struct suspect {
	struct co *co;
	bool seen; /* something leads to it, or it may go on */
	int told;  /* of others like it: see report */
} suspects[SUSPECTS];
static int nsuspects;

static bool others;  /* some coroutine may go on */
static bool marking; /* what is read is of one of these */

static void take_block(struct sim_block *block)
{
	block->reached = false;
	if (block->live)
		blocks[nblocks++] = block;
}

static void sort_blocks(void)
{
	for (int gap = nblocks / 2; gap > 0; gap /= 2)
		for (int i = gap; i < nblocks; i++) {
			struct sim_block *b = blocks[i];
			int k = i;

			for (; k >= gap && blocks[k - gap]->at > b->at; k -= gap)
				blocks[k] = blocks[k - gap];
			blocks[k] = b;
		}
}

static struct sim_block *block_of(uintptr_t at)
{
	int lo = 0, hi = nblocks;

	while (hi - lo > 1) {
		int mid = (lo + hi) / 2;

		if (blocks[mid]->at <= at)
			lo = mid;
		else
			hi = mid;
	}
	return nblocks && at - blocks[lo]->at < blocks[lo]->size ? blocks[lo] : NULL;
}

static void reach(struct sim_block *block)
{
	if (block->reached)
		return;
	block->reached = true;
	to_scan[nto_scan++] = block;
}

static bool is_on(const struct co *co, uintptr_t at)
{
	return at >= co->stack_mapped && at < co->stack_top;
}

static void reach_word(uintptr_t word)
{
	struct sim_block *block;

	if (word < machine.ram[0].base)
		return;
	block = block_of(word);
	if (block)
		reach(block);
	else
		for (int i = 0; marking && i < nsuspects; i++)
			suspects[i].seen |= word - (uintptr_t)suspects[i].co < sizeof(struct co) ||
					    is_on(suspects[i].co, word);
}

static void scan(const void *from, const void *to)
{
	for (const uintptr_t *at = (const uintptr_t *)(((uintptr_t)from + 7) & -(uintptr_t)8);
	     at + 1 <= (const uintptr_t *)to; at++)
		reach_word(*at);
}

static void scan_blocks(void)
{
	while (nto_scan > 0) {
		const struct sim_block *block = to_scan[--nto_scan];

		scan((const void *)block->at, (const void *)(block->at + block->size));
	}
}

/* Of a core only what leads to others: its magazines have what is free, and was. */
static void scan_core(const struct core *core)
{
	scan(&core->proc, &core->proc + 1);
	scan(&core->wheel, &core->wheel + 1);
}

/* The image's variables, but those of cores. */
static void scan_image(const char *from, const char *to)
{
	const char *boot = (const char *)cores[0];

	if (boot >= from && boot < to) {
		scan(from, boot);
		from = boot + sizeof(struct core);
	}
	scan(from, to);
}

static void scan_stack(const struct co *co)
{
	uintptr_t from = co->stack_mapped, sp = (uintptr_t)co->sp;

	/* Below where it has stopped nothing is in use. */
	if (co_is_off(co) && is_on(co, sp))
		from = sp;
	marking = true;
	scan((const void *)from, (const void *)co->stack_top);
	marking = false;
	scan(co, co + 1);
}

static void scan_exiter(void)
{
	const struct co *co = sim_exiter;

	scan(sim_exit_regs, sim_exit_regs + sizeof sim_exit_regs / sizeof *sim_exit_regs);
	scan((const void *)(is_on(co, sim_exit_sp) ? sim_exit_sp : co->stack_mapped),
	     (const void *)co->stack_top);
}

/* ---- Who may go on ---- */

/* A timer that is pending on core is on co's stack. */
static bool has_timer(const struct core *core, const struct co *co)
{
	const struct wheel_link *slots = &core->wheel.slot[0][0];

	for (int i = 0; core->wheel.pending && i < WHEEL_LEVELS * WHEEL_SLOTS; i++)
		for (const struct wheel_link *at = slots[i].next; at && at != &slots[i];
		     at = at->next)
			if (is_on(co, (uintptr_t)at))
				return true;
	return false;
}

static bool is_timed(const struct co *co)
{
	for (int i = 0; i < core_count(); i++)
		if (has_timer(cores[i], co))
			return true;
	return false;
}

static bool is_app(uintptr_t at)
{
	return (at >= (uintptr_t)__data_app_start && at < (uintptr_t)__data_app_end) ||
	       (at >= (uintptr_t)__bss_app_start && at < (uintptr_t)__bss_app_end);
}

/* What co waits for is the program's, which is not reached where nobody goes on. */
static bool waits_for_program(const struct co *co)
{
	uintptr_t object = (uintptr_t)co->wait_object;
	const struct sim_block *block = block_of(object);

	switch (co->wait_reason) {
	case WAIT_SOCKET:
		return false;
	case WAIT_SLEEP:
	case WAIT_SELECT:
	case WAIT_SELECT_NONE:
		return true;
	default:
		return block ? block->owed : object >= ARCH_WINDOW_BASE || is_app(object);
	}
}

static bool runs_elsewhere(const struct co *co)
{
	for (int i = 0; i < sim_core_count; i++)
		if (&sim_cores[i] != sim_here && sim_cores[i].current == co)
			return true;
	return false;
}

static bool is_over(const struct co *co)
{
	return co == sim_exiter || co->flags & CO_KERNEL || co->state == CO_FREE ||
	       co->state == CO_ENDED;
}

static void suspect(struct co *co, void *unused)
{
	(void)unused;
	if (!is_over(co) && !(co->flags & CO_COUNTED) && co->state == CO_WAITING &&
	    !runs_elsewhere(co) && !is_timed(co) && waits_for_program(co) && nsuspects < SUSPECTS)
		suspects[nsuspects++] = (struct suspect){.co = co};
}

static void scan_others(struct co *co, void *unused)
{
	(void)unused;
	if (is_over(co))
		return;
	for (int i = 0; i < nsuspects; i++)
		if (suspects[i].co == co)
			return;
	others |= !(co->flags & CO_COUNTED);
	scan_stack(co);
}

/* A coroutine that goes on could end this wait, as far as can be seen. */
static bool may_go_on(const struct suspect *s)
{
	const struct sim_block *block = block_of((uintptr_t)s->co->wait_object);

	if (s->seen || s->co->wait_reason == WAIT_SELECT)
		return true;
	if (s->co->wait_reason == WAIT_SLEEP || s->co->wait_reason == WAIT_SELECT_NONE)
		return s->co->group != NULL;
	return block ? block->reached : true;
}

/* The timers and handlers of the program may do something, too. */
static bool something_may_come(void)
{
	size_t timers = 0;

	for (int i = 0; i < core_count(); i++)
		timers += cores[i]->wheel.pending;
	return timers > (size_t)background_timers || irqs_attached;
}

static void let_go_on(void)
{
	bool more;

	do {
		more = false;
		for (int i = 0; i < nsuspects; i++) {
			struct suspect *s = &suspects[i];

			if (!may_go_on(s))
				continue;
			scan_stack(s->co);
			scan_blocks();
			*s = suspects[--nsuspects];
			more = true;
			break;
		}
	} while (more);
}

/* ---- The report ---- */

static bool is_main(const struct co *co)
{
	return co->id == 1;
}

/* Where a coroutine that waits has stopped. */
static void put_waiting(const struct co *co)
{
	struct sim_trace t = {.n = 0};
	struct backtrace b;

	arch_backtrace_context(&b, co->sp);
	do
		t.pc[t.n++] = b.pc;
	while (t.n < SIM_DEEP && callers_step(&b, co->stack_mapped, co->stack_top));
	sim_put_stack(&t);
}

static bool same_name(const struct co *a, const struct co *b)
{
	const char *x = co_name(a), *y = co_name(b);

	while (*x && *x == *y)
		x++, y++;
	return *x == *y;
}

static void put_coroutines(const struct suspect *first)
{
	const struct co *co = first->co;
	struct site site;

	sim_put(2, "leaked: ");
	sim_put_number(2, (uint64_t)first->told, 10);
	sim_put(2, " × \"");
	sim_put(2, co_name(co));
	sim_put(2, "\" waiting for ");
	sim_put(2, wait_reason_names[co->wait_reason]);
	sim_put(2, ", started at ");
	symtab_site(co->started_at, &site);
	sim_put(2, site.function);
	sim_put(2, " (");
	sim_put(2, site.file);
	sim_put(2, ":");
	sim_put_number(2, site.line, 10);
	sim_put(2, ")\n");
	put_waiting(co);
}

/* Those that are like another are told of with it. */
static void report_coroutines(void)
{
	for (int i = 0; i < nsuspects; i++) {
		struct suspect *s = &suspects[i];
		int k = 0;

		while (suspects[k].co->wait_reason != s->co->wait_reason ||
		       symtab_site_first(suspects[k].co->started_at) !=
			       symtab_site_first(s->co->started_at) ||
		       !same_name(suspects[k].co, s->co))
			k++;
		suspects[k].told++;
	}
	for (int i = 0; i < nsuspects; i++)
		if (suspects[i].told)
			put_coroutines(&suspects[i]);
}

static bool same_place(const struct sim_trace *a, const struct sim_trace *b)
{
	for (int i = 0; i < a->n && i < b->n; i++)
		if (a->pc[i] != b->pc[i])
			return false;
	return a->n == b->n;
}

static bool is_leak(const struct sim_block *b)
{
	return b->owed && !b->reached;
}

/* Those that were allocated at one place, together. */
static void put_blocks(int first)
{
	const struct sim_block *b = blocks[first];
	uint64_t n = 0, bytes = 0;

	for (int i = first; i < nblocks; i++)
		if (is_leak(blocks[i]) && same_place(&blocks[i]->given, &b->given)) {
			n++;
			bytes += blocks[i]->size;
			if (i != first)
				blocks[i]->reached = true; /* told of */
		}
	sim_put_number(2, n, 10);
	sim_put(2, n == 1 ? " block, " : " blocks, ");
	sim_put_number(2, bytes, 10);
	sim_put(2, bytes == 1 ? " byte, allocated by " : " bytes, allocated by ");
	sim_put_who(&b->given);
	sim_put(2, "\n");
	sim_put_stack(&b->given);
}

static void report_blocks(uint64_t n, uint64_t bytes)
{
	sim_put(2, "leaked memory: ");
	sim_put_number(2, n, 10);
	sim_put(2, " blocks, ");
	sim_put_number(2, bytes, 10);
	sim_put(2, " bytes\n");
	for (int i = 0; i < nblocks; i++)
		if (is_leak(blocks[i]))
			put_blocks(i);
}

/* ---- */

static void look(int status)
{
	bool all = sim_each_block(take_block);
	uint64_t n = 0, bytes = 0;

	sort_blocks();
	if (!slab_visit_try())
		return;
	co_each(suspect, NULL);
	co_each(scan_others, NULL);
	slab_visit_end();
	scan_image(__data_start, __data_end);
	scan_image(__bss_start, __bss_sim_start);
	for (int i = 0; i < core_count(); i++)
		scan_core(cores[i]);
	for (int i = 0; i < sim_core_count; i++)
		if (&sim_cores[i] != sim_here) { /* what is in its hands */
			marking = true;
			scan(sim_cores[i].irq_stack + PAGE_SIZE,
			     sim_cores[i].irq_stack + SIM_IRQ_STACK);
			marking = false;
		}
	for (int i = 0; i < nblocks; i++)
		if (!blocks[i]->owed)
			reach(blocks[i]);
	scan_exiter();
	scan_blocks();
	if (others || something_may_come())
		let_go_on();
	for (int i = 0; i < nsuspects; i++)
		if (is_main(suspects[i].co)) {
			scan_stack(suspects[i].co);
			suspects[i--] = suspects[--nsuspects];
		}
	scan_blocks();
	for (int i = 0; i < nblocks && all; i++)
		if (is_leak(blocks[i])) {
			n++;
			bytes += blocks[i]->size;
		}
	if (!n && !nsuspects)
		return;
	if (!status)
		sim_failed("leak");
	report_coroutines();
	if (n)
		report_blocks(n, bytes);
	if (!status)
		sim_end(STATUS_FAILURE);
}

void sim_look_for_leaks(int status)
{
	if (!sim_leaks || !sim_exiter || sim_exiter != sim_current || !sim_run.begun ||
	    (status && (status == STATUS_PANIC || !sim_tells())))
		return;
	look_begin();
	look(status);
	look_end();
}

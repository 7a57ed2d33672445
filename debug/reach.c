/*
 * Every object of a slab, and every block of whole pages, has a number, and a bit for each of two things: it
 * is reached, and what it leads to has been looked at. The numbers are kept in the struct page of a page in
 * use, whose links the allocator does not need: of the first page of a slab or block, `next` is the number
 * of its first object, and `prev` says so; of the others of a block, `next` is how far it is to the first.
 *
 * What is reached waits on a stack of fixed size until it is looked at. What finds no room there is found
 * later, by its bits.
 *
 * A coroutine is reached by a pointer to what is in use of its stack: there is the record of its wait, to
 * which whoever can end that has a pointer. A pointer to its struct co alone does not count: only the
 * kernel has some, and forgets them.
 */
#include "debug/reach.h"

#include <string.h>

#include "debug/order.h" /* VOLE_ASAN */
#include "debug/panic.h"
#include "debug/record.h"
#include "kernel/core.h"
#include "kernel/lock.h"
#include "kernel/page.h"
#include "kernel/slab.h"
#include "kernel/stack.h"

/* struct page's prev of pages in use. */
enum { NUMBERED = 0x1eaf0001, INSIDE };

enum { TO_FOLLOW = 4096 };

static struct {
	const struct co *self;
	uintptr_t self_sp;
	uint8_t *is_reached, *is_followed; /* bits, by number; 0 is nobody's */
	uint32_t numbers;
	const struct co **slots; /* those whose stacks are slots, by address */
	size_t nslots;
	uintptr_t *to_follow;
	size_t nto_follow;
	bool missed;                  /* something had no room there */
	void *part;                   /* of the page allocator, which holds all that */
	uintptr_t free_from, free_to; /* in a panic: what can be taken */
	enum reach_kind kinds[MAX_SLAB_CACHES];
} reach;

static bool bit(const uint8_t *bits, uint32_t n)
{
	return bits[n / 8] >> n % 8 & 1;
}

static void set_bit(uint8_t *bits, uint32_t n)
{
	bits[n / 8] |= (uint8_t)(1 << n % 8);
}

/* ---- Objects and their numbers ---- */

static struct slab *slab_at(uintptr_t at, unsigned order)
{
	return (struct slab *)(at & ~(((uintptr_t)PAGE_SIZE << order) - 1));
}

static struct page *page_at(uintptr_t at)
{
	return page_of((const void *)at);
}

static bool object_in_slab(struct reach_object *o, uintptr_t at, unsigned order)
{
	struct slab *slab = slab_at(at, order);
	const struct page *first = page_of(slab);
	const struct slab_cache *cache = slab->cache;

	o->at = (uintptr_t)slab_object_of((const void *)at);
	if (!o->at || first->prev != NUMBERED)
		return false;
	o->size = cache->size;
	o->number = first->next + (uint32_t)((o->at - (uintptr_t)slab - SLAB_HEADER) / o->size);
	o->kind = reach.kinds[cache->index];
	return true;
}

/* The object that at points into. False: none. */
static bool object_at(struct reach_object *o, uintptr_t at)
{
	struct page *page = page_at(at);

	if (!page || page->kind == PAGE_FREE)
		return false;
	if (page->kind == PAGE_SLAB)
		return object_in_slab(o, at, page->order);
	at &= ~(uintptr_t)(PAGE_SIZE - 1);
	if (page->kind == PAGE_OTHER && page->prev == INSIDE) {
		at -= (uintptr_t)page->next * PAGE_SIZE;
		page = page_at(at);
	}
	if (page->kind != PAGE_LARGE || page->prev != NUMBERED)
		return false;
	*o = (struct reach_object){at, (size_t)page->count * PAGE_SIZE, page->next, REACH_BLOCK};
	return true;
}

/* How many bytes from at on are one slab, block, or the like. */
static size_t extent(const struct page *page)
{
	switch (page->kind) {
	case PAGE_FREE:
	case PAGE_SLAB:
		return (size_t)PAGE_SIZE << page->order;
	case PAGE_LARGE:
		return (size_t)page->count * PAGE_SIZE;
	default:
		return PAGE_SIZE;
	}
}

/* Calls visit for the first page of all slabs and blocks, and for pages that are neither. */
static void each_extent(void (*visit)(uintptr_t at, struct page *page, void *arg), void *arg)
{
	for (int i = 0; i < machine.nram; i++) {
		uintptr_t at = machine.ram[i].base, end = at + machine.ram[i].size;

		while (at < end) {
			struct page *page = page_at(at);

			visit(at, page, arg);
			at += extent(page);
		}
	}
}

static void give_numbers(uintptr_t at, struct page *page, void *unused)
{
	(void)unused;
	if (page->kind == PAGE_FREE)
		return;
	page->prev = 0;
	if (page->kind == PAGE_OTHER)
		return;
	page->prev = NUMBERED;
	page->next = reach.numbers;
	if (page->kind == PAGE_SLAB) {
		reach.numbers += ((const struct slab *)at)->cache->capacity;
		return;
	}
	reach.numbers++;
	for (uint32_t i = 1; i < page->count; i++) {
		page[i].prev = INSIDE;
		page[i].next = i;
	}
}

/* What is nobody's is said to be reached and followed. */
static void leave_out(uint32_t number)
{
	set_bit(reach.is_reached, number);
	set_bit(reach.is_followed, number);
}

static void leave_out_free(uintptr_t at, struct page *page, void *unused)
{
	const struct slab *slab = (const struct slab *)at;

	(void)unused;
	if (page->kind != PAGE_SLAB || page->prev != NUMBERED)
		return;
	for (uint32_t i = 0; i < slab->cache->capacity; i++)
		if (slab->free[i / 32] >> i % 32 & 1)
			leave_out(page->next + i);
}

static void leave_out_object(const void *p)
{
	struct reach_object o;

	if (object_at(&o, (uintptr_t)p))
		leave_out(o.number);
}

/* What a core keeps for later is free; and its own memory leads to what was there once. */
static void leave_out_core(const struct core *core)
{
	for (int i = 0; i < MAX_SLAB_CACHES; i++)
		for (uint32_t k = 0; k < core->slabs[i].count; k++)
			leave_out_object(core->slabs[i].object[k]);
	leave_out_object(core);
}

/* ---- Coroutines ---- */

static bool is_slot(const struct co *co)
{
	return co->stack_kind < STACK_FIXED;
}

struct co *reach_co_of(const struct reach_object *o)
{
	return (struct co *)(o->at + o->size) - 1;
}

uintptr_t reach_stack_from(const struct co *co)
{
	uintptr_t sp = (uintptr_t)co->sp;

	if (co == reach.self) {
		sp = reach.self_sp;
	} else if (co->frame) {
		struct backtrace b;

		arch_backtrace_regs(&b, co->frame, 0, 0);
		sp = b.sp;
	}
	return sp >= co->stack_mapped && sp <= co->stack_top ? sp : co->stack_mapped;
}

static void count_slot(struct co *co, void *n)
{
	*(size_t *)n += is_slot(co);
}

static void note_slot(struct co *co, void *unused)
{
	(void)unused;
	if (is_slot(co))
		reach.slots[reach.nslots++] = co;
}

/* Shell's sort (1959), with Ciura's gaps (2001), and more of them. */
static void sort_slots(void)
{
	static const size_t gaps[] = {412859, 183493, 81552, 36245, 16109, 7159, 3182, 1414,
				      701,    301,    132,   57,    23,    10,   4,    1};

	for (size_t g = 0; g < sizeof(gaps) / sizeof(gaps[0]); g++)
		for (size_t i = gaps[g]; i < reach.nslots; i++) {
			const struct co *co = reach.slots[i];
			size_t k = i;

			for (; k >= gaps[g] && reach.slots[k - gaps[g]]->stack_top > co->stack_top;
			     k -= gaps[g])
				reach.slots[k] = reach.slots[k - gaps[g]];
			reach.slots[k] = co;
		}
}

/* Whose stack at is on, one that is a slot, or NULL. */
static const struct co *slot_at(uintptr_t at)
{
	size_t low = 0, high = reach.nslots;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (reach.slots[middle]->stack_top <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low < reach.nslots && at >= reach.slots[low]->stack_mapped ? reach.slots[low] : NULL;
}

/* Whose stack at is on, as far as it is in use; or NULL. */
static struct co *co_at(uintptr_t at, const struct reach_object *o)
{
	const struct co *co = o ? reach_co_of(o) : slot_at(at);

	/* The struct co itself is above the stack. */
	if (!co || at >= co->stack_top || at < reach_stack_from(co))
		return NULL;
	return (struct co *)(uintptr_t)co;
}

bool reach_object(struct reach_object *o, uintptr_t word)
{
	const struct co *co = NULL;

	if (word >= ARCH_WINDOW_BASE && word < ARCH_WINDOW_END) {
		co = co_at(word, NULL);
		if (!co || !object_at(o, (uintptr_t)co))
			return false;
	} else if (!object_at(o, word)) {
		return false;
	}
	return o->kind != REACH_OTHERS && !bit(reach.is_reached, o->number);
}

uint32_t reach_numbers(void)
{
	return reach.numbers;
}

/* ---- What is reached ---- */

static void take(const struct reach_object *o)
{
	if (bit(reach.is_reached, o->number))
		return;
	set_bit(reach.is_reached, o->number);
	if (reach.nto_follow < TO_FOLLOW)
		reach.to_follow[reach.nto_follow++] = o->at;
	else
		reach.missed = true;
}

void reach_co(struct co *co)
{
	struct reach_object o;

	if (object_at(&o, (uintptr_t)co))
		take(&o);
}

void reach_word(uintptr_t word)
{
	struct reach_object o;
	struct co *co;

	if (word >= ARCH_WINDOW_BASE && word < ARCH_WINDOW_END) {
		co = co_at(word, NULL);
		if (co)
			reach_co(co);
	} else if (object_at(&o, word)) {
		if (o.kind == REACH_BLOCK || (o.kind == REACH_CO && co_at(word, &o)))
			take(&o);
	}
}

/* Sanitizers know of this memory what the program may do with it. */
__attribute__((no_sanitize("address", "thread"))) void reach_words(const void *from, const void *to)
{
	const uintptr_t *at = (const uintptr_t *)(((uintptr_t)from + 7) & ~(uintptr_t)7);

	for (; at + 1 <= (const uintptr_t *)to; at++)
		reach_word(*at);
}

void reach_block_only(const void *p)
{
	leave_out_object(p);
}

/* Not what it has waited for, nor what it has been linked to: that is over. What it is given is in its struct co
 * until it runs, and stays there until it waits for the first time. */
static void follow_co(const struct co *co)
{
	reach_words((const void *)reach_stack_from(co), (const void *)co->stack_top);
	if (co->frame)
		reach_words(co->frame, (const char *)co->frame + machine.frame_size);
	if (!co->wait_since)
		reach_word((uintptr_t)co->arg);
	reach_word((uintptr_t)co->group);
	reach_word((uintptr_t)co->defers);
	if (co->at_end)
		reach_word((uintptr_t)co->end_arg);
	reach_word((uintptr_t)co->reent);
}

static void follow(const struct reach_object *o)
{
	if (bit(reach.is_followed, o->number))
		return;
	set_bit(reach.is_followed, o->number);
	if (o->kind == REACH_CO)
		follow_co(reach_co_of(o));
	else
		reach_words((const void *)o->at, (const void *)(o->at + o->size));
}

static void follow_waiting(void)
{
	struct reach_object o;

	while (reach.nto_follow)
		if (object_at(&o, reach.to_follow[--reach.nto_follow]))
			follow(&o);
}

/* Calls visit for the objects of a slab or block that are reached, or not. */
struct by_bits {
	bool is_reached;
	void (*visit)(const struct reach_object *o, void *arg);
	void *arg;
};

static void visit_by_bits(uintptr_t at, struct page *page, void *arg)
{
	const struct by_bits *by = arg;
	const struct slab *slab = (const struct slab *)at;
	struct reach_object o;

	if (page->kind == PAGE_LARGE) {
		if (object_at(&o, at) && bit(reach.is_reached, o.number) == by->is_reached)
			by->visit(&o, by->arg);
	} else if (page->kind == PAGE_SLAB && page->prev == NUMBERED) {
		for (uint32_t i = 0; i < slab->cache->capacity; i++)
			if (bit(reach.is_reached, page->next + i) == by->is_reached &&
			    object_at(&o, at + SLAB_HEADER + i * slab->cache->size))
				by->visit(&o, by->arg);
	}
}

static void follow_missed(const struct reach_object *o, void *unused)
{
	(void)unused;
	follow(o);
	follow_waiting();
}

void reach_follow(void)
{
	struct by_bits by = {.is_reached = true, .visit = follow_missed};

	follow_waiting();
	while (reach.missed) {
		reach.missed = false;
		each_extent(visit_by_bits, &by);
	}
}

bool reached_co(const struct co *co)
{
	struct reach_object o;

	return !object_at(&o, (uintptr_t)co) || bit(reach.is_reached, o.number);
}

bool reached(const void *p)
{
	uintptr_t at = (uintptr_t)p;
	const struct co *co;
	struct reach_object o;

	if (at >= ARCH_WINDOW_BASE && at < ARCH_WINDOW_END) {
		co = slot_at(at);
		return !co || reached_co(co);
	}
	return !object_at(&o, at) || bit(reach.is_reached, o.number);
}

struct rest {
	void (*visit)(void *block, void *arg);
	void *arg;
};

static void visit_block(const struct reach_object *o, void *arg)
{
	const struct rest *rest = arg;

	if (o->kind == REACH_BLOCK)
		rest->visit((void *)o->at, rest->arg);
}

void reach_rest(void (*visit)(void *block, void *arg), void *arg)
{
	struct rest rest = {visit, arg};
	struct by_bits by = {.is_reached = false, .visit = visit_block, .arg = &rest};

	each_extent(visit_by_bits, &by);
}

/* ---- */

static void find_kinds(void)
{
	for (int i = 0; i < MAX_SLAB_CACHES && slab_caches[i]; i++) {
		const char *name = slab_caches[i]->name;

		reach.kinds[i] = !strcmp(name, "heap")        ? REACH_BLOCK
				 : !strcmp(name, "coroutine") ? REACH_CO
							      : REACH_OTHERS;
	}
}

/* The most free blocks in a row; they stay free in the allocator's eyes. */
static void find_free(void)
{
	for (int i = 0; i < machine.nram; i++) {
		uintptr_t at = machine.ram[i].base, end = at + machine.ram[i].size, from = at;

		while (at < end) {
			const struct page *page = page_at(at);

			at += extent(page);
			if (page->kind != PAGE_FREE)
				from = at;
			else if (at - from > reach.free_to - reach.free_from) {
				reach.free_from = from;
				reach.free_to = at;
			}
		}
	}
}

static void *take_free(size_t bytes)
{
	uintptr_t at;

	if (!reach.free_to)
		find_free();
	at = reach.free_from;
	if (bytes > reach.free_to - at)
		return NULL;
	reach.free_from += bytes;
	memory_fresh((void *)at, bytes);
	return (void *)at;
}

/* What is given is nobody's, nor are its pages what they were in the use before. */
static char *take_part(size_t bytes)
{
	size_t pages = (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
	char *part = shared_get(panicking) ? take_free(pages * PAGE_SIZE)
					   : page_alloc_many(pages, PAGE_SIZE);

	for (size_t i = 0; part && i < pages; i++)
		page_of(part)[i].prev = 0;
	return part;
}

void *reach_memory(size_t bytes)
{
	return take_part(bytes);
}

bool reach_begin(const struct co *self, uintptr_t sp, size_t *bytes)
{
	size_t slots = 0, bits;
	char *part;

	find_kinds();
	reach.self = self;
	reach.self_sp = sp;
	reach.numbers = 1;
	reach.nslots = reach.nto_follow = 0;
	reach.missed = false;
	each_extent(give_numbers, NULL);
	co_each(count_slot, &slots);

	bits = (reach.numbers + 63) / 64 * 8;
	*bytes = 2 * bits + slots * sizeof(*reach.slots) + TO_FOLLOW * sizeof(*reach.to_follow);
	reach.part = part = take_part(*bytes);
	if (!part)
		return false;
	memset(part, 0, 2 * bits);
	reach.is_reached = (uint8_t *)part;
	reach.is_followed = (uint8_t *)part + bits;
	reach.slots = (const struct co **)(void *)(part + 2 * bits);
	reach.to_follow = (uintptr_t *)(reach.slots + slots);
	co_each(note_slot, NULL);
	sort_slots();
	leave_out(0);
	each_extent(leave_out_free, NULL);
	for (int i = 0; i < core_count(); i++)
		leave_out_core(cores[i]);
	record_each(leave_out_object); /* what was, as on a timeline, leads nowhere now */
	return true;
}

/* Whoever has that memory next may be reached: then it must not lead to all that was reached now. */
void reach_end(void)
{
	memset(reach.to_follow, 0, TO_FOLLOW * sizeof(*reach.to_follow));
	page_free_many(reach.part);
	reach.part = NULL;
}

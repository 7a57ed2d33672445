#include "kernel/stack.h"

#include <errno.h>

#include "debug/failing.h" /* VOLE_FAILING */
#include "debug/overflow.h"
#include "debug/trace.h"
#include "kernel/core.h"
#include "kernel/lock.h"
#include "kernel/page.h"
#include "kernel/sched.h"

/*
 * Slots come in kinds of 4 KB << kind, each kind in a window of its own, so that an address
 * tells its slot: window + slot * stride, the guard page first.
 */
enum { KINDS = STACK_FIXED, DEFAULT_KIND = 6 /* 256 KB */ };
enum { CORE_KIND = 8 }; /* the first slots of it are those of cores: 1 MB, nearly all of it guard */

/* What a free slot holds at its top. */
struct free_slot {
	struct free_slot *next;
	uintptr_t mapped;
};

/* A page full of slots (their tops) that have been used, and have no page now. */
enum { BARE_SLOTS = PAGE_SIZE / sizeof(uintptr_t) - 2 };
struct bare_slots {
	struct bare_slots *next;
	uint32_t count;
	bool table; /* of those that are kept for tables */
	uintptr_t top[BARE_SLOTS];
};

static struct slot_kind {
	/* constant */
	uintptr_t window, window_end, stride;
	struct spinlock lock;
	/* guarded by lock */
	struct free_slot *free;
	size_t free_bytes; /* mapped in those; read by anyone */
	struct bare_slots *bare;
	uintptr_t unused; /* slots from here on were never used */
	/* How far from the top of a slot a page was mapped for another than its coroutine: by a wild
	 * pointer, or by one into a stack. The slot does not count such a page. */
	_Atomic size_t strays;
} kinds[KINDS];

static uintptr_t core_stacks_end; /* constant after boot */

void stack_init(void)
{
	uintptr_t size = (ARCH_WINDOW_END - ARCH_WINDOW_BASE) / KINDS & ~(uintptr_t)0x3fffffff;

	for (int i = 0; i < KINDS; i++) {
		struct slot_kind *kind = &kinds[i];

		kind->window = ARCH_WINDOW_BASE + i * size;
		kind->window_end = kind->window + size;
		kind->stride = ((uintptr_t)PAGE_SIZE << i) + PAGE_SIZE;
		kind->unused = kind->window;
	}
}

static void *take_reserve(void)
{
	struct core *core = core_here();

	return core->page_reserve ? core->reserve[--core->page_reserve] : NULL;
}

/* An interrupt handler's fault in between takes what is there: then the place is another. */
static void put_reserve(struct core *core, void *page)
{
	uintptr_t n;

	do {
		n = core->page_reserve;
		core->reserve[n] = page;
	} while (!arch_swap_here(&core->page_reserve, n, n + 1));
}

void stack_refill(void)
{
	struct core *core = core_here();

	if (page_low() && !core->in_fault)
		page_reclaim(PAGE_RESERVE);
	while (core->page_reserve < PAGE_RESERVE) {
		void *page = page_alloc(0);

		if (!page)
			break;
		put_reserve(core, page);
	}
}

void stack_renew(void)
{
	struct core *core = core_here();
	void *pages[PAGE_RESERVE - PAGE_RESERVE_LOW], *page;
	unsigned n = 0;

	for (uintptr_t left; (left = core->page_reserve) > PAGE_RESERVE_LOW;) {
		page = core->reserve[left - 1];
		if (arch_swap_here(&core->page_reserve, left, left - 1))
			pages[n++] = page;
	}
	while (n)
		put_reserve(core, page_renew(pages[--n]));
}

/* Maps a page of a slot that nobody runs on. False: no memory. */
static bool map_page(uintptr_t at)
{
	void *page = page_alloc(0);
	int error;

	if (!page)
		return false;
	error = arch_map(at, (uintptr_t)page, MAP_WRITE, page_alloc_table);
	if (error)
		page_free(page, 0);
	return !error || error == -EEXIST; /* there is one, where a wild pointer has been */
}

/* Kind locked: a slot without memory gets its top page. */
static struct free_slot *slot_make(struct slot_kind *kind)
{
	struct bare_slots *bare = kind->bare;
	uintptr_t top = bare ? bare->top[bare->count - 1] : kind->unused + kind->stride;

	if (top > kind->window_end || !map_page(top - PAGE_SIZE))
		return NULL;
	if (!bare) {
		shared_set(kind->unused, top);
	} else if (--bare->count == 0) {
		kind->bare = bare->next;
		if (bare->table)
			page_return_table(bare);
		else
			page_free(bare, 0);
	}

	struct free_slot *slot = (struct free_slot *)top - 1;

	slot->mapped = top - PAGE_SIZE;
	return slot;
}

static uintptr_t top_of(struct free_slot *slot)
{
	return (uintptr_t)(slot + 1);
}

/* Kind locked; NULL: none is free. */
static struct free_slot *free_slot_take(struct slot_kind *kind)
{
	struct free_slot *slot = kind->free;

	if (slot) {
		kind->free = slot->next;
		shared_add(kind->free_bytes, -(top_of(slot) - slot->mapped));
	}
	return slot;
}

uintptr_t stack_make_core(size_t size)
{
	struct slot_kind *kind = &kinds[CORE_KIND];
	uintptr_t top = kind->unused + kind->stride;

	for (uintptr_t at = top - size; at < top; at += PAGE_SIZE)
		if (!map_page(at))
			return 0;
	kind->unused = core_stacks_end = top;
	return top;
}

/*
 * A live stack with more than TRIM_ABOVE bytes mapped has co->trimmable set: 1, plus how often in a row its coroutine
 * has stopped far above the lowest page. While that coroutine waits, on_core is CO_OFF_TRIMMABLE. The core that
 * resumes it and a core that takes pages from it change that by compare-and-swap.
 */
enum { TRIM_ABOVE = 64 * 1024, SHALLOW_LONG = 32 };

static _Atomic long trimmable_stacks; /* that live */

static void mark_trimmable(struct co *co)
{
	if (!co->trimmable && co->stack_top - co->stack_mapped > TRIM_ABOVE) {
		co->trimmable = 1;
		atomic_fetch_add_explicit(&trimmable_stacks, 1, memory_order_relaxed);
	}
}

static void *take_slowly(void *arg, void *)
{
	struct slot_kind *kind = arg;
	struct free_slot *slot;

	spin_lock(&kind->lock);
	slot = free_slot_take(kind);
	if (!slot)
		slot = slot_make(kind);
	spin_unlock(&kind->lock);
	return slot;
}

bool stack_take(struct co *co, size_t limit)
{
	struct magazine *m = &core_here()->stacks;
	struct free_slot *slot;
	int i = DEFAULT_KIND;

	if (limit)
		for (i = 0; i < KINDS && ((size_t)PAGE_SIZE << i) < limit;)
			i++;
	if (i == KINDS)
		return false;

	struct slot_kind *kind = &kinds[i];

	if (i == DEFAULT_KIND && m->count)
		slot = m->object[--m->count];
	else
		slot = core_call(take_slowly, kind, NULL);
	if (!slot)
		return false;
	stack_set(co, i, top_of(slot), slot->mapped);
	mark_trimmable(co);
	return true;
}

bool stack_map(struct co *co, uintptr_t low)
{
	while (co->stack_mapped > low) {
		if (alloc_fails() || !map_page(co->stack_mapped - PAGE_SIZE))
			return false;
		shared_set(co->stack_mapped, co->stack_mapped - PAGE_SIZE);
		shared_add(core_here()->stack_bytes, PAGE_SIZE);
	}
	return true;
}

uintptr_t stack_slot_start(const struct co *co)
{
	/* At the top is room for what links the slot when it is free. Slots are powers of two apart:
	 * their coroutines begin at different places, so that they do not all fall on the same sets
	 * of the caches. */
	enum { COLOURS = 8, COLOUR = 128 };

	return co->stack_top - 16 -
	       (co->stack_top / (PAGE_SIZE << co->stack_kind) % COLOURS) * COLOUR;
}

/* Kind locked. */
static void free_slot_add(struct slot_kind *kind, struct free_slot *slot)
{
	slot->next = kind->free;
	kind->free = slot;
	shared_add(kind->free_bytes, top_of(slot) - slot->mapped);
}

size_t stack_give_back(void)
{
	struct magazine *m = &core_here()->stacks;
	struct slot_kind *kind = &kinds[DEFAULT_KIND];
	size_t given = m->count;

	/* The holder of the lock may be on the way here. */
	if (!given || !spin_try_lock(&kind->lock))
		return 0;
	while (m->count)
		free_slot_add(kind, m->object[--m->count]);
	spin_unlock(&kind->lock);
	return given;
}

void stack_give(struct co *co)
{
	struct magazine *m = &core_here()->stacks;
	struct free_slot *slot = (struct free_slot *)co->stack_top - 1;

	if (co->trimmable)
		atomic_fetch_sub_explicit(&trimmable_stacks, 1, memory_order_relaxed);
	slot->mapped = co->stack_mapped;
	if (co->stack_kind == DEFAULT_KIND && m->count < MAGAZINE_SIZE) {
		m->object[m->count++] = slot;
		return;
	}

	struct slot_kind *kind = &kinds[co->stack_kind];

	spin_lock(&kind->lock);
	free_slot_add(kind, slot);
	spin_unlock(&kind->lock);
}

/* One core at a time takes pages, and many at once, since every core is interrupted for it. */
enum { AT_ONCE = 256 };
static struct {
	struct spinlock lock; /* inside it, the lock of a kind is only tried */
	/* guarded by lock */
	uintptr_t va[AT_ONCE], pages[AT_ONCE];
	size_t n;
} reclaim;

/* Reclaim locked: unmaps the pages at reclaim.va, and frees those that there were. How many.
 * kind (locked; NULL: a stack is in use): whole free slots of it lose their pages, the lowest first. Where
 * its list of slots without pages is full, the list gets a page of those that are kept for tables, or else
 * one of these. */
static size_t strip(struct slot_kind *kind)
{
	size_t freed = 0;

	arch_unmap(reclaim.va, reclaim.n, reclaim.pages);
	for (size_t i = 0; i < reclaim.n; i++) {
		struct bare_slots *page = (struct bare_slots *)reclaim.pages[i];
		uintptr_t end = reclaim.va[i] + PAGE_SIZE;

		if (page && kind && (!kind->bare || kind->bare->count == BARE_SLOTS)) {
			struct bare_slots *list = page_take_table();
			bool table = list;

			if (!table) {
				list = page;
				page = NULL;
			}
			list->table = table;
			list->next = kind->bare;
			list->count = 0;
			kind->bare = list;
		}
		if (page) {
			page_free(page, 0);
			freed++;
		}
		if (kind && (end - kind->window) % kind->stride == 0) /* it was the top page */
			kind->bare->top[kind->bare->count++] = end;
	}
	reclaim.n = 0;
	return freed;
}

/* The same for the pages from at to end, but the last of them are left at reclaim.va. */
static size_t strip_range(struct slot_kind *kind, uintptr_t at, uintptr_t end)
{
	size_t freed = 0;

	for (; at < end; at += PAGE_SIZE) {
		if (reclaim.n == AT_ONCE)
			freed += strip(kind);
		reclaim.va[reclaim.n++] = at;
	}
	return freed;
}

/* Kind and reclaim locked: free slots lose their pages. */
static size_t strip_slots(struct slot_kind *kind, size_t n)
{
	size_t freed = 0;

	for (struct free_slot *slot; freed + reclaim.n < n && (slot = free_slot_take(kind));) {
		uintptr_t at = slot->mapped, top = top_of(slot);
		size_t strays = atomic_load_explicit(&kind->strays, memory_order_relaxed);

		freed += strip_range(kind, top - at < strays ? top - strays : at, top);
	}
	return freed + strip(kind);
}

size_t stack_reclaim(size_t n)
{
	size_t freed = 0;

	if (!spin_try_lock(&reclaim.lock)) {
		while (atomic_load_explicit(&reclaim.lock.held, memory_order_relaxed))
			arch_relax();
		return 1; /* another has taken some */
	}
	for (int i = 0; i < KINDS && freed < n; i++) {
		struct slot_kind *kind = &kinds[i];

		/* A core that holds the lock for longer makes a slot: then none is free, and this loop ends. */
		while (shared_get(kind->free_bytes) && freed < n)
			if (spin_try_lock(&kind->lock)) {
				freed += strip_slots(kind, n - freed);
				spin_unlock(&kind->lock);
			}
	}
	spin_unlock(&reclaim.lock);
	return freed;
}

/* co is off its stack: takes the pages below where it stopped, but for a few. How many. */
static void *trim(void *arg, void *)
{
	struct co *co = arg;
	uintptr_t keep = ((uintptr_t)co->sp & ~(uintptr_t)(PAGE_SIZE - 1)) - 4 * PAGE_SIZE;
	uintptr_t from = co->stack_mapped;
	size_t freed;

	if (from >= keep || !spin_try_lock(&reclaim.lock))
		return NULL;
	shared_set(co->stack_mapped, keep);
	shared_add(core_here()->stack_bytes, -(int64_t)(keep - from));
	freed = strip_range(NULL, from, keep) + strip(NULL);
	spin_unlock(&reclaim.lock);
	if (co->stack_top - keep <= TRIM_ABOVE) {
		co->trimmable = 0;
		atomic_fetch_sub_explicit(&trimmable_stacks, 1, memory_order_relaxed);
	}
	return (void *)freed;
}

void stack_stopped(struct co *co)
{
	if (co->frame) /* preempted: sp is of its last stop */
		return;
	if ((uintptr_t)co->sp - co->stack_mapped < TRIM_ABOVE)
		co->trimmable = 1;
	else if (co->trimmable <= SHALLOW_LONG)
		co->trimmable++;
	else
		core_call(trim, co, NULL);
}

static void trim_waiting(struct co *co, void *arg)
{
	uint8_t off = CO_OFF_TRIMMABLE;

	/* acquire: with the release in sched_finish_slowly. release: with the acquire in stack_is_free
	 * and switch_to. */
	if (!atomic_compare_exchange_strong_explicit(&co->on_core, &off, CO_ON,
						     memory_order_acquire, memory_order_relaxed))
		return;
	*(size_t *)arg += (size_t)trim(co, NULL);
	atomic_store_explicit(&co->on_core, co->trimmable ? CO_OFF_TRIMMABLE : CO_OFF,
			      memory_order_release);
}

size_t stack_trim(void)
{
	size_t freed = 0;

	if (atomic_load_explicit(&trimmable_stacks, memory_order_relaxed))
		co_each(trim_waiting, &freed);
	return freed;
}

size_t stack_reclaimable(void)
{
	size_t bytes = 0;

	for (int i = 0; i < KINDS; i++)
		bytes += shared_get(kinds[i].free_bytes);
	return bytes;
}

size_t stack_limit(const struct co *co)
{
	uint8_t kind = shared_get(co->stack_kind);

	if (kind < KINDS)
		return (size_t)PAGE_SIZE << kind;
	return shared_get(co->stack_top) - shared_get(co->stack_mapped);
}

/* A page at at, not of the current coroutine's stack, has been mapped. */
static void note_stray(struct slot_kind *kind, uintptr_t at)
{
	size_t depth = kind->stride - (at - kind->window) % kind->stride;
	size_t known = atomic_load_explicit(&kind->strays, memory_order_relaxed);

	while (known < depth &&
	       !atomic_compare_exchange_weak_explicit(&kind->strays, &known, depth,
						      memory_order_relaxed, memory_order_relaxed))
		;
}

/* On the interrupt stack, interrupts masked. */
bool stack_fault(uintptr_t addr, const struct arch_regs *regs)
{
	struct co *co = arch_current();
	bool own = co &&
		   co->stack_top - addr - 1 < stack_limit(co) + PAGE_SIZE; /* or its guard page */

	if (addr < kinds[0].window || addr >= kinds[KINDS - 1].window_end)
		return false;

	struct slot_kind *kind = kinds;

	while (addr >= kind->window_end)
		kind++;

	uintptr_t offset = (addr - kind->window) % kind->stride;

	if (addr >= shared_get(kind->unused))
		return false;
	if (kind == &kinds[CORE_KIND] && addr < core_stacks_end) {
		const struct co *scheduler = core_here()->scheduler;

		if (scheduler->stack_top - addr <= kind->stride && addr < scheduler->stack_mapped)
			stack_core_overflow(regs, addr);
		return false;
	}
	if (offset < PAGE_SIZE) {
		if (own)
			stack_overflow(co, regs, addr);
		return false;
	}

	/* Where preemption was on, no lock is held that the allocator could need: it fills the
	 * reserve. Else the reserve has to do: it is enough for the kernel's own few frames. */
	if (co->nopreempt == 0) {
		co->nopreempt++;
		co->core->in_fault = true;
		stack_refill();
		if (page_low()) /* stack_refill outside of a fault can do more */
			arch_send_reschedule(co->core);
		co->core->in_fault = false;
		co->nopreempt--;
	}

	uintptr_t at = addr & ~(uintptr_t)(PAGE_SIZE - 1);
	void *page = take_reserve();
	int error = page ? arch_map(at, (uintptr_t)page, MAP_WRITE, take_reserve) : -ENOMEM;

	if (co->core->page_reserve < PAGE_RESERVE_LOW) {
		/* It is filled when preemption is on again, or after the next switch. */
		co->need_resched = true;
		shared_set(co->core->irq_pending, true);
	}
	if (error == -EEXIST) { /* another core was faster */
		co->core->reserve[co->core->page_reserve++] = page;
		return true;
	}
	if (error)
		stack_out_of_memory(co);
	if (own && at < co->stack_mapped) {
		shared_add(co->core->stack_bytes, (int64_t)(co->stack_mapped - at));
		shared_set(co->stack_mapped, at);
		mark_trimmable(co);
	}
	if (!own)
		note_stray(kind, at);
	if (traced(co->core))
		trace_event(co->core, TRACE_FAULT, addr, 0);
	return true;
}

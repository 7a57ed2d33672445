/*
 * The buddy allocator (Knowlton 1965): blocks of 2^order pages, aligned to their size; a block is
 * split in halves to serve a smaller request, and joined with its buddy when both are free.
 * A page number is an index from the lowest page of RAM; number 0 of struct page's links means
 * none, so page 0 is never given out.
 */
#include "kernel/page.h"

#include <string.h>

#include "debug/order.h" /* VOLE_ASAN */
#include "kernel/core.h"
#include "kernel/lock.h"
#include "kernel/slab.h"
#include "kernel/stack.h"

enum { ORDERS = 21 }; /* up to 4 GB */
enum { LOW = 256 };   /* pages: fewer are free only when stacks have none to give */

static struct {
	struct spinlock lock;
	struct page *pages; /* constant after page_init */
	uint64_t first;     /* address of page 0; constant */
	uint32_t count;     /* constant */
	/* guarded by lock */
	uint32_t free[ORDERS];
	size_t free_pages;
	size_t total_pages;
} buddy;

static void *address_of(uint32_t n)
{
	return (void *)(buddy.first + (uint64_t)n * PAGE_SIZE);
}

static uint32_t number_of(const void *p)
{
	return (uint32_t)(((uint64_t)(uintptr_t)p - buddy.first) / PAGE_SIZE);
}

struct page *page_of(const void *p)
{
	uint64_t at = (uint64_t)(uintptr_t)p;

	if (at < buddy.first || (at - buddy.first) / PAGE_SIZE >= buddy.count)
		return NULL;
	return &buddy.pages[number_of(p)];
}

static void list_add(uint32_t n, unsigned order)
{
	struct page *page = &buddy.pages[n];

	page->kind = PAGE_FREE;
	page->order = (uint8_t)order;
	page->prev = 0;
	page->next = buddy.free[order];
	if (page->next)
		buddy.pages[page->next].prev = n;
	buddy.free[order] = n;
	shared_set(buddy.free_pages, buddy.free_pages + ((size_t)1 << order));
}

static void list_remove(uint32_t n)
{
	struct page *page = &buddy.pages[n];

	if (page->prev)
		buddy.pages[page->prev].next = page->next;
	else
		buddy.free[page->order] = page->next;
	if (page->next)
		buddy.pages[page->next].prev = page->prev;
	page->kind = PAGE_OTHER;
	shared_set(buddy.free_pages, buddy.free_pages - ((size_t)1 << page->order));
}

static void free_block(uint32_t n, unsigned order)
{
	for (; order < ORDERS - 1; order++) {
		uint32_t other = n ^ ((uint32_t)1 << order);

		if (other >= buddy.count || shared_get(buddy.pages[other].kind) != PAGE_FREE ||
		    buddy.pages[other].order != order)
			break;
		list_remove(other);
		n &= ~((uint32_t)1 << order);
	}
	list_add(n, order);
}

static uint32_t alloc_block(unsigned order)
{
	unsigned have = order;

	while (have < ORDERS && !buddy.free[have])
		have++;
	if (have >= ORDERS)
		return 0;

	uint32_t n = buddy.free[have];

	list_remove(n);
	while (have > order) {
		have--;
		list_add(n + ((uint32_t)1 << have), have);
	}
	return n;
}

/* Gives back pages [from, to), in the largest aligned blocks. */
static void free_span(uint32_t from, uint32_t to)
{
	while (from < to) {
		unsigned order = 0;

		while (order < ORDERS - 1 && !(from & ((uint32_t)1 << order)) &&
		       from + ((uint32_t)2 << order) <= to)
			order++;
		free_block(from, order);
		from += (uint32_t)1 << order;
	}
}

/*
 * Page tables stay when what they mapped has gone, and so do lists of places that were mapped. One here and
 * one there would leave memory in pieces for good, so they are next to each other: in blocks of a 256th of
 * memory, or of what is easy to get, the first of them from the start.
 */
static struct {
	char *next; /* unused ones */
	size_t left;
	void *returned; /* each leads to the next */
} tables;               /* guarded by buddy.lock */

static void make_tables(void)
{
	uint32_t n = 0;

	for (unsigned order = 63 - (unsigned)__builtin_clzl(buddy.total_pages / 256 | 1);
	     !n && order > 0; order--) {
		if (buddy.free_pages >= LOW + ((size_t)2 << order))
			n = alloc_block(order);
		if (n) {
			tables.next = address_of(n);
			tables.left = (size_t)1 << order;
		}
	}
}

void *page_take_table(void)
{
	void *page;

	assert_nopreempt();
	spin_lock(&buddy.lock);
	page = tables.returned;
	if (!page && !tables.left)
		make_tables();
	if (page) {
		tables.returned = *(void **)page;
	} else if (tables.left) {
		tables.left--;
		page = tables.next;
		tables.next += PAGE_SIZE;
	}
	spin_unlock(&buddy.lock);
	if (page)
		memory_fresh(page, PAGE_SIZE);
	return page;
}

void page_return_table(void *page)
{
	assert_nopreempt();
	spin_lock(&buddy.lock);
	*(void **)page = tables.returned;
	tables.returned = page;
	spin_unlock(&buddy.lock);
}

void *page_alloc_table(void)
{
	void *page = page_take_table();

	return page ? page : page_alloc(0);
}

void page_init(void)
{
	uint64_t low = UINT64_MAX, high = 0;
	struct ram_range *home = NULL;

	for (int i = 0; i < machine.nram; i++) {
		struct ram_range *r = &machine.ram[i];

		if (r->base < low)
			low = r->base;
		if (r->base + r->size > high)
			high = r->base + r->size;
		if (!home || r->size > home->size)
			home = r;
	}
	if (!home)
		panic("too little memory: no RAM beside the image");

	/* Blocks up to 1 GB are aligned to their size in physical memory too. */
	low &= ~(((uint64_t)1 << 30) - 1);
	buddy.first = low;
	buddy.count = (uint32_t)((high - low) / PAGE_SIZE);

	size_t bytes = ((size_t)buddy.count * sizeof(struct page) + PAGE_SIZE - 1) & -PAGE_SIZE;

	if (home->size < bytes)
		panic("too little memory: %zu KB for the page table of the allocator do not fit",
		      bytes / 1024);
	buddy.pages = (struct page *)(uintptr_t)home->base;
	home->base += bytes;
	home->size -= bytes;
	memset(buddy.pages, 0, bytes);
	for (int i = 0; i < machine.nram; i++) {
		uint32_t from = number_of((void *)(uintptr_t)machine.ram[i].base);
		uint32_t n = (uint32_t)(machine.ram[i].size / PAGE_SIZE);

		free_span(from ? from : 1, from + n);
		buddy.total_pages += n;
	}
	make_tables();
}

/* With the lock: n pages in a row, of free blocks side by side. For what no single block can hold:
 * it looks at all of memory. 0: there are none. */
static uint32_t alloc_run(uint32_t n)
{
	uint32_t first = 0, have = 0;

	for (uint32_t at = 1; at < buddy.count && have < n;) {
		struct page *page = &buddy.pages[at];

		if (page->kind != PAGE_FREE) {
			have = 0;
			at++;
			continue;
		}
		if (!have)
			first = at;
		have += (uint32_t)1 << page->order;
		at += (uint32_t)1 << page->order;
	}
	if (have < n)
		return 0;
	for (uint32_t at = first; at < first + have;) {
		uint32_t size = (uint32_t)1 << buddy.pages[at].order;

		list_remove(at);
		at += size;
	}
	free_span(first + n, first + have);
	return first;
}

/* The count is one that page_available looks at. */
static void *magazine_take(struct magazine *m)
{
	shared_add(m->count, -1);
	return m->object[m->count];
}

static void magazine_put(struct magazine *m, void *page)
{
	m->object[m->count] = page;
	shared_add(m->count, 1);
}

/*
 * Each core keeps some free objects and pages for later. Others can use them only when they are back in
 * their slab or block, so a core that finds no memory asks all others to give back what they keep. It does
 * not wait for long: a core that waits for a lock of the asker's cannot answer. All are asked once in a
 * while only, or cores that are short of memory would do nothing else.
 */
_Atomic uint32_t page_give_back_round;
static _Atomic uint64_t next_round;                                       /* not before */
enum { GIVE_BACK_WAIT = 20 * 1000 * 1000, ROUND_GAP = 10 * 1000 * 1000 }; /* ns */

size_t page_give_back(void)
{
	struct core *core = core_here();
	struct magazine *m = &core->pages;
	uint32_t round = atomic_load_explicit(&page_give_back_round, memory_order_relaxed);
	size_t given = stack_give_back() + slab_give_back() + m->count;

	core_renew(core);
	spin_lock(&buddy.lock);
	while (m->count)
		free_block(number_of(magazine_take(m)), 0);
	core->given_back = round;
	spin_unlock(&buddy.lock);
	return given;
}

static bool all_have_given_back(uint32_t round)
{
	bool all = true;

	spin_lock(&buddy.lock);
	for (int i = 0; i < core_count(); i++)
		all &= cores[i] == core_here() || (int32_t)(cores[i]->given_back - round) >= 0;
	spin_unlock(&buddy.lock);
	return all;
}

static bool others_give_back(void)
{
	size_t before = page_available();
	uint64_t now = arch_clock(), end = now + GIVE_BACK_WAIT;
	uint64_t next = atomic_load_explicit(&next_round, memory_order_relaxed);
	uint32_t round;

	if (now < next ||
	    !atomic_compare_exchange_strong_explicit(&next_round, &next, now + ROUND_GAP,
						     memory_order_relaxed, memory_order_relaxed))
		return false;
	round = atomic_fetch_add_explicit(&page_give_back_round, 1, memory_order_relaxed) + 1;
	for (int i = 0; i < core_count(); i++)
		if (cores[i] != core_here())
			arch_send_reschedule(cores[i]);
	while (!all_have_given_back(round) && arch_clock() < end)
		arch_relax();
	return page_available() > before;
}

bool page_reclaim(size_t n)
{
	return stack_reclaim(n) || page_give_back() || slab_reclaim() || stack_trim() ||
	       others_give_back();
}

bool page_low(void)
{
	return shared_get(buddy.free_pages) < LOW;
}

/* With the lock: n pages, aligned to the order's size, or anywhere. Where there are none it tries again
 * each time that memory has been taken back. The last pages are for faults, which cannot take any back. */
static uint32_t alloc_or_reclaim(unsigned order, uint32_t n, bool anywhere)
{
	bool in_fault = core_here()->in_fault, take_last = in_fault;

	for (;;) {
		uint32_t first = 0;

		if (take_last || buddy.free_pages >= LOW + (size_t)n) {
			first = alloc_block(order);
			if (first && n < (uint32_t)1 << order)
				free_span(first + n, first + ((uint32_t)1 << order));
			if (!first && anywhere)
				first = alloc_run(n);
		}
		if (first || in_fault)
			return first;
		spin_unlock(&buddy.lock);

		bool given = page_reclaim(n < LOW ? LOW : n);

		spin_lock(&buddy.lock);
		if (!given && take_last)
			return 0;
		take_last = !given;
	}
}

static void *alloc_slowly(unsigned order)
{
	struct magazine *m = &core_here()->pages;
	uint32_t n;

	spin_lock(&buddy.lock);
	n = alloc_or_reclaim(order, (uint32_t)1 << order, false);
	if (order == 0)
		while (n && m->count < MAGAZINE_SIZE / 2) {
			uint32_t more = alloc_block(0);

			if (!more)
				break;
			magazine_put(m, address_of(more));
		}
	spin_unlock(&buddy.lock);
	if (!n && order == 0 && m->count) /* what stacks have given */
		return magazine_take(m);
	return n ? address_of(n) : NULL;
}

void *page_alloc(unsigned order)
{
	struct magazine *m = &core_here()->pages;
	void *block;

	assert_nopreempt();
	block = order == 0 && m->count ? magazine_take(m) : alloc_slowly(order);
	if (block)
		memory_fresh(block, PAGE_SIZE << order);
	return block;
}

void page_free(void *block, unsigned order)
{
	struct magazine *m = &core_here()->pages;

	assert_nopreempt();
	if (order == 0 && m->count < MAGAZINE_SIZE) {
		magazine_put(m, block);
		return;
	}
	spin_lock(&buddy.lock);
	free_block(number_of(block), order);
	while (order == 0 && m->count > MAGAZINE_SIZE / 2)
		free_block(number_of(magazine_take(m)), 0);
	spin_unlock(&buddy.lock);
}

void *page_renew(void *page)
{
	spin_lock(&buddy.lock);
	free_block(number_of(page), 0);
	page = address_of(alloc_block(0));
	spin_unlock(&buddy.lock);
	memory_fresh(page, PAGE_SIZE);
	return page;
}

static void *alloc_many(void *count, void *alignment)
{
	size_t n = (size_t)count, align = (size_t)alignment;
	unsigned order = 0;
	uint32_t first = 0;

	while (((size_t)1 << order) < n || ((size_t)PAGE_SIZE << order) < align)
		order++;
	spin_lock(&buddy.lock);
	if (align <= PAGE_SIZE || order < ORDERS)
		first = alloc_or_reclaim(order, (uint32_t)n, align <= PAGE_SIZE);
	if (first) {
		buddy.pages[first].kind = PAGE_LARGE;
		buddy.pages[first].count = (uint32_t)n;
	}
	spin_unlock(&buddy.lock);
	return first ? address_of(first) : NULL;
}

void *page_alloc_many(size_t n, size_t align)
{
	assert_nopreempt();
	return n > buddy.count ? NULL : core_call(alloc_many, (void *)n, (void *)align);
}

static void *free_many(void *block, void *)
{
	uint32_t first = number_of(block);

	spin_lock(&buddy.lock);
	buddy.pages[first].kind = PAGE_OTHER;
	free_span(first, first + buddy.pages[first].count);
	spin_unlock(&buddy.lock);
	return NULL;
}

void page_free_many(void *block)
{
	assert_nopreempt();
	core_call(free_many, block, NULL);
}

size_t page_total(void)
{
	return buddy.total_pages * PAGE_SIZE;
}

size_t page_available(void)
{
	size_t n = shared_get(buddy.free_pages);

	for (int i = 0; i < core_count(); i++)
		n += shared_get(cores[i]->pages.count);
	return n * PAGE_SIZE + stack_reclaimable() + slab_reclaimable();
}

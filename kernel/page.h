/* Physical pages: a buddy allocator, with a magazine of single pages per core. */
#ifndef KERNEL_PAGE_H
#define KERNEL_PAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/core.h"

enum page_kind { PAGE_OTHER, PAGE_FREE, PAGE_SLAB, PAGE_LARGE };

/* One for each page of RAM. */
struct page {
	uint32_t next, prev; /* free list; guarded by the allocator's lock; else reach.c's */
	uint32_t count;      /* PAGE_LARGE: pages of the block that begins here */
	uint8_t order;       /* PAGE_FREE, PAGE_SLAB: of its block */
	uint8_t kind;        /* enum page_kind */
};

/* Takes over the RAM that the machine found. */
void page_init(void);

/* Gives back what page_alloc (arch.h) gave. Both: with nopreempt > 0, or before the scheduler runs. They
 * go deep: on the core's own stack (core_call), or one that grows. */
void page_free(void *block, unsigned order);

/* A page that is kept for good, as page tables are. page_take_table: only where one is free already. */
void *page_alloc_table(void);
void *page_take_table(void);
void page_return_table(void *page); /* what page_take_table gave */

/* A page in place of one that nobody uses, out of the smallest free block: what is kept from when memory was short
 * is not to leave it in pieces. nopreempt > 0. */
void *page_renew(void *page);

/* n pages in a row (PAGE_LARGE), aligned to align bytes. */
void *page_alloc_many(size_t n, size_t align);
void page_free_many(void *block);

/* Has stacks and slabs give pages that they do not use, n if it is easy. False: there are none. */
bool page_reclaim(size_t n);

/* Gives back what this core keeps for later: how much. nopreempt > 0. */
size_t page_give_back(void);

/* A core that finds no memory has begun a round, in which all others are to give back. */
extern _Atomic uint32_t page_give_back_round;

static inline bool page_give_back_wanted(const struct core *core)
{
	return shared_get(core->given_back) !=
	       atomic_load_explicit(&page_give_back_round, memory_order_relaxed);
}

/* Stacks and slabs should give some. */
bool page_low(void);

/* The struct of the page that holds p; NULL when p is not RAM. */
struct page *page_of(const void *p);

/* Bytes: all RAM taken over; free now, magazines included (roughly). */
size_t page_total(void);
size_t page_available(void);

#endif

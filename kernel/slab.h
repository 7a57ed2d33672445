/*
 * Slabs (Bonwick 1994, 2001): objects of one size, cut from blocks of pages; a magazine per core
 * makes the common case a push or a pop without a lock.
 */
#ifndef KERNEL_SLAB_H
#define KERNEL_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "kernel/core.h"

struct slab;

struct slab_cache {
	/* Constant after slab_init. */
	const char *name;
	size_t size;
	size_t zeroed;    /* from this offset on a new object is zero */
	bool type_stable; /* objects keep their type while memory is not short; slab_each finds them */
	unsigned order, capacity, index;

	struct spinlock lock;
	/* guarded by lock */
	LIST_HEAD(, slab) partial; /* slabs with free objects */
	struct slab *all;          /* type_stable: every slab */
	size_t empty; /* type_stable: slabs of which no object is in use; read by anyone */
};

/* The most in a slab. */
enum { SLAB_OBJECTS = 224 };

/* At the start of each slab. Its free objects hold no links: they may not be in the processor's cache. */
struct slab {
	struct slab_cache *cache; /* constant */
	/* guarded by cache->lock */
	LIST_ENTRY(slab) in_partial; /* in cache->partial, while an object is free */
	struct slab *next_all;
	uint32_t free[SLAB_OBJECTS / 32]; /* a bit for each */
	uint8_t used;
	uint8_t fresh; /* objects from this one on were never given out */
	bool empty;    /* it is counted in cache->empty */
};

enum { SLAB_HEADER = 64 };
_Static_assert(sizeof(struct slab) <= SLAB_HEADER, "struct slab is too large");

/* All, from the first on; the others are NULL. For debuggers. */
extern struct slab_cache *slab_caches[MAX_SLAB_CACHES];

/* At boot. */
void slab_init(struct slab_cache *cache, const char *name, size_t size, size_t zeroed,
	       bool type_stable);

void *slab_refill(struct slab_cache *cache);
void slab_drain(struct slab_cache *cache, void *object);

/* Not zeroed, but for the first use of an object of a slab, which is zero from cache->zeroed on. NULL: no memory.
 * nopreempt > 0. Objects of a size that is a multiple of 64 are aligned to 64, others to 16. */
static inline void *slab_alloc(struct slab_cache *cache)
{
	struct magazine *m = &core_here()->slabs[cache->index];

	return m->count ? m->object[--m->count] : slab_refill(cache);
}

static inline void slab_free(struct slab_cache *cache, void *object)
{
	struct magazine *m = &core_here()->slabs[cache->index];

	if (unlikely(m->count == MAGAZINE_SIZE))
		slab_drain(cache, object);
	else
		m->object[m->count++] = object;
}

/* Puts what this core keeps for later back into its slabs, which may become empty: how much. */
size_t slab_give_back(void);

/* An object in place of one that nobody uses: the same, or one in a lower slab, so that its own may go. nopreempt > 0. */
void *slab_lowest(struct slab_cache *cache, void *object);

/* Gives what type-stable caches do not use to the page allocator: how many pages. */
size_t slab_reclaim(void);

/* Bytes that it could give. */
size_t slab_reclaimable(void);

/* The cache of an object in a PAGE_SLAB page. */
struct slab_cache *slab_cache_of(const void *object);

/* The object that p is in, which is in a PAGE_SLAB page; NULL: none. */
void *slab_object_of(const void *p);

/* Between slab_visit_begin and slab_visit_end type-stable objects keep their type even where memory is
 * short. slab_visit_begin may wait for a core that takes slabs away. An interrupt may have stopped that
 * core, or one that it waits for, so a handler calls slab_visit_try: false where it would have to wait. */
void slab_visit_begin(void);
bool slab_visit_try(void);
void slab_visit_end(void);

/* Visits every object of a type-stable cache, free ones too. */
void slab_each(struct slab_cache *cache, void (*visit)(void *object, size_t size, void *arg),
	       void *arg);

#endif

#include "kernel/slab.h"

#include <string.h>

#include "kernel/core.h"
#include "kernel/lock.h"
#include "kernel/page.h"

struct slab_cache *slab_caches[MAX_SLAB_CACHES];
static unsigned caches;

/* How many visit every object now; TAKEN_AWAY: nobody, since slabs are being taken away. */
static _Atomic int visitors;
enum { TAKEN_AWAY = -1 };

void slab_init(struct slab_cache *cache, const char *name, size_t size, size_t zeroed,
	       bool type_stable)
{
	kassert(caches < MAX_SLAB_CACHES);
	*cache = (struct slab_cache){
		.name = name,
		.size = size,
		.zeroed = zeroed,
		.type_stable = type_stable,
		.index = caches++,
	};
	slab_caches[cache->index] = cache;
	/* At least 8 objects a slab, so that little is lost at its end. */
	while (((size_t)PAGE_SIZE << cache->order) < SLAB_HEADER + 8 * size)
		cache->order++;
	cache->capacity = (unsigned)((((size_t)PAGE_SIZE << cache->order) - SLAB_HEADER) / size);
	if (cache->capacity > SLAB_OBJECTS)
		cache->capacity = SLAB_OBJECTS;
}

static struct slab *slab_of(const void *object)
{
	unsigned order = page_of(object)->order;

	return (struct slab *)((uintptr_t)object & ~(((uintptr_t)PAGE_SIZE << order) - 1));
}

struct slab_cache *slab_cache_of(const void *object)
{
	return slab_of(object)->cache;
}

void *slab_object_of(const void *p)
{
	struct slab *slab = slab_of(p);
	size_t offset = (uintptr_t)p - (uintptr_t)slab, size = slab->cache->size;

	if (offset < SLAB_HEADER || offset >= SLAB_HEADER + slab->cache->capacity * size)
		return NULL;
	return (char *)(uintptr_t)p - (offset - SLAB_HEADER) % size;
}

/* A new slab, which is in no list yet; NULL: no memory. The cache is not locked, since this takes time:
 * each other core may make one meanwhile, and all are kept. */
static struct slab *slab_make(struct slab_cache *cache)
{
	struct slab *slab = page_alloc(cache->order);

	if (!slab)
		return NULL;
	for (size_t i = 0; i < (size_t)1 << cache->order; i++) {
		struct page *page = page_of((char *)slab + i * PAGE_SIZE);

		shared_set(page->kind, PAGE_SLAB); /* neighbours are looking */
		page->order = (uint8_t)cache->order;
	}
	/* These pages may have been of a stack, or the registers of one that was preempted. Who gets an object of the
	 * heap and does not write to it leads to nobody: see debug/leaks.c. And who visits objects, here and in co_look,
	 * may see what was there before they were written first. */
	if (!cache->zeroed)
		memset(slab, 0, (size_t)PAGE_SIZE << cache->order);
	*slab = (struct slab){.cache = cache};
	for (unsigned i = 0; i < cache->capacity; i++) {
		char *object = (char *)slab + SLAB_HEADER + i * cache->size;

		slab->free[i / 32] |= UINT32_C(1) << i % 32;
		if (cache->zeroed)
			memset(object + cache->zeroed, 0, cache->size - cache->zeroed);
	}
	return slab;
}

/* Cache locked. */
static void slab_add(struct slab_cache *cache, struct slab *slab)
{
	LIST_INSERT_HEAD(&cache->partial, slab, in_partial);
	if (!cache->type_stable)
		return;
	slab->next_all = cache->all;
	/* release: with the acquire in slab_each, which takes no lock. */
	__atomic_store_n(&cache->all, slab, __ATOMIC_RELEASE);
}

/* Cache locked. NULL: no slab has a free object. */
static void *take_one(struct slab_cache *cache)
{
	struct slab *slab = LIST_FIRST(&cache->partial);
	uint32_t *word;
	unsigned i;

	if (!slab)
		return NULL;
	for (word = slab->free; !*word; word++)
		;
	i = (unsigned)(word - slab->free) * 32 + (unsigned)__builtin_ctz(*word);
	*word &= *word - 1;
	if (i >= slab->fresh)
		shared_set(slab->fresh, (uint8_t)(i + 1));
	if (slab->empty) {
		slab->empty = false;
		shared_add(cache->empty, -1);
	}
	if (++slab->used == cache->capacity)
		LIST_REMOVE(slab, in_partial);
	return (char *)slab + SLAB_HEADER + i * cache->size;
}

static void slab_free_pages(struct slab_cache *cache, struct slab *slab)
{
	LIST_REMOVE(slab, in_partial);
	for (size_t i = 0; i < (size_t)1 << cache->order; i++)
		shared_set(page_of((char *)slab + i * PAGE_SIZE)->kind, PAGE_OTHER);
	page_free(slab, cache->order);
}

static void put_one(struct slab_cache *cache, void *object)
{
	struct slab *slab = slab_of(object);
	unsigned i = (unsigned)((char *)object - (char *)slab - SLAB_HEADER) /
		     (unsigned)cache->size;

	slab->free[i / 32] |= UINT32_C(1) << i % 32;
	if (slab->used-- == cache->capacity)
		LIST_INSERT_HEAD(&cache->partial, slab, in_partial);
	if (slab->used)
		return;
	if (cache->type_stable) {
		slab->empty = true;
		shared_add(cache->empty, 1);
	} else {
		slab_free_pages(cache, slab);
	}
}

static void *refill_magazine(void *arg, void *)
{
	struct slab_cache *cache = arg;
	struct magazine *m = &core_here()->slabs[cache->index];
	void *object;

	spin_lock(&cache->lock);
	object = take_one(cache);
	if (!object) {
		spin_unlock(&cache->lock);

		struct slab *slab = slab_make(cache);

		spin_lock(&cache->lock);
		if (slab)
			slab_add(cache, slab);
		object = take_one(cache);
	}
	while (object && m->count < MAGAZINE_SIZE / 2 && !LIST_EMPTY(&cache->partial))
		m->object[m->count++] = take_one(cache);
	spin_unlock(&cache->lock);
	/* Objects that follow each other in memory are used one after the other. */
	for (uint32_t i = 0, j = m->count; i + 1 < j; i++) {
		void *first = m->object[i];

		m->object[i] = m->object[--j];
		m->object[j] = first;
	}
	return object;
}

void *slab_refill(struct slab_cache *cache)
{
	return core_call(refill_magazine, cache, NULL);
}

static void *drain(void *arg, void *object)
{
	struct slab_cache *cache = arg;
	struct magazine *m = &core_here()->slabs[cache->index];

	spin_lock(&cache->lock);
	while (m->count > MAGAZINE_SIZE / 2)
		put_one(cache, m->object[--m->count]);
	spin_unlock(&cache->lock);
	m->object[m->count++] = object;
	return NULL;
}

void slab_drain(struct slab_cache *cache, void *object)
{
	core_call(drain, cache, object);
}

/* Cache locked: its empty slabs go. How many pages. */
static size_t give_empty(struct slab_cache *cache)
{
	size_t given = 0;

	for (struct slab **link = &cache->all, *slab; (slab = *link);) {
		if (slab->used) {
			link = &slab->next_all;
			continue;
		}
		*link = slab->next_all;
		slab_free_pages(cache, slab);
		given += (size_t)1 << cache->order;
	}
	shared_set(cache->empty, 0);
	return given;
}

size_t slab_give_back(void)
{
	size_t given = 0;

	assert_nopreempt();
	for (unsigned i = 0; i < caches; i++) {
		struct magazine *m = &core_here()->slabs[i];

		if (!m->count)
			continue;
		given += m->count;
		spin_lock(&slab_caches[i]->lock);
		while (m->count)
			put_one(slab_caches[i], m->object[--m->count]);
		spin_unlock(&slab_caches[i]->lock);
	}
	return given;
}

void *slab_lowest(struct slab_cache *cache, void *object)
{
	struct slab *slab, *lowest;

	spin_lock(&cache->lock);
	lowest = slab_of(object);
	LIST_FOREACH (slab, &cache->partial, in_partial)
		if (slab < lowest)
			lowest = slab;
	if (lowest != slab_of(object)) {
		put_one(cache, object);
		LIST_REMOVE(lowest, in_partial);
		LIST_INSERT_HEAD(&cache->partial, lowest, in_partial);
		object = take_one(cache);
	}
	spin_unlock(&cache->lock);
	return object;
}

size_t slab_reclaim(void)
{
	size_t given = 0;
	int none = 0;

	/* acquire: with the release in slab_visit_end: what has been visited may go. */
	if (!atomic_compare_exchange_strong_explicit(&visitors, &none, TAKEN_AWAY,
						     memory_order_acquire, memory_order_relaxed))
		return 0;
	for (unsigned i = 0; i < caches; i++)
		if (shared_get(slab_caches[i]->empty)) {
			spin_lock(&slab_caches[i]->lock);
			given += give_empty(slab_caches[i]);
			spin_unlock(&slab_caches[i]->lock);
		}
	/* release: with the acquire in slab_visit_try: what has gone is not visited. */
	atomic_store_explicit(&visitors, 0, memory_order_release);
	return given;
}

size_t slab_reclaimable(void)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < caches; i++)
		bytes += shared_get(slab_caches[i]->empty) *
			 ((size_t)PAGE_SIZE << slab_caches[i]->order);
	return bytes;
}

bool slab_visit_try(void)
{
	int n = atomic_load_explicit(&visitors, memory_order_relaxed);

	do
		if (n == TAKEN_AWAY && !shared_get(panicking))
			return false;
	/* acquire: with the release in slab_reclaim. */
	while (!atomic_compare_exchange_weak_explicit(&visitors, &n, n + 1, memory_order_acquire,
						      memory_order_relaxed));
	return true;
}

void slab_visit_begin(void)
{
	while (!slab_visit_try())
		arch_relax();
}

void slab_visit_end(void)
{
	/* release: with the acquire in slab_reclaim. */
	atomic_fetch_sub_explicit(&visitors, 1, memory_order_release);
}

void slab_each(struct slab_cache *cache, void (*visit)(void *object, size_t size, void *arg),
	       void *arg)
{
	slab_visit_begin();

	/* acquire: with the release in slab_add. */
	struct slab *all = __atomic_load_n(&cache->all, __ATOMIC_ACQUIRE);

	for (struct slab *slab = all; slab; slab = slab->next_all)
		for (unsigned i = 0; i < shared_get(slab->fresh); i++)
			visit((char *)slab + SLAB_HEADER + i * cache->size, cache->size, arg);
	slab_visit_end();
}

#include "kernel/heap.h"

#include "debug/failing.h" /* VOLE_FAILING */
#include "debug/order.h"
#include "debug/places.h"
#include "kernel/core.h"
#include "kernel/lock.h"
#include "kernel/page.h"
#include "kernel/slab.h"

/* Four classes to each power of two: at most a fifth is lost. */
static const size_t class_size[] = {
	16,  32,  48,  64,  80,  96,  112, 128,  160,  192,  224,  256,
	320, 384, 448, 512, 640, 768, 896, 1024, 1280, 1536, 1792, 2048,
};
enum { CLASSES = sizeof(class_size) / sizeof(class_size[0]), LARGEST = 2048 };

static struct slab_cache classes[CLASSES];

size_t heap_tail;

void heap_init(void)
{
	heap_tail = places_room();
	for (int i = 0; i < CLASSES; i++)
		slab_init(&classes[i], "heap", class_size[i], 0, false);
}

static int class_of(size_t size)
{
	if (size <= 128)
		return size ? (int)((size - 1) / 16) : 0;

	int log = 63 - __builtin_clzl(size - 1); /* 7: 129..256, 8: 257..512, ... */

	return 8 + (log - 7) * 4 + (int)(((size - 1) >> (log - 2)) & 3);
}

size_t heap_size(const void *p)
{
	const struct page *page = page_of(p);
	size_t size = page->kind == PAGE_SLAB ? slab_cache_of(p)->size
					      : (size_t)page->count * PAGE_SIZE;

	return size - heap_tail;
}

void *heap_tail_of(const void *p)
{
	return (char *)(uintptr_t)p + heap_size(p);
}

void *heap_alloc_aligned(size_t align, size_t size)
{
	void *p;

	if (size > PTRDIFF_MAX - PAGE_SIZE || align > ((size_t)1 << 30) || alloc_fails())
		return NULL;
	size += heap_tail;
	/* Objects of a multiple of 64 bytes are aligned to 64. */
	if (align > 16 && align <= 64)
		size = (size + 63) & ~(size_t)63;
	preempt_disable();
	if (size <= LARGEST && align <= 64)
		p = slab_alloc(&classes[class_of(size)]);
	else
		p = page_alloc_many((size + PAGE_SIZE - 1) / PAGE_SIZE + !size, align);
	if (p) {
		shared_add(core_here()->heap_bytes, (int64_t)heap_size(p));
		memory_given(p, size - heap_tail, p, heap_size(p));
		if (unlikely(heap_tail))
			place_note(heap_tail_of(p));
	}
	preempt_enable();
	return p;
}

void *heap_alloc(size_t size)
{
	return heap_alloc_aligned(16, size);
}

static void *report_bad_free(void *p, void *)
{
	panic("free of %p, which is not an allocated block", p);
}

void heap_free(void *p)
{
	if (!p)
		return;

	struct page *page = page_of(p);

	if (!page || (page->kind != PAGE_SLAB && page->kind != PAGE_LARGE)) {
		memory_misused(p, false);
		core_report(report_bad_free, p, NULL);
	}
	preempt_disable();
	shared_add(core_here()->heap_bytes, -((int64_t)heap_size(p)));
	p = memory_later(p, heap_size(p));
	if (p && page_of(p)->kind == PAGE_SLAB)
		slab_free(slab_cache_of(p), p);
	else if (p)
		page_free_many(p);
	preempt_enable();
}

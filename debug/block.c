/*
 * In front of a block is a header, and behind it are some bytes that nobody writes:
 *
 *	block of the heap    ... | size, offset, mark | the program's size bytes | tail | ...
 *
 * The mark depends on all the rest and on where it is, so a header that was written to, or one that is
 * none, is known. It stays when the block is freed, until somebody else uses the memory.
 */
#include "debug/block.h"
#include "debug/asan/asan.h"

#include <string.h>

#include "debug/order.h"
#include "debug/panic.h"
#include "debug/profile.h"
#include "kernel/core.h"
#include "kernel/heap.h"
#include "kernel/page.h"
#include "kernel/slab.h"

enum { GRAIN = 16 }; /* what malloc aligns to, and the size of a header */

void *heap_block_of(const void *p)
{
	const struct page *page = page_of(p);
	const char *at = (const char *)((uintptr_t)p & ~(uintptr_t)(PAGE_SIZE - 1));

	if (!page)
		return NULL;
	if (page->kind == PAGE_SLAB)
		return slab_object_of(p);
	/* Only the first page of a large block says so. */
	for (size_t n = 1; page && page->kind != PAGE_SLAB;
	     n++, at -= PAGE_SIZE, page = page_of(at))
		if (page->kind == PAGE_LARGE)
			return page->count >= n ? (void *)(uintptr_t)at : NULL;
	return NULL;
}

#if defined(VOLE_RELEASE) || defined(VOLE_ASAN) /* which does it, and more */

void *block_alloc(size_t align, size_t size)
{
	profile_allocated(size);
	return heap_alloc_aligned(align, size);
}

void block_free(void *p)
{
	heap_free(p);
}

size_t block_size(void *p)
{
	return heap_size(p);
}

size_t block_bytes(const void *base)
{
#ifdef VOLE_ASAN
	return asan_block_bytes(base);
#else
	return heap_size(base);
#endif
}

/* True: p has room for size bytes, and not too much. */
static bool resize_here(void *p, size_t *old, size_t size)
{
	*old = heap_size(p);
#ifdef VOLE_ASAN
	return size == *old; /* the size it has is the size that is checked */
#else
	return size <= *old && size >= *old / 2;
#endif
}

#else

struct header {
	uint64_t size;
	uint32_t offset; /* of the program's first byte in the heap's block */
	uint32_t mark;   /* right before that byte */
};

_Static_assert(sizeof(struct header) == GRAIN, "a block is behind its header");

enum { TAIL_MIN = 8, TAIL_MAX = 64 };
enum { LIVE = 0x5a17e9b3, FREED = 0x0dead9e5 };

static struct header *header_of(const void *p)
{
	return (struct header *)(uintptr_t)p - 1;
}

static uint32_t mark_of(const struct header *h, uint32_t state)
{
	return state ^ (uint32_t)((uintptr_t)h >> 4) ^ (uint32_t)h->size ^
	       (uint32_t)(h->size >> 32) ^ h->offset << 16;
}

static char *base_of(const void *p)
{
	return (char *)(uintptr_t)p - header_of(p)->offset;
}

static uint8_t tail_byte(size_t i)
{
	return (uint8_t)(0xa5 + i);
}

/* From p on, which has a header, to the end of the heap's block. */
static size_t room_of(const void *p)
{
	return heap_size(base_of(p)) - header_of(p)->offset;
}

static size_t tail_size(size_t size, size_t room)
{
	return room - size < TAIL_MAX ? room - size : TAIL_MAX;
}

/* The first byte of the tail that was written to, if p has size bytes; -1: none. */
static long tail_damage(const void *p, size_t size, size_t room)
{
	const uint8_t *tail = (const uint8_t *)p + size;

	for (size_t i = 0, n = tail_size(size, room); i < n; i++)
		if (tail[i] != tail_byte(i))
			return (long)i;
	return -1;
}

static void set_size(char *p, size_t size)
{
	struct header *h = header_of(p);

	h->size = size;
	h->mark = mark_of(h, LIVE);
	for (size_t i = 0, n = tail_size(size, room_of(p)); i < n; i++)
		((uint8_t *)p)[size + i] = tail_byte(i);
	memory_given(p, size, base_of(p), heap_size(base_of(p)));
	memory_owed(p);
}

/* ---- What is wrong with p; on the core's own stack ---- */

/* Can be looked at: memory that the allocator has, or had. */
static bool is_ram(const void *p)
{
	const struct page *page = page_of(p);

	if (page && (page->kind == PAGE_SLAB || page->kind == PAGE_LARGE))
		return true;
	for (int i = 0; i < machine.nram; i++)
		if ((uintptr_t)p - machine.ram[i].base < machine.ram[i].size)
			return true;
	return false;
}

/* Nobody has written to the header of p, and it says state. */
static bool has_header(const void *p, uint32_t state)
{
	return (uintptr_t)p % GRAIN == 0 && is_ram(p) && is_ram(header_of(p)) &&
	       header_of(p)->mark == mark_of(header_of(p), state);
}

/* p may have size bytes. */
static bool has_tail(const void *p, size_t size, size_t room)
{
	return size < room && room - size >= TAIL_MIN && tail_damage(p, size, room) < 0;
}

static void *report(void *block, void *what)
{
	const char *p = block, *call = what;
	const char *base = heap_block_of(p);
	const struct header *h = header_of(p);
	size_t room;

	if (has_header(p, LIVE))
		panic("%s of %p: a block of %lu bytes, which was written to behind its end, at "
		      "byte %lu",
		      call, p, h->size, h->size + (size_t)tail_damage(p, h->size, room_of(p)));
	if (has_header(p, FREED))
		panic("%s of %p: a block of %lu bytes, which was freed already", call, p, h->size);
	if (!base)
		panic("%s of %p, which is not an allocated block", call, p);
	for (const char *q = (const char *)((uintptr_t)p & ~(uintptr_t)(GRAIN - 1));
	     q >= base + GRAIN; q -= GRAIN)
		if (q != p && has_header(q, LIVE) && base_of(q) == base)
			panic("%s of %p, which is inside a block: %lu bytes from the beginning of "
			      "%lu",
			      call, p, p - q, header_of(q)->size);
	room = heap_size(base) - (size_t)(p - base);
	if ((uintptr_t)p % GRAIN == 0 && (p == base + GRAIN || h->offset == p - base)) {
		size_t told = mark_of(h, LIVE) ^ h->mark ^ h->size; /* where only size is wrong */

		panic("%s of %p: a block of %zu bytes, which was written to before its beginning",
		      call, p,
		      has_tail(p, h->size, room) ? h->size
		      : has_tail(p, told, room)  ? told
						 : room - TAIL_MIN);
	}
	panic("%s of %p, which is not an allocated block", call, p);
}

static inline void check(void *p, const char *call)
{
	if (unlikely(!has_header(p, LIVE) || tail_damage(p, header_of(p)->size, room_of(p)) >= 0)) {
		memory_misused(p, has_header(p, LIVE));
		core_report(report, p, (void *)(uintptr_t)call);
	}
}

/* ---- */

void *block_alloc(size_t align, size_t size)
{
	char *base, *p;

	profile_allocated(size);
	if (align < GRAIN)
		align = GRAIN;
	if (size > PTRDIFF_MAX - PAGE_SIZE || align > ((size_t)1 << 30))
		return NULL;
	base = heap_alloc(size + align + TAIL_MIN);
	if (!base)
		return NULL;
	p = (char *)(((uintptr_t)base + GRAIN + align - 1) & ~(uintptr_t)(align - 1));
	header_of(p)->offset = (uint32_t)(p - base);
	set_size(p, size);
	return p;
}

void block_free(void *p)
{
	if (!p)
		return;
	check(p, "free");
	memory_freed(p, header_of(p)->size);
	header_of(p)->mark = mark_of(header_of(p), FREED);
	heap_free(base_of(p));
}

size_t block_size(void *p)
{
	check(p, "malloc_usable_size");
	return header_of(p)->size;
}

size_t block_bytes(const void *base)
{
	size_t size = heap_size(base);

	/* Where block_alloc may have put what is aligned so. */
	for (size_t align = GRAIN; align + GRAIN <= size; align *= 2) {
		const char *p = (const char *)(((uintptr_t)base + GRAIN + align - 1) &
					       ~(uintptr_t)(align - 1));

		if (p - (const char *)base > (ptrdiff_t)size)
			break;
		if (has_header(p, LIVE))
			return header_of(p)->size;
		if (has_header(p, FREED))
			return 0;
	}
	return size; /* not of malloc */
}

/* True: p has size bytes now. */
static bool resize_here(void *p, size_t *old, size_t size)
{
	size_t room;

	check(p, "realloc");
	*old = header_of(p)->size;
	room = room_of(p) - TAIL_MIN;
	if (size > room || size < room / 2)
		return false;
	set_size(p, size);
	return true;
}

#endif

void *block_resize(void *p, size_t size)
{
	size_t old;
	void *q;

	if (resize_here(p, &old, size))
		return p;
	q = block_alloc(GRAIN, size);
	if (!q)
		return size <= old ? p : NULL;
	memcpy(q, p, size < old ? size : old);
	block_free(p);
	return q;
}

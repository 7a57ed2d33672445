/*
 * AddressSanitizer and the heap: it stays the kernel's, with all that tests look at, but a block is
 * longer by a red zone, and one that is freed waits for a while before it is used again. The run-time
 * is told that nobody may touch either.
 */
#include "host.h"

#include <sanitizer/asan_interface.h>

#include "kernel/core.h"
#include "kernel/heap.h"
#include "kernel/lock.h"

enum { RED_ZONE = 16, FREED = 4096, FREED_BYTES = 16 << 20 };

void *__real_heap_alloc_aligned(size_t align, size_t size);
void *__wrap_heap_alloc_aligned(size_t align, size_t size);
void *__wrap_heap_alloc(size_t size);
void __real_heap_free(void *p);
void __wrap_heap_free(void *p);
size_t __real_heap_size(const void *p);
size_t __wrap_heap_size(const void *p);

/* The blocks that were freed last, as a ring. */
static struct {
	struct spinlock lock;
	/* guarded by lock */
	void *block[FREED];
	size_t oldest, count, bytes;
} freed;

void *__wrap_heap_alloc_aligned(size_t align, size_t size)
{
	char *p = size > PTRDIFF_MAX ? NULL : __real_heap_alloc_aligned(align, size + RED_ZONE);

	if (p)
		__asan_poison_memory_region(p + size, __real_heap_size(p) - size);
	return p;
}

void *__wrap_heap_alloc(size_t size)
{
	return __wrap_heap_alloc_aligned(16, size);
}

/* Lock held. It counts as allocated once more, until the heap has it back. */
static void free_oldest(void)
{
	void *p = freed.block[freed.oldest++ % FREED];
	size_t size = __real_heap_size(p);

	freed.count--;
	freed.bytes -= size;
	shared_add(core_here()->heap_bytes, (int64_t)size);
	__asan_unpoison_memory_region(p, size);
	__real_heap_free(p);
}

void __wrap_heap_free(void *p)
{
	size_t size;

	if (!p)
		return;
	(void)*(volatile char *)p; /* who frees twice is caught */
	size = __real_heap_size(p);
	__asan_poison_memory_region(p, size);
	lock(&freed.lock);
	shared_add(core_here()->heap_bytes, -(int64_t)size);
	while (freed.count && (freed.count == FREED || freed.bytes + size > FREED_BYTES))
		free_oldest();
	freed.block[(freed.oldest + freed.count++) % FREED] = p;
	freed.bytes += size;
	unlock(&freed.lock);
}

size_t __wrap_heap_size(const void *p)
{
	size_t size = __real_heap_size(p);
	char *end = __asan_region_is_poisoned((void *)(uintptr_t)p, size);

	return end ? (size_t)(end - (const char *)p) : size;
}

/*
 * The malloc family, over the kernel's heap, which is safe everywhere; and the forms of it that
 * newlib calls, with the errno of the reent they get. Every block comes from heap_alloc or
 * heap_alloc_aligned, so any of them goes to free and realloc.
 */
#include <errno.h>
#include <malloc.h>
#include <reent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/calls.h"
#include "kernel/heap.h"

/* A block of 0 bytes is a block of its own. */
static size_t at_least_one(size_t size)
{
	return size ? size : 1;
}

static bool is_power_of_two(size_t n)
{
	return n && !(n & (n - 1));
}

void *_malloc_r(struct _reent *r, size_t size)
{
	void *p = heap_alloc(at_least_one(size));

	if (!p)
		r->_errno = ENOMEM;
	return p;
}

void _free_r(struct _reent *r, void *p)
{
	(void)r;
	heap_free(p);
}

void *_calloc_r(struct _reent *r, size_t n, size_t size)
{
	size_t bytes;
	void *p = NULL;

	if (!__builtin_mul_overflow(n, size, &bytes))
		p = heap_alloc(at_least_one(bytes));
	if (!p) {
		r->_errno = ENOMEM;
		return NULL;
	}
	return memset(p, 0, bytes);
}

/* NULL: no memory, and p is as it was. */
static void *reallocate(void *p, size_t size)
{
	size_t old = heap_size(p);

	if (size <= old && size >= old / 2)
		return p;

	void *q = heap_alloc(size);

	if (!q)
		return size <= old ? p : NULL;
	memcpy(q, p, size < old ? size : old);
	heap_free(p);
	return q;
}

/* As everywhere in newlib, size 0 frees p. */
void *_realloc_r(struct _reent *r, void *p, size_t size)
{
	if (!p)
		return _malloc_r(r, size);
	if (size == 0) {
		heap_free(p);
		return NULL;
	}

	void *q = reallocate(p, size);

	if (!q)
		r->_errno = ENOMEM;
	return q;
}

void *_memalign_r(struct _reent *r, size_t align, size_t size)
{
	void *p = NULL;

	if (!is_power_of_two(align)) {
		r->_errno = EINVAL;
		return NULL;
	}
	p = heap_alloc_aligned(align, at_least_one(size));
	if (!p)
		r->_errno = ENOMEM;
	return p;
}

size_t _malloc_usable_size_r(struct _reent *r, void *p)
{
	(void)r;
	return p ? heap_size(p) : 0;
}

/* These do not ask for a reent: a coroutine that only allocates has none. */

void *malloc(size_t size)
{
	call_outside_handler("malloc");

	void *p = heap_alloc(at_least_one(size));

	if (!p)
		errno = ENOMEM;
	return p;
}

void free(void *p)
{
	call_outside_handler("free");
	heap_free(p);
}

void cfree(void *p)
{
	call_outside_handler("cfree");
	heap_free(p);
}

void *calloc(size_t n, size_t size)
{
	size_t bytes;
	void *p = NULL;

	call_outside_handler("calloc");
	if (!__builtin_mul_overflow(n, size, &bytes))
		p = heap_alloc(at_least_one(bytes));
	if (!p) {
		errno = ENOMEM;
		return NULL;
	}
	return memset(p, 0, bytes);
}

void *realloc(void *p, size_t size)
{
	call_outside_handler("realloc");
	if (!p)
		return malloc(size);
	if (size == 0) {
		heap_free(p);
		return NULL;
	}

	void *q = reallocate(p, size);

	if (!q)
		errno = ENOMEM;
	return q;
}

int posix_memalign(void **p, size_t align, size_t size)
{
	call_outside_handler("posix_memalign");
	if (!is_power_of_two(align) || align % sizeof(void *))
		return EINVAL;

	void *block = heap_alloc_aligned(align, at_least_one(size));

	if (!block)
		return ENOMEM;
	*p = block;
	return 0;
}

void *memalign(size_t align, size_t size)
{
	call_outside_handler("memalign");
	if (!is_power_of_two(align)) {
		errno = EINVAL;
		return NULL;
	}

	void *p = heap_alloc_aligned(align, at_least_one(size));

	if (!p)
		errno = ENOMEM;
	return p;
}

void *aligned_alloc(size_t align, size_t size)
{
	call_outside_handler("aligned_alloc");
	return memalign(align, size);
}

void *valloc(size_t size)
{
	call_outside_handler("valloc");
	return memalign(4096, size);
}

size_t malloc_usable_size(void *p)
{
	call_outside_handler("malloc_usable_size");
	return p ? heap_size(p) : 0;
}

/*
 * The malloc family, over the kernel's heap, which is safe everywhere; and the forms of it that
 * newlib calls, with the errno of the reent they get. Every block comes from block_alloc, so any of
 * them goes to free and realloc.
 */
#include <errno.h>
#include <malloc.h>
#include <reent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "debug/block.h"
#include "debug/calls.h"

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
	void *p = block_alloc(16, at_least_one(size));

	if (!p)
		r->_errno = ENOMEM;
	return p;
}

void _free_r(struct _reent *r, void *p)
{
	(void)r;
	block_free(p);
}

void *_calloc_r(struct _reent *r, size_t n, size_t size)
{
	size_t bytes;
	void *p = NULL;

	if (!__builtin_mul_overflow(n, size, &bytes))
		p = block_alloc(16, at_least_one(bytes));
	if (!p) {
		r->_errno = ENOMEM;
		return NULL;
	}
	return memset(p, 0, bytes);
}

/* As everywhere in newlib, size 0 frees p. */
void *_realloc_r(struct _reent *r, void *p, size_t size)
{
	if (!p)
		return _malloc_r(r, size);
	if (size == 0) {
		block_free(p);
		return NULL;
	}

	void *q = block_resize(p, size);

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
	p = block_alloc(align, at_least_one(size));
	if (!p)
		r->_errno = ENOMEM;
	return p;
}

size_t _malloc_usable_size_r(struct _reent *r, void *p)
{
	(void)r;
	return p ? block_size(p) : 0;
}

/* These do not ask for a reent: a coroutine that only allocates has none. */

void *malloc(size_t size)
{
	call_outside_handler("malloc");

	void *p = block_alloc(16, at_least_one(size));

	if (!p)
		errno = ENOMEM;
	return p;
}

void free(void *p)
{
	call_outside_handler("free");
	block_free(p);
}

void cfree(void *p)
{
	call_outside_handler("cfree");
	block_free(p);
}

void *calloc(size_t n, size_t size)
{
	size_t bytes;
	void *p = NULL;

	call_outside_handler("calloc");
	if (!__builtin_mul_overflow(n, size, &bytes))
		p = block_alloc(16, at_least_one(bytes));
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
		block_free(p);
		return NULL;
	}

	void *q = block_resize(p, size);

	if (!q)
		errno = ENOMEM;
	return q;
}

int posix_memalign(void **p, size_t align, size_t size)
{
	call_outside_handler("posix_memalign");
	if (!is_power_of_two(align) || align % sizeof(void *))
		return EINVAL;

	void *block = block_alloc(align, at_least_one(size));

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

	void *p = block_alloc(align, at_least_one(size));

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
	return p ? block_size(p) : 0;
}

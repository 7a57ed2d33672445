/*
 * The program's malloc family, over the kernel's heap, as on every machine. The C library's own
 * calls go to its own heap: it holds locks when it allocates, and the kernel's may let another
 * coroutine run. So a block may come from either, and what is not in the kernel's RAM is the
 * library's. The other way round there is no help: a block of malloc must not be given to getline.
 */
#include "host.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "debug/block.h"
#include "kernel/page.h"

void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
size_t __real_malloc_usable_size(void *p);

void *__wrap_malloc(size_t size);
void __wrap_free(void *p);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
int __wrap_posix_memalign(void **p, size_t align, size_t size);
void *__wrap_memalign(size_t align, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
size_t __wrap_malloc_usable_size(void *p);

static void *allocate(size_t align, size_t size)
{
	void *p = block_alloc(align, size ? size : 1);

	if (!p)
		errno = ENOMEM;
	return p;
}

static bool is_power_of_two(size_t n)
{
	return n && !(n & (n - 1));
}

void *__wrap_malloc(size_t size)
{
	return allocate(16, size);
}

void __wrap_free(void *p)
{
	if (!p || page_of(p))
		block_free(p);
	else
		__real_free(p);
}

void *__wrap_calloc(size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		bytes = SIZE_MAX; /* more than there is */

	void *p = allocate(16, bytes);

	return p ? memset(p, 0, bytes) : NULL;
}

/* As in newlib, size 0 frees p. */
void *__wrap_realloc(void *p, size_t size)
{
	if (!p)
		return allocate(16, size);
	if (!page_of(p))
		return __real_realloc(p, size);
	if (size == 0) {
		block_free(p);
		return NULL;
	}

	void *q = block_resize(p, size);

	if (!q)
		errno = ENOMEM;
	return q;
}

int __wrap_posix_memalign(void **p, size_t align, size_t size)
{
	if (!is_power_of_two(align) || align % sizeof(void *))
		return EINVAL;

	void *block = block_alloc(align, size ? size : 1);

	if (!block)
		return ENOMEM;
	*p = block;
	return 0;
}

void *__wrap_memalign(size_t align, size_t size)
{
	if (!is_power_of_two(align)) {
		errno = EINVAL;
		return NULL;
	}
	return allocate(align, size);
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
	return __wrap_memalign(align, size);
}

size_t __wrap_malloc_usable_size(void *p)
{
	if (p && !page_of(p))
		return __real_malloc_usable_size(p);
	return p ? block_size(p) : 0;
}

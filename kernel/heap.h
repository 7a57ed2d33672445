/* Memory of any size: classes of slabs up to 2 KB, whole pages above. What malloc stands on. */
#ifndef KERNEL_HEAP_H
#define KERNEL_HEAP_H

#include <stddef.h>

void heap_init(void);

/* Aligned to 16, not zeroed; NULL: no memory. Any coroutine, also with nopreempt > 0; never parks. */
void *heap_alloc(size_t size);
void *heap_alloc_aligned(size_t align, size_t size);
void heap_free(void *p); /* NULL: nothing */

/* Bytes behind each block that are debug/places.c's; constant after heap_init. */
extern size_t heap_tail;
void *heap_tail_of(const void *p);

/* Usable bytes of a block. */
size_t heap_size(const void *p);

#endif

/* What the linker calls in place of the kernel's functions, on every port. */
#ifndef DEBUG_ASAN_WRAPS_H
#define DEBUG_ASAN_WRAPS_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/co.h"

void *__real_heap_alloc_aligned(size_t align, size_t size);
void *__wrap_heap_alloc_aligned(size_t align, size_t size);
void *__wrap_heap_alloc(size_t size);
void __real_heap_free(void *p);
void __wrap_heap_free(void *p);
size_t __real_heap_size(const void *p);
size_t __wrap_heap_size(const void *p);

bool __real_stack_take(struct co *co, size_t limit);
bool __wrap_stack_take(struct co *co, size_t limit);
void __real_stack_give(struct co *co);
void __wrap_stack_give(struct co *co);
struct co *__real_stack_exact_alloc(size_t bound);
struct co *__wrap_stack_exact_alloc(size_t bound);
void __real_stack_exact_free(struct co *co);
void __wrap_stack_exact_free(struct co *co);

#endif

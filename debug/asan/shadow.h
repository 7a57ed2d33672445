/* The shadow of an image: see shadow.c. */
#ifndef DEBUG_ASAN_SHADOW_H
#define DEBUG_ASAN_SHADOW_H

#include "debug/asan/asan.h"
#include "kernel/core.h"

/* Where every port has the stacks of its interrupts and exceptions, and the most for each core. */
#define ASAN_HANDLER_STACKS UINT64_C(0x0000080000000000)
#define ASAN_HANDLER_STACK  UINT64_C(0x100000)

/* The shadow of address 0; the Makefile tells the compiler. */
#define ASAN_SHADOW UINT64_C(0x700000000000)

/* RAM and the image, and what is between. */
struct asan_memory {
	uintptr_t low, size;
};
extern struct asan_memory asan_memory;

static inline uint8_t *asan_shadow_of(uintptr_t at)
{
	return (uint8_t *)((at >> 3) + ASAN_SHADOW);
}

static inline bool asan_is_window(uintptr_t at)
{
	return at - ARCH_WINDOW_BASE < ARCH_WINDOW_END - ARCH_WINDOW_BASE;
}

static inline bool asan_has_shadow(uintptr_t at)
{
	return at - asan_memory.low < asan_memory.size || asan_is_window(at);
}

/* Of the size bytes at `at`, that at bad may not be touched. */
_Noreturn void asan_report(uintptr_t at, uintptr_t bad, size_t size, bool write);

/* The compiler's description of a global variable. */
struct asan_global {
	uintptr_t at;
	size_t size, with_zone;
	const char *name, *file;
	uintptr_t dynamic;
	const void *location;
	uintptr_t alias;
};

/* NULL: none is there. */
const struct asan_global *asan_find_global(uintptr_t at);

/* What the compiler calls. */
void __asan_loadN_noabort(uintptr_t at, size_t size);
void __asan_storeN_noabort(uintptr_t at, size_t size);
void __asan_handle_no_return(void);
void __asan_alloca_poison(uintptr_t at, size_t size);
void __asan_allocas_unpoison(uintptr_t low, uintptr_t high);
void __asan_poison_stack_memory(uintptr_t at, size_t size);
void __asan_unpoison_stack_memory(uintptr_t at, size_t size);
void __asan_register_globals(const struct asan_global *g, size_t n);
void __asan_unregister_globals(const struct asan_global *g, size_t n);
void __asan_before_dynamic_init(const char *file);
void __asan_after_dynamic_init(void);

/* What the linker calls in place of the kernel's. */
void __real_page_init(void);
void __wrap_page_init(void);
int __real_arch_map(uintptr_t va, uintptr_t pa, unsigned flags, void *(*take_page)(void));
int __wrap_arch_map(uintptr_t va, uintptr_t pa, unsigned flags, void *(*take_page)(void));
bool __real_stack_fault(uintptr_t addr, const struct arch_regs *regs);
bool __wrap_stack_fault(uintptr_t addr, const struct arch_regs *regs);
uintptr_t __real_stack_make_core(size_t size);
uintptr_t __wrap_stack_make_core(size_t size);

#endif

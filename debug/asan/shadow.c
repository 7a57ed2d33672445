/*
 * The shadow of an image's memory, and the checks that the compiler calls (kernel-address: GCC's name for
 * AddressSanitizer without a run-time of its own).
 *
 *	RAM and the image     their shadow is made at boot: an eighth of memory
 *	coroutine stacks      a page of shadow when it is touched first (stack_fault): it reads as zero
 *	stacks of handlers    one page for all, which nobody looks at: what is written there by the
 *	                      beginnings of functions has to go somewhere
 *
 * Where nothing has a shadow, everything may be touched. The linker sends calls of NAME to __wrap_NAME.
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "debug/asan/asan.h"
#include "debug/asan/shadow.h"
#include "debug/overflow.h"
#include "debug/panic.h"
#include "kernel/page.h"
#include "kernel/stack.h"

struct asan_memory asan_memory; /* constant after page_init */

static struct ram_range *largest(void)
{
	struct ram_range *most = machine.ram;

	for (int i = 1; i < machine.nram; i++)
		if (machine.ram[i].size > most->size)
			most = &machine.ram[i];
	return most;
}

static void *take_at_boot(void)
{
	struct ram_range *r = largest();

	if (r->size < PAGE_SIZE)
		panic("too little memory for the shadow of SAN=asan");
	r->size -= PAGE_SIZE;
	return memset((void *)(uintptr_t)(r->base + r->size), 0, PAGE_SIZE);
}

/* The shadow of [low, high), whole pages of it. page NULL: each gets a page of its own. */
static void map_at_boot(uintptr_t low, uintptr_t high, void *page)
{
	uintptr_t at = (uintptr_t)asan_shadow_of(low) & ~(uintptr_t)(PAGE_SIZE - 1);

	for (; at < (uintptr_t)asan_shadow_of(high - 1) + 1; at += PAGE_SIZE) {
		void *own = page ? page : take_at_boot();

		int error = __real_arch_map(at, (uintptr_t)own, MAP_WRITE, take_at_boot);

		if (error && error != -EEXIST)
			panic("the shadow of SAN=asan at 0x%lx: error %d", at, error);
	}
}

/* Of that shadow, one page for each 32 KB. */
void __wrap_page_init(void)
{
	extern char __image_start[], __image_end[];
	uintptr_t low = (uintptr_t)__image_start, high = (uintptr_t)__image_end;
	struct ram_range ram[MAX_RAM_RANGES];
	void *shared = take_at_boot();
	int n = machine.nram;

	memcpy(ram, machine.ram, sizeof ram);
	map_at_boot(low, high, NULL);
	for (int i = 0; i < n; i++) {
		if (ram[i].base < low)
			low = ram[i].base;
		if (ram[i].base + ram[i].size > high)
			high = ram[i].base + ram[i].size;
		map_at_boot(ram[i].base, ram[i].base + ram[i].size, NULL);
	}
	map_at_boot(low, high, shared);
	map_at_boot(ASAN_HANDLER_STACKS,
		    ASAN_HANDLER_STACKS + (uintptr_t)machine.ncores * ASAN_HANDLER_STACK, shared);
	asan_memory.low = low;
	asan_memory.size = high - low;
	__real_page_init();
}

/* ---- The shadow of stacks ---- */

/* Pages that were taken for a place that has one: for the next. Pushed one by one, and taken all at once. */
struct spare {
	struct spare *next;
};
static _Atomic(struct spare *) spares;

static void spare_add(struct spare *page)
{
	struct spare *head = atomic_load_explicit(&spares, memory_order_relaxed);

	do
		page->next = head;
	while (!atomic_compare_exchange_weak_explicit(&spares, &head, page,
						      memory_order_release, /* with spare_or */
						      memory_order_relaxed));
}

static void *spare_or(void *(*take_page)(void))
{
	/* acquire: with the release in spare_add. */
	struct spare *page = atomic_exchange_explicit(&spares, NULL, memory_order_acquire);

	while (page && page->next) {
		struct spare *next = page->next;

		page->next = next->next;
		spare_add(next);
	}
	return page ? page : take_page();
}

/* at: in the shadow. False: no memory. */
static bool map_shadow(uintptr_t at, void *(*take_page)(void))
{
	void *page = spare_or(take_page);
	int error;

	if (!page)
		return false;
	memset(page, 0, PAGE_SIZE);
	error = __real_arch_map(at & ~(uintptr_t)(PAGE_SIZE - 1), (uintptr_t)page, MAP_WRITE,
				take_page);
	if (error)
		spare_add(page);
	return error != -ENOMEM;
}

/* A page of a stack is new: what its shadow said is of another. */
int __wrap_arch_map(uintptr_t va, uintptr_t pa, unsigned flags, void *(*take_page)(void))
{
	int error = __real_arch_map(va, pa, flags, take_page);

	if (!error && asan_is_window(va) && map_shadow((uintptr_t)asan_shadow_of(va), take_page))
		memset(asan_shadow_of(va), 0, PAGE_SIZE / 8);
	return error;
}

uintptr_t __wrap_stack_make_core(size_t size)
{
	uintptr_t top = __real_stack_make_core(size);

	/* Of its lower part too, which is not looked at before the core has a reserve. */
	for (uintptr_t at = top - size; top && at < top; at += PAGE_SIZE)
		if (!map_shadow((uintptr_t)asan_shadow_of(at), page_alloc_table))
			return 0;
	return top;
}

static void *shadow_reserve(void)
{
	struct core *core = core_here();

	return core->page_reserve ? core->reserve[--core->page_reserve] : NULL;
}

/* On the interrupt stack, interrupts masked: see kernel/stack.c. */
bool __wrap_stack_fault(uintptr_t addr, const struct arch_regs *regs)
{
	struct co *co = arch_current();

	if (addr < (uintptr_t)asan_shadow_of(ARCH_WINDOW_BASE) ||
	    addr >= (uintptr_t)asan_shadow_of(ARCH_WINDOW_END))
		return __real_stack_fault(addr, regs);
	if (co->nopreempt == 0) {
		co->nopreempt++;
		co->core->in_fault = true;
		stack_refill();
		co->core->in_fault = false;
		co->nopreempt--;
	}
	if (!map_shadow(addr, shadow_reserve))
		stack_out_of_memory(co);
	if (co->core->page_reserve < PAGE_RESERVE_LOW) {
		co->need_resched = true;
		shared_set(co->core->irq_pending, true);
	}
	return true;
}

/* ---- What may be touched ---- */

void asan_forbid(const void *p, size_t size, enum asan_shadow why)
{
	uintptr_t at = (uintptr_t)p;

	if (!size || !asan_has_shadow(at))
		return;
	if (at % 8)
		*asan_shadow_of(at) = at % 8;
	at = (at + 7) & ~(uintptr_t)7;
	memset(asan_shadow_of(at), why, ((uintptr_t)p + size - at) / 8);
}

void asan_allow(const void *p, size_t size)
{
	uintptr_t at = (uintptr_t)p;

	if (!asan_has_shadow(at))
		return;
	memset(asan_shadow_of(at), 0, size / 8);
	if (size % 8)
		*asan_shadow_of(at + size) = size % 8;
}

/* The first byte of them that may not be touched; 0: none. */
static uintptr_t first_forbidden(uintptr_t at, size_t size)
{
	uintptr_t end = at + size;

	if (!size || !asan_has_shadow(at) || !asan_has_shadow(end - 1))
		return 0;
	for (; at < end; at = (at + 8) & ~(uintptr_t)7) {
		/* Eight times 8 bytes at once. */
		while (at % 64 == 0 && end - at > 64 && !*(uint64_t *)asan_shadow_of(at))
			at += 64;

		uint8_t shadow = *asan_shadow_of(at);
		uintptr_t grain = at & ~(uintptr_t)7, last = end - grain < 8 ? end - 1 : grain + 7;

		if (!shadow)
			continue;
		if (shadow < 8 && last - grain < shadow)
			continue;
		return shadow < 8 && at < grain + shadow ? grain + shadow : at;
	}
	return 0;
}

void asan_check(const volatile void *p, size_t size, bool write)
{
	uintptr_t bad = first_forbidden((uintptr_t)p, size);

	if (unlikely(bad))
		asan_report((uintptr_t)p, bad, size, write);
}

/* ---- What the compiler calls ---- */

#define CHECK(name, bytes, write) \
	void __asan_##name##_noabort(uintptr_t at); \
	void __asan_##name##_noabort(uintptr_t at) \
	{ \
		uint8_t shadow; \
\
		if (!asan_has_shadow(at)) \
			return; \
		shadow = *asan_shadow_of(at); \
		if (unlikely(bytes > 8 || at % 8 + bytes > 8)) \
			asan_check((void *)at, bytes, write); \
		else if (unlikely(shadow && (int8_t)(at % 8 + bytes - 1) >= (int8_t)shadow)) \
			asan_report(at, at, bytes, write); \
	}

CHECK(load1, 1, false)
CHECK(load2, 2, false)
CHECK(load4, 4, false)
CHECK(load8, 8, false)
CHECK(load16, 16, false)
CHECK(store1, 1, true)
CHECK(store2, 2, true)
CHECK(store4, 4, true)
CHECK(store8, 8, true)
CHECK(store16, 16, true)

void __asan_loadN_noabort(uintptr_t at, size_t size)
{
	asan_check((void *)at, size, false);
}

void __asan_storeN_noabort(uintptr_t at, size_t size)
{
	asan_check((void *)at, size, true);
}

/* The frames above do not return. */
void __asan_handle_no_return(void)
{
	const struct co *co = arch_current();
	uintptr_t at = (uintptr_t)__builtin_frame_address(0) & ~(uintptr_t)15;

	if (co && at >= co->stack_mapped && at < co->stack_top)
		asan_allow((void *)at, (co->stack_top - at) & ~(size_t)7);
}

enum { ALLOCA_ZONE = 32 };

/* p is aligned to 32, and has 32 bytes before it and up to 63 behind it. */
void __asan_alloca_poison(uintptr_t at, size_t size)
{
	uintptr_t end = (at + size + ALLOCA_ZONE - 1) & ~(uintptr_t)(ALLOCA_ZONE - 1);

	asan_forbid((void *)(at - ALLOCA_ZONE), ALLOCA_ZONE, ASAN_ALLOCA_LEFT);
	asan_forbid((void *)(at + size), end + ALLOCA_ZONE - at - size, ASAN_ALLOCA_RIGHT);
}

void __asan_allocas_unpoison(uintptr_t low, uintptr_t high)
{
	if (low && low < high)
		asan_allow((void *)low, high - low);
}

/* A variable's block has ended, or begins again. */
void __asan_poison_stack_memory(uintptr_t at, size_t size)
{
	asan_forbid((void *)at, size, ASAN_STACK_SCOPE);
}

void __asan_unpoison_stack_memory(uintptr_t at, size_t size)
{
	asan_allow((void *)at, size);
}

/* ---- Globals ---- */

static struct {
	const struct asan_global *first;
	size_t n;
} globals[256]; /* of each file; those of more files have no names in reports */
static size_t nglobals;

void __asan_register_globals(const struct asan_global *g, size_t n)
{
	if (nglobals < sizeof globals / sizeof globals[0]) {
		globals[nglobals].first = g;
		globals[nglobals++].n = n;
	}
	for (size_t i = 0; i < n; i++)
		asan_forbid((void *)(g[i].at + g[i].size), g[i].with_zone - g[i].size, ASAN_GLOBAL);
}

void __asan_unregister_globals(const struct asan_global *g, size_t n)
{
	(void)g;
	(void)n;
}

/* Around the constructors of a file of C++: nothing is forbidden because of their order. */
void __asan_before_dynamic_init(const char *file)
{
	(void)file;
}

void __asan_after_dynamic_init(void)
{
}

const struct asan_global *asan_find_global(uintptr_t at)
{
	for (size_t i = 0; i < nglobals; i++)
		for (size_t j = 0; j < globals[i].n; j++)
			if (at - globals[i].first[j].at < globals[i].first[j].with_zone)
				return &globals[i].first[j];
	return NULL;
}

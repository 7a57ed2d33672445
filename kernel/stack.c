#include "kernel/stack.h"

#include <errno.h>

#include "kernel/core.h"
#include "kernel/lock.h"
#include "kernel/page.h"
#include "kernel/print.h"

/*
 * Slots come in classes of 4 KB << class, each class in a window of its own, so that an address
 * tells its slot: window + slot * stride, the guard page first.
 */
enum { CLASSES = 21, DEFAULT_CLASS = 6 };
_Static_assert(STACK_DEFAULT == PAGE_SIZE << DEFAULT_CLASS, "the default class");

/* What a free slot holds at its top. */
struct free_slot {
	struct free_slot *next;
	uintptr_t mapped;
};

static struct class
{
	/* constant */
	uintptr_t window, window_end, stride;
	struct spinlock lock;
	/* guarded by lock */
	struct free_slot *free;
	uintptr_t unused; /* slots from here on were never used */
} classes[CLASSES];

void stack_init(void)
{
	uintptr_t size = (arch_window_end() - arch_window_base()) / CLASSES &
			 ~(uintptr_t)0x3fffffff;

	for (int i = 0; i < CLASSES; i++) {
		struct class *class = &classes[i];

		class->window = arch_window_base() + i * size;
		class->window_end = class->window + size;
		class->stride = ((uintptr_t)PAGE_SIZE << i) + PAGE_SIZE;
		class->unused = class->window;
	}
}

static void *take_page(void)
{
	return page_alloc(0);
}

static void *take_reserve(void)
{
	struct core *core = core_here();

	return core->page_reserve ? core->reserve[--core->page_reserve] : NULL;
}

void stack_refill(void)
{
	struct core *core = core_here();

	while (core->page_reserve < PAGE_RESERVE) {
		void *page = page_alloc(0);

		if (!page)
			break;
		/* An interrupted fault would see the page only when it is there. */
		core->reserve[core->page_reserve] = page;
		core->page_reserve++;
	}
}

/* A slot that was never used, with its top page mapped. */
static struct free_slot *slot_make(struct class *class)
{
	uintptr_t base = class->unused;
	uintptr_t top = base + class->stride;
	void *page = NULL;

	if (top > class->window_end || !(page = page_alloc(0)))
		return NULL;
	if (arch_map(top - PAGE_SIZE, (uintptr_t)page, MAP_WRITE, take_page)) {
		page_free(page, 0);
		return NULL;
	}
	class->unused = top;

	struct free_slot *slot = (struct free_slot *)top - 1;

	slot->mapped = top - PAGE_SIZE;
	return slot;
}

bool stack_take(struct co *co, size_t limit)
{
	struct magazine *m = &core_here()->stacks;
	struct free_slot *slot;
	int i = DEFAULT_CLASS;

	if (limit)
		for (i = 0; i < CLASSES && ((size_t)PAGE_SIZE << i) < limit;)
			i++;
	if (i == CLASSES)
		return false;

	struct class *class = &classes[i];

	if (i == DEFAULT_CLASS && m->count) {
		slot = m->object[--m->count];
	} else {
		spin_lock(&class->lock);
		slot = class->free;
		if (slot)
			class->free = slot->next;
		else
			slot = slot_make(class);
		spin_unlock(&class->lock);
	}
	if (!slot)
		return false;
	co->stack_top = (uintptr_t)(slot + 1);
	co->stack_base = co->stack_top - class->stride;
	co->stack_mapped = slot->mapped;
	core_here()->stack_bytes += (int64_t)(co->stack_top - co->stack_mapped);
	return true;
}

void stack_give(struct co *co)
{
	struct magazine *m = &core_here()->stacks;
	struct free_slot *slot = (struct free_slot *)co->stack_top - 1;
	size_t stride = co->stack_top - co->stack_base;

	core_here()->stack_bytes -= (int64_t)(co->stack_top - co->stack_mapped);
	slot->mapped = co->stack_mapped;
	if (stride == classes[DEFAULT_CLASS].stride && m->count < MAGAZINE_SIZE) {
		m->object[m->count++] = slot;
		return;
	}

	struct class *class = classes;

	while (class->stride != stride)
		class ++;
	spin_lock(&class->lock);
	slot->next = class->free;
	class->free = slot;
	spin_unlock(&class->lock);
}

/* Prints the fault with what it says of the stack, and stops. */
static _Noreturn void overflow(const struct co *co, const struct arch_regs *regs, uintptr_t addr)
{
	static char what[128];

	format(what, sizeof(what), "stack overflow: coroutine %lu \"%s\" has a limit of %zu bytes",
	       co->id, co_name(co), co->stack_top - co->stack_base - PAGE_SIZE);
	panic_exception(regs, what, addr);
}

/* On the interrupt stack, interrupts masked. */
bool stack_fault(uintptr_t addr, const struct arch_regs *regs)
{
	struct co *co = arch_current();
	bool own = co && addr - co->stack_base < co->stack_top - co->stack_base;

	if (addr < classes[0].window || addr >= classes[CLASSES - 1].window_end)
		return false;

	struct class *class = classes;

	while (addr >= class->window_end)
		class ++;

	uintptr_t offset = (addr - class->window) % class->stride;

	if (addr >= class->unused)
		return false;
	if (offset < PAGE_SIZE) {
		if (own)
			overflow(co, regs, addr);
		return false;
	}

	/* Where nothing was held that the allocator could need, take from it; else from the
	 * reserve, which covers the kernel's own few frames. */
	if (co->nopreempt == 0) {
		co->nopreempt++;
		stack_refill();
		co->nopreempt--;
	} else if (co->core->page_reserve < PAGE_RESERVE / 2) {
		co->need_resched = true;
	}

	uintptr_t at = addr & ~(uintptr_t)(PAGE_SIZE - 1);
	void *page = take_reserve();
	int error = page ? arch_map(at, (uintptr_t)page, MAP_WRITE, take_reserve) : -ENOMEM;

	if (error == -EEXIST) { /* another core was faster */
		co->core->reserve[co->core->page_reserve++] = page;
		return true;
	}
	if (error)
		panic("out of memory: the stack of coroutine %lu \"%s\" cannot grow beyond %lu "
		      "bytes; %zu KB free",
		      co->id, co_name(co), co->stack_top - co->stack_mapped,
		      page_available() / 1024);
	if (own && at < co->stack_mapped) {
		co->core->stack_bytes += (int64_t)(co->stack_mapped - at);
		co->stack_mapped = at;
	}
	return true;
}

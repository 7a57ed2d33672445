/*
 * Translation tables: one set for all cores, 48 bits, 4 KB granule, four levels (DDI 0487, D8).
 *
 * A table page, once it is installed, stays; so a walk needs no lock, and who installs one does it
 * by compare-and-swap. A new descriptor may be stored without TLB maintenance, because faulting
 * translations are not cached; it is seen after DSB ISHST and ISB. Removing one takes a broadcast
 * TLBI before the page may be used for something else.
 *
 * depth: pointer mmu.c take_page() : kernel/stack.c:take_reserve kernel/page.c:page_alloc_table
 * depth: never take_page : arch_unmap
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "arch/arm64/arm64.h"

typedef _Atomic uint64_t pte_t;

enum { ENTRIES = 512 };

#define GIGABYTE     (UINT64_C(1) << 30)
#define MEGABYTE     (UINT64_C(1) << 20)
#define PTE_ADDRESS  UINT64_C(0x0000fffffffff000)
#define PTE_NX       ((UINT64_C(1) << 53) | (UINT64_C(1) << 54)) /* PXN, UXN */
#define PTE_UXN_ONLY (UINT64_C(1) << 54)

extern uint64_t early_l1[ENTRIES];
extern pte_t final_l0[ENTRIES];
_Alignas(PAGE_SIZE) pte_t final_l0[ENTRIES];

static uint64_t attributes(unsigned flags)
{
	uint64_t pte = PTE_AF | PTE_UXN_ONLY;

	if (!(flags & MAP_EXEC))
		pte |= PTE_NX;
	if (!(flags & MAP_WRITE))
		pte |= PTE_RO;
	return pte | (flags & MAP_DEVICE ? PTE_DEVICE : PTE_SH_IS);
}

/* Level 0 to 3: the bits of an address that index its table. */
static unsigned shift_of(int level)
{
	return 39 - 9 * (unsigned)level;
}

static pte_t *entry_of(pte_t *table, int level, uintptr_t va)
{
	return &table[(va >> shift_of(level)) % ENTRIES];
}

static pte_t *table_at(uint64_t pte)
{
	return (pte_t *)(uintptr_t)(pte & PTE_ADDRESS);
}

/* ---- Table pages -------------------------------------------------------------------------------- */

/* Pages that were taken for a table that another core installed first: for the next one. Pushed one
 * by one, but taken all at once, so there is no ABA. */
struct spare {
	struct spare *next;
};
static _Atomic(struct spare *) spares;

static void spare_put(struct spare *page)
{
	struct spare *head = atomic_load_explicit(&spares, memory_order_relaxed);

	do
		page->next = head;
	while (!atomic_compare_exchange_weak_explicit(&spares, &head, page,
						      memory_order_release, /* spare_take */
						      memory_order_relaxed));
}

static void *table_take(void *(*take_page)(void))
{
	struct spare *all = NULL;

	if (atomic_load_explicit(&spares, memory_order_relaxed))
		all = atomic_exchange_explicit(&spares, NULL, memory_order_acquire); /* spare_put */
	if (!all)
		return take_page();
	while (all->next) {
		struct spare *next = all->next;

		all->next = next->next;
		spare_put(next);
	}
	return all;
}

/* The table that entry leads to, made if it is missing. NULL: no page for it, or a block is there. */
static pte_t *table_below(pte_t *entry, void *(*take_page)(void))
{
	uint64_t old = atomic_load_explicit(entry, memory_order_acquire); /* the release below */
	void *page;

	if (!(old & PTE_VALID)) {
		page = table_take(take_page);
		if (!page)
			return NULL;
		memset(page, 0, PAGE_SIZE);
		/* Zeroes before the pointer to them, for the walkers as well. */
		__asm__ volatile("dsb ishst" : : : "memory");
		if (atomic_compare_exchange_strong_explicit(entry, &old,
							    (uintptr_t)page | PTE_TABLE,
							    memory_order_release,
							    memory_order_acquire)) /* each other */
			return page;
		spare_put(page);
	}
	return (old & PTE_TABLE) == PTE_TABLE ? table_at(old) : NULL;
}

/* The level 3 entry of va, or NULL. take_page NULL: only if it is there. */
static pte_t *leaf_of(uintptr_t va, void *(*take_page)(void))
{
	pte_t *table = final_l0;

	for (int level = 0; level < 3 && table; level++) {
		pte_t *entry = entry_of(table, level, va);

		if (take_page) {
			table = table_below(entry, take_page);
		} else {
			uint64_t pte = atomic_load_explicit(entry, memory_order_acquire);

			table = (pte & PTE_TABLE) == PTE_TABLE ? table_at(pte) : NULL;
		}
	}
	return table ? entry_of(table, 3, va) : NULL;
}

/* ---- The contract -------------------------------------------------------------------------------- */

int arch_map(uintptr_t va, uintptr_t pa, unsigned flags, void *(*take_page)(void))
{
	pte_t *leaf = leaf_of(va, take_page);
	uint64_t nothing = 0;

	if (!leaf)
		return -ENOMEM;
	if (!atomic_compare_exchange_strong_explicit(leaf, &nothing,
						     pa | attributes(flags) | PTE_PAGE,
						     memory_order_release, memory_order_relaxed))
		return -EEXIST;
	__asm__ volatile("dsb ishst\n\tisb" : : : "memory");
	return 0;
}

void arch_unmap(const uintptr_t *va, size_t n, uintptr_t *pages)
{
	enum { ALL_FROM = 512 }; /* more than so many TLBIs cost more than an empty TLB */

	for (size_t i = 0; i < n; i++) {
		pte_t *leaf = leaf_of(va[i], NULL);
		uint64_t old = leaf ? atomic_exchange_explicit(leaf, 0, memory_order_relaxed) : 0;

		pages[i] = old & PTE_VALID ? old & PTE_ADDRESS : 0;
	}
	__asm__ volatile("dsb ishst" : : : "memory");
	if (n >= ALL_FROM) {
		__asm__ volatile("tlbi vmalle1is" : : : "memory");
	} else {
		for (size_t i = 0; i < n; i++)
			if (pages[i])
				__asm__ volatile("tlbi vae1is, %0"
						 :
						 : "r"(va[i] / PAGE_SIZE)
						 : "memory");
	}
	__asm__ volatile("dsb ish\n\tisb" : : : "memory");
}

/* ---- At boot ------------------------------------------------------------------------------------- */

void mmu_early_map(uintptr_t addr)
{
	if (early_l1[addr / GIGABYTE])
		return;
	early_l1[addr / GIGABYTE] = (addr & -GIGABYTE) | PTE_BLOCK | PTE_SH_IS | PTE_AF;
	__asm__ volatile("dsb ishst\n\tisb" : : : "memory");
}

/* Maps [base, end) to itself with the largest blocks that fit. Nothing is there yet. */
static void map_range(uint64_t base, uint64_t end, unsigned flags)
{
	while (base < end) {
		pte_t *table = final_l0;
		int level = 0;

		for (;;) {
			uint64_t size = UINT64_C(1) << shift_of(level);

			if (level > 0 && base % size == 0 && end - base >= size)
				break;
			if (level == 3)
				break;
			table = table_below(entry_of(table, level, base), boot_take_page);
			if (!table)
				boot_fail("too little memory for translation tables");
			level++;
		}
		atomic_store_explicit(entry_of(table, level, base),
				      base | attributes(flags) |
					      (level == 3 ? PTE_PAGE : PTE_BLOCK),
				      memory_order_relaxed);
		base += UINT64_C(1) << shift_of(level);
	}
}

/* A device outside the first gigabyte, which is mapped already. */
static void map_device(const struct ram_range *r)
{
	if (r->size && r->base >= GIGABYTE)
		map_range(r->base & -(uint64_t)PAGE_SIZE,
			  (r->base + r->size + PAGE_SIZE - 1) & -(uint64_t)PAGE_SIZE,
			  MAP_WRITE | MAP_DEVICE);
}

void mmu_init(void)
{
	extern char __image_start[], __text_end[], __rodata_start[], __rodata_end[];
	extern char __data_start[], __image_end[];
	struct ram_range list[MAX_RAM_RANGES];
	int n = platform.nmemory;

	memcpy(list, platform.memory, sizeof list);
	ranges_remove(list, &n, (uintptr_t)__image_start, (uintptr_t)__image_end);
	for (int i = 0; i < n; i++)
		map_range(list[i].base, list[i].base + list[i].size, MAP_WRITE);
	map_range((uintptr_t)__image_start, (uintptr_t)__text_end, MAP_EXEC);
	map_range((uintptr_t)__rodata_start, (uintptr_t)__rodata_end, 0);
	map_range((uintptr_t)__data_start, (uintptr_t)__image_end, MAP_WRITE);

	/* Where it is not memory, the first gigabyte is devices, from 2 MB on. */
	list[0] = (struct ram_range){2 * MEGABYTE, GIGABYTE - 2 * MEGABYTE};
	n = 1;
	for (int i = 0; i < platform.nmemory; i++)
		ranges_remove(list, &n, platform.memory[i].base,
			      platform.memory[i].base + platform.memory[i].size);
	for (int i = 0; i < n; i++)
		map_range(list[i].base, list[i].base + list[i].size, MAP_WRITE | MAP_DEVICE);
	map_device(&platform.gicd);
	map_device(&platform.gicc);
	for (int i = 0; i < platform.ngicr; i++)
		map_device(&platform.gicr[i]);
	map_device(&(struct ram_range){machine.console_base, PAGE_SIZE});

	mmu_change((uintptr_t)final_l0, SCTLR_FINAL);
}

uintptr_t irq_stack_make(void *(*take_page)(void))
{
	static uintptr_t last = IRQ_STACKS;
	uintptr_t top = last + IRQ_STACK_SLOT;

	last = top;
	for (uintptr_t va = top - IRQ_STACK_SIZE; va < top; va += PAGE_SIZE) {
		void *page = take_page();

		if (!page || arch_map(va, (uintptr_t)page, MAP_WRITE, take_page) < 0)
			return 0;
	}
	return top;
}

/*
 * Page tables (SDM 4.5, 4-level paging): one for all cores.
 *
 *	0 .. 1 MB             nothing, so that a NULL pointer faults, also with an offset; the page of
 *	                      the trampoline while a core starts
 *	RAM, device registers where they are, the image's parts with their own permissions
 *	X86_STACKS..          stacks of interrupts and exceptions
 *	ARCH_WINDOW_BASE..    stacks and the heap's windows, page by page through arch_map
 *
 * Tables are only ever added, each by one compare-and-swap, so arch_map needs no lock.
 *
 * depth: pointer mmu.c take_page() : kernel/stack.c:take_reserve kernel/page.c:page_alloc_table
 */
#include <errno.h>
#include <stdatomic.h>

#include "x86.h"

#include <vole/types.h>

enum {
	PTE_PRESENT = 1 << 0,
	PTE_WRITE = 1 << 1,
	PTE_WRITE_THROUGH = 1 << 3,
	PTE_CACHE_DISABLE = 1 << 4, /* with the former: uncached (table 11-7, PAT after reset) */
	PTE_ACCESSED = 1 << 5,
	PTE_DIRTY = 1 << 6,
	PTE_LARGE = 1 << 7,
	PTE_GLOBAL = 1 << 8,
};

#define PTE_NO_EXECUTE (UINT64_C(1) << 63)
#define PTE_ADDRESS    UINT64_C(0x000ffffffffff000)

enum { LEVEL_4K, LEVEL_2M, LEVEL_1G, LEVEL_ROOT };
enum { CPUID_80000001_EDX_1G = 1 << 26 };
enum { FLUSH_ALL_ABOVE = 64 }; /* pages; then one flush of everything is cheaper */

extern char __image_start[], __image_end[], __text_start[], __text_end[];
extern char __rodata_start[], __rodata_end[], __data_start[];

typedef _Atomic uint64_t pte;

uint64_t x86_page_root[512] __attribute__((aligned(4096)));

/* Table pages that lost the race for their place, each linking the next through its first word. */
static _Atomic(void **) unused_tables;

static void tables_keep(void **list)
{
	while (list) {
		void **expected = NULL;

		if (atomic_compare_exchange_strong_explicit(
			    &unused_tables, &expected, list,
			    memory_order_release, /* with table_take */
			    memory_order_relaxed))
			return;
		/* Somebody's list is there: take it and put both back. */
		void **last = list;

		while (*last)
			last = *last;
		*last = atomic_exchange_explicit(&unused_tables, NULL, memory_order_acquire);
	}
}

static uint64_t *table_take(void *(*take_page)(void))
{
	/* Acquire: with the release in tables_keep. */
	void **list = atomic_exchange_explicit(&unused_tables, NULL, memory_order_acquire);
	uint64_t *table = (uint64_t *)list;

	if (list)
		tables_keep(*list);
	else
		table = take_page();
	if (table)
		for (int i = 0; i < 512; i++)
			table[i] = 0;
	return table;
}

static unsigned index_at(uintptr_t va, int level)
{
	return va >> (12 + 9 * level) & 511;
}

/* The entry for va at level. Missing tables are made with pages of take_page; NULL when there is
 * none left, or (take_page is NULL) when a table is missing, or a larger page is in the way. */
static pte *walk(uintptr_t va, int level, void *(*take_page)(void))
{
	pte *table = (pte *)x86_page_root;

	for (int l = LEVEL_ROOT; l > level; l--) {
		pte *entry = &table[index_at(va, l)];
		/* Acquire: with the release below, so that the table is seen zeroed. */
		uint64_t value = atomic_load_explicit(entry, memory_order_acquire);

		if (!value) {
			uint64_t *new = take_page ? table_take(take_page) : NULL;

			if (!new)
				return NULL;
			uint64_t link = (uintptr_t) new | PTE_PRESENT | PTE_WRITE | PTE_ACCESSED;

			if (atomic_compare_exchange_strong_explicit(entry, &value, link,
								    memory_order_release,
								    memory_order_acquire)) {
				value = link;
			} else {
				*(void **)new = NULL;
				tables_keep((void **)new);
			}
		}
		if (value & PTE_LARGE)
			return NULL;
		table = (pte *)(value & PTE_ADDRESS);
	}
	return &table[index_at(va, level)];
}

static uint64_t leaf(uintptr_t pa, unsigned flags)
{
	uint64_t value = pa | PTE_PRESENT | PTE_ACCESSED | PTE_GLOBAL;

	if (flags & MAP_WRITE)
		value |= PTE_WRITE | PTE_DIRTY;
	if (!(flags & MAP_EXEC))
		value |= PTE_NO_EXECUTE;
	if (flags & MAP_DEVICE)
		value |= PTE_WRITE_THROUGH | PTE_CACHE_DISABLE;
	return value;
}

int arch_map(uintptr_t va, uintptr_t pa, unsigned flags, void *(*take_page)(void))
{
	pte *entry = walk(va, LEVEL_4K, take_page);
	uint64_t nothing = 0;

	if (!entry)
		return -ENOMEM;
	if (!atomic_compare_exchange_strong_explicit(entry, &nothing, leaf(pa, flags),
						     memory_order_release, memory_order_relaxed))
		return -EEXIST;
	return 0;
}

/* ---- Boot ---- */

_Noreturn void mmu_too_little_memory(void)
{
	x86_early_puts("vole: too little memory for page tables\n");
	arch_power_off(134);
}

/* Maps [at, end) one to one, with the largest pages that fit. */
static void map_range(uint64_t at, uint64_t end, unsigned flags)
{
	int top = cpuid(0x80000001, 0).edx & CPUID_80000001_EDX_1G ? LEVEL_1G : LEVEL_2M;

	while (at < end) {
		int level = top;
		uint64_t size;

		while (size = UINT64_C(1) << (12 + 9 * level),
		       level > LEVEL_4K && (at & (size - 1) || end - at < size))
			level--;
		pte *entry = walk(at, level, ram_take_page);

		if (!entry)
			mmu_too_little_memory();
		atomic_store_explicit(entry, leaf(at, flags) | (level > LEVEL_4K ? PTE_LARGE : 0),
				      memory_order_relaxed);
		at += size;
	}
}

static void map_image(void)
{
	map_range((uintptr_t)__image_start, (uintptr_t)__text_start, 0);
	map_range((uintptr_t)__text_start, (uintptr_t)__text_end, MAP_EXEC);
	map_range((uintptr_t)__rodata_start, (uintptr_t)__rodata_end, 0);
	map_range((uintptr_t)__data_start, (uintptr_t)__image_end, MAP_WRITE);
}

void mmu_init(void)
{
	/* Pages for tables come out of the ranges while they are mapped, and are mapped as well. */
	struct ram_range ram[MAX_RAM_RANGES];
	int n = machine.nram;

	for (int i = 0; i < n; i++)
		ram[i] = machine.ram[i];
	/* Of the memory below 1 MB nothing else, so that a NULL pointer with an offset faults. */
	map_range(TRAMPOLINE, TRAMPOLINE + PAGE_SIZE, MAP_WRITE);
	mmu_trampoline(0);
	map_image();
	for (int i = 0; i < n; i++)
		map_range(ram[i].base, ram[i].base + ram[i].size, MAP_WRITE);
	if (boot_info.initrd_size) {
		uint64_t end = boot_info.initrd + boot_info.initrd_size + PAGE_SIZE - 1;

		map_range(boot_info.initrd & PTE_ADDRESS, end & PTE_ADDRESS, MAP_WRITE);
	}
}

bool mmu_make_stacks(struct x86_core *x, void *(*take_page)(void))
{
	static uintptr_t last = X86_STACKS;
	uintptr_t stacks = last;

	last += STACKS_SLOT;
	x->stacks = stacks;
	for (enum x86_stack i = 0; i < STACKS; i++) {
		uintptr_t top = x86_stack_top(x, i);

		for (uintptr_t va = top - STACK_SIZE; va < top; va += PAGE_SIZE) {
			void *page = take_page();

			if (!page || arch_map(va, (uintptr_t)page, MAP_WRITE, take_page))
				return false;
		}
	}
	return true;
}

void mmu_map_device(uint64_t base, uint64_t size)
{
	uint64_t end = base + size;

	for (base &= PTE_ADDRESS; base < end; base += PAGE_SIZE)
		if (arch_map(base, base, MAP_WRITE | MAP_DEVICE, ram_take_page) == -ENOMEM)
			mmu_too_little_memory();
}

static void flush(const uintptr_t *va, size_t n)
{
	if (n <= FLUSH_ALL_ABOVE) {
		for (size_t i = 0; i < n; i++)
			__asm__ volatile("invlpg %0" : : "m"(*(char *)va[i]) : "memory");
	} else {
		/* 4.10.4.1: changing CR4.PGE forgets everything, global pages too. */
		uint64_t flags = flags_save();
		uint64_t cr4;

		__asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
		__asm__ volatile("movq %0, %%cr4" : : "r"(cr4 & ~(uint64_t)CR4_PGE) : "memory");
		__asm__ volatile("movq %0, %%cr4" : : "r"(cr4) : "memory");
		flags_restore(flags);
	}
}

/* Only the core that is starting executes from the page, and only its starter writes there. */
void mmu_trampoline(unsigned flags)
{
	pte *entry = walk(TRAMPOLINE, LEVEL_4K, NULL);

	atomic_store_explicit(entry, flags ? leaf(TRAMPOLINE, flags) : 0, memory_order_relaxed);
	flush(&(uintptr_t){TRAMPOLINE}, 1);
}

/* ---- Unmapping ---- */

/* One request at a time: guarded by lock, and read by the cores that serve it, after generation. */
static struct spinlock lock;
static const uintptr_t *request_va;
static size_t request_n;
static _Atomic uint64_t generation;

/* Interrupts are masked, so that the interrupt does not come in the middle and makes this one
 * report an older request as its last. */
void mmu_tlb_request(void)
{
	uint64_t flags = flags_save();
	struct x86_core *x = x86_core_here();
	uint64_t wanted = atomic_load_explicit(&generation, memory_order_acquire);

	if (atomic_load_explicit(&x->tlb_done, memory_order_relaxed) != wanted) {
		flush(request_va, request_n);
		/* Release: with the acquire in everyone_forgets. */
		atomic_store_explicit(&x->tlb_done, wanted, memory_order_release);
	}
	flags_restore(flags);
}

/* NULL: it is not there yet. */
static struct x86_core *core_at(int i)
{
	return atomic_load_explicit(&x86_cores[i], memory_order_acquire);
}

static void everyone_forgets(const uintptr_t *va, size_t n)
{
	struct x86_core *self = x86_core_here();
	bool asked[MAX_CORES];

	/* Whoever holds the lock waits for this core, whose interrupts may be masked. */
	while (atomic_exchange_explicit(&lock.held, 1, memory_order_acquire)) {
		mmu_tlb_request();
		arch_relax();
	}
	request_va = va;
	request_n = n;
	/* Release: with the acquire in mmu_tlb_request. */
	uint64_t wanted = atomic_load_explicit(&generation, memory_order_relaxed) + 1;

	atomic_store_explicit(&generation, wanted, memory_order_release);
	for (int i = 0; i < MAX_CORES; i++) {
		struct x86_core *x = core_at(i);

		asked[i] = x && x != self;
		if (asked[i])
			lapic_send(x->apic_id, VECTOR_TLB | ICR_ASSERT);
	}
	for (int i = 0; i < MAX_CORES; i++)
		while (asked[i] && !x86_stopping() &&
		       atomic_load_explicit(&core_at(i)->tlb_done, memory_order_acquire) != wanted)
			arch_relax();
	/* Release: with the exchange above. */
	atomic_store_explicit(&lock.held, 0, memory_order_release);
}

void arch_unmap(const uintptr_t *va, size_t n, uintptr_t *pages)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		pte *entry = walk(va[i], LEVEL_4K, NULL);
		uint64_t old = entry ? atomic_exchange_explicit(entry, 0, memory_order_acq_rel) : 0;

		pages[i] = old & PTE_ADDRESS;
		any |= old != 0;
	}
	if (!any)
		return;
	flush(va, n);
	everyone_forgets(va, n);
}

/*
 * Memory: RAM is one mapping at a fixed address. So are the windows, whose pages are protected
 * until the kernel maps them; the contents of a mapped page are the window's own, and the page of
 * RAM that the kernel gives for it stands for it in the kernel's books.
 */
#include "sim.h"

#include <errno.h>

enum { SYS_MMAP = 9, SYS_MPROTECT = 10, SYS_MADVISE = 28 };
enum { PROTECT_NONE = 0, PROTECT_RW = 3 };
enum { PRIVATE_ANONYMOUS_NORESERVE_FIXED = 0x2 | 0x20 | 0x4000 | 0x100000, DONTNEED = 4 };

#define RAM_BASE ((uintptr_t)0x100000000000)

/* Of every page of the windows: the page of RAM that stands for it, 0: none. Mostly untouched. */
static uintptr_t *pages;

static void *reserve(uintptr_t at, size_t size, int protection)
{
	long p = sim_call(SYS_MMAP, (long)at, (long)size, protection,
			  PRIVATE_ANONYMOUS_NORESERVE_FIXED, -1, 0);

	if (p != (long)at)
		sim_usage("no address space", "", "");
	return (void *)p;
}

void sim_memory_init(size_t size)
{
	size_t window = arch_window_end() - arch_window_base();

	reserve(RAM_BASE, size, PROTECT_RW);
	machine.ram[0] = (struct ram_range){RAM_BASE, size};
	machine.nram = 1;
	pages = reserve(arch_window_end(), window / PAGE_SIZE * sizeof *pages, PROTECT_RW);
	reserve(arch_window_base(), window, PROTECT_NONE);
	sim_race_init();
}

static uintptr_t *entry(uintptr_t va)
{
	return &pages[(va - arch_window_base()) / PAGE_SIZE];
}

int arch_map(uintptr_t va, uintptr_t pa, unsigned flags, void *(*take_page)(void))
{
	(void)take_page;
	if (flags & MAP_DEVICE) { /* there is one; its registers are no memory */
		sim_card_at = va;
		return 0;
	}
	if (*entry(va))
		return -EEXIST;
	if (sim_call(SYS_MPROTECT, (long)va, PAGE_SIZE, PROTECT_RW, 0, 0, 0))
		return -ENOMEM;
	*entry(va) = pa;
	sim_memory_stack(va, va + PAGE_SIZE, false);
	return 0;
}

void arch_unmap(const uintptr_t *va, size_t n, uintptr_t *was)
{
	for (size_t i = 0; i < n; i++) {
		sim_call(SYS_MADVISE, (long)va[i], PAGE_SIZE, DONTNEED, 0, 0, 0);
		sim_call(SYS_MPROTECT, (long)va[i], PAGE_SIZE, PROTECT_NONE, 0, 0, 0);
		was[i] = *entry(va[i]);
		*entry(va[i]) = 0;
	}
}

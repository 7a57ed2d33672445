/*
 * Memory: RAM is one mapping at a fixed address. So are the windows, whose pages are protected
 * until the kernel maps them; the contents of a mapped page are the window's own, and the page of
 * RAM that the kernel gives for it stands for it in the kernel's books.
 */
#include "sim.h"

#include <errno.h>

enum { SYS_MMAP = 9, SYS_MPROTECT = 10, SYS_MADVISE = 28 };
enum { PROTECT_NONE = 0, PROTECT_READ = 1, PROTECT_RW = 3 };
enum {
	PRIVATE_ANONYMOUS_NORESERVE_FIXED = 0x2 | 0x20 | 0x4000 | 0x100000,
	SHARED_NORESERVE_FIXED = 0x1 | 0x4000 | 0x100000,
	PRIVATE_NORESERVE_IN_PLACE = 0x2 | 0x4000 | 0x10,
	DONTNEED = 4
};

#define RAM_BASE    ((uintptr_t)0x100000000000)
#define RECORD_BASE ((uintptr_t)0x0f0000000000)

/* Of every page of the windows: the page of RAM that stands for it, 0: none. Mostly untouched. */
static uintptr_t *pages SIM_KEPT;

/* The same for runs that are undone: see snapshot.c. A page that an earlier run has used is protected,
 * and has something in it. */
enum window { UNUSED, USED, FIRST, FIRST_WRITTEN, LEFT /* as USED, but not protected */ };
enum { MOST_FIRST = 4096, MOST_USED = 16 * 1024 };
static uint8_t *windows SIM_KEPT;
static SIM_KEPT uintptr_t first[MOST_FIRST]; /* that the snapshot has */
static SIM_KEPT size_t first_count, used_count;
static uintptr_t *mapped SIM_KEPT; /* in this run */
static SIM_KEPT size_t mapped_count;
static SIM_KEPT uintptr_t left[MOST_USED]; /* by earlier ones */
static SIM_KEPT size_t left_count;

static void *reserve(uintptr_t at, size_t size, int protection)
{
	long p = sim_call(SYS_MMAP, (long)at, (long)size, protection,
			  PRIVATE_ANONYMOUS_NORESERVE_FIXED, -1, 0);

	if (p != (long)at)
		sim_usage("no address space", "", "");
	return (void *)p;
}

static void protect(uintptr_t va, int protection)
{
	if (sim_call(SYS_MPROTECT, (long)va, PAGE_SIZE, protection, 0, 0, 0))
		sim_usage("no memory", "", "");
}

static long record_fd;

/* What the launcher has opened for us (tools/records.py): the number of the file, and its size. */
void sim_memory_record(const char *text)
{
	long fd = 0, size = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		fd = fd * 10 + (*text - '0');
	for (text += *text == ':'; *text >= '0' && *text <= '9'; text++)
		size = size * 10 + (*text - '0');
	if (sim_call(SYS_MMAP, RECORD_BASE, size, PROTECT_RW, SHARED_NORESERVE_FIXED, fd, 0) !=
	    (long)RECORD_BASE)
		sim_usage("VOLE_RECORD", " is no memory", "");
	machine.record_options = text + (*text == ':');
	machine.record_base = RECORD_BASE;
	machine.record_size = (size_t)size;
	record_fd = fd;
}

void sim_memory_forget_record(void)
{
	if (machine.record_size)
		sim_call(SYS_MMAP, RECORD_BASE, (long)machine.record_size, PROTECT_RW,
			 PRIVATE_NORESERVE_IN_PLACE, record_fd, 0);
}

void sim_memory_init(size_t size)
{
	size_t window = ARCH_WINDOW_END - ARCH_WINDOW_BASE;
	size_t table = window / PAGE_SIZE * sizeof *pages;

	reserve(RAM_BASE, size, PROTECT_RW);
	machine.ram[0] = (struct ram_range){RAM_BASE, size};
	machine.nram = 1;
	pages = reserve(ARCH_WINDOW_END, table, PROTECT_RW);
	reserve(ARCH_WINDOW_BASE, window, PROTECT_NONE);
	windows = sim_reserve(window / PAGE_SIZE);
	mapped = sim_reserve(table);
	sim_snapshot_add(RAM_BASE, RAM_BASE + size);
	sim_snapshot_add(ARCH_WINDOW_END, ARCH_WINDOW_END + table);
	sim_race_init();
}

static size_t page_of(uintptr_t va)
{
	return (va - ARCH_WINDOW_BASE) / PAGE_SIZE;
}

static uint8_t *window(uintptr_t va)
{
	return &windows[page_of(va)];
}

static uintptr_t *entry(uintptr_t va)
{
	return &pages[page_of(va)];
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
	if (*window(va) != LEFT && sim_call(SYS_MPROTECT, (long)va, PAGE_SIZE, PROTECT_RW, 0, 0, 0))
		return -ENOMEM;
	*entry(va) = pa;
	if (sim_snapshot) {
		mapped[mapped_count++] = va;
		if (*window(va) == USED || *window(va) == LEFT) {
			sim_clear((void *)va, PAGE_SIZE);
			*window(va) = UNUSED;
			used_count--;
		}
	} else {
		if (first_count < MOST_FIRST)
			first[first_count] = va;
		first_count++;
	}
	sim_memory_stack(va, va + PAGE_SIZE, false);
	return 0;
}

/* Without what is in it, for what comes next: at once, or when it is used again. */
static void take_away(uintptr_t va)
{
	if (sim_snapshot && *window(va) == FIRST)
		sim_window_written(va);
	if (sim_snapshot && *window(va) == UNUSED && used_count < MOST_USED) {
		*window(va) = USED;
		used_count++;
	} else {
		sim_call(SYS_MADVISE, (long)va, PAGE_SIZE, DONTNEED, 0, 0, 0);
	}
	protect(va, PROTECT_NONE);
}

void arch_unmap(const uintptr_t *va, size_t n, uintptr_t *was)
{
	for (size_t i = 0; i < n; i++) {
		take_away(va[i]);
		was[i] = *entry(va[i]);
		*entry(va[i]) = 0;
	}
}

/* ---- For a snapshot ---- */

size_t sim_windows_size(void)
{
	if (first_count > MOST_FIRST)
		sim_usage("too many pages of stacks before main", "", "");
	return first_count * PAGE_SIZE;
}

void sim_windows_protect(void)
{
	for (size_t i = 0; i < first_count; i++)
		if (*entry(first[i])) {
			*window(first[i]) = FIRST;
			sim_call(SYS_MPROTECT, (long)first[i], PAGE_SIZE, PROTECT_READ, 0, 0, 0);
		}
}

bool sim_window_written(uintptr_t at)
{
	uintptr_t va = at & -(uintptr_t)PAGE_SIZE;

	if (at < ARCH_WINDOW_BASE || at >= ARCH_WINDOW_END || *window(va) != FIRST)
		return false;
	*window(va) = FIRST_WRITTEN;
	sim_snapshot_keep(va, PAGE_SIZE);
	return true;
}

/*
 * The top page of a stack is mapped before anybody runs on it, so it can be left for the next run: the two
 * system calls would take a tenth of a short run. Where a run accesses it without having mapped it, race.c
 * says so, and it is taken away before that access is made. The pages below are mapped by the fault
 * that the first access is: there has to be one in each run.
 */
static bool can_be_left(uintptr_t va)
{
	bool top = va + PAGE_SIZE < ARCH_WINDOW_END && !*entry(va + PAGE_SIZE);

	return top && used_count < MOST_USED;
}

void sim_windows_undo(void)
{
	size_t n = 0;

	for (size_t i = 0; i < left_count; i++)
		if (*window(left[i]) == LEFT)
			left[n++] = left[i];
	left_count = n;
	for (size_t i = 0; i < mapped_count; i++) {
		uintptr_t va = mapped[i];

		if (!*entry(va) || *window(va) != UNUSED)
			continue; /* the entries are undone with the rest */
		if (can_be_left(va)) {
			*window(va) = LEFT;
			used_count++;
			left[left_count++] = va;
		} else {
			take_away(va);
		}
	}
	mapped_count = 0;
	for (size_t i = 0; i < first_count; i++)
		if (!*entry(first[i]) && *window(first[i]) == FIRST_WRITTEN)
			protect(first[i], PROTECT_RW);
}

void sim_windows_leave(void)
{
	for (size_t i = 0; i < left_count; i++)
		sim_memory_left(left[i], left[i] + PAGE_SIZE);
}

void sim_window_met(uintptr_t at)
{
	uintptr_t va = at & -(uintptr_t)PAGE_SIZE;

	*window(va) = USED;
	protect(va, PROTECT_NONE);
}

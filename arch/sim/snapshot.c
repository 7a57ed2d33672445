/*
 * One boot, many runs: a process for each run would cost more than the run. So one process makes
 * them one after the other, and what a run has changed is undone behind it.
 *
 * When the snapshot is taken, all that a run may change is made read-only: the image's variables,
 * those of this folder among them, RAM, and the windows (memory.c). The first write to a page keeps
 * what was in it, makes it writable, and puts it on a list; behind each run the pages of the list
 * are written again. They stay writable, so soon no run has such a fault. What is not undone is
 * SIM_KEPT, and the shadow memory, which race.c undoes itself.
 *
 * Who makes the runs has a stack of its own, and is called outside; a run is inside.
 */
#include "sim.h"

enum { SYS_MMAP = 9, SYS_MPROTECT = 10 };
enum { PROTECT_READ = 1, PROTECT_RW = 3 };
enum { PRIVATE_ANONYMOUS_NORESERVE_FIXED = 0x2 | 0x20 | 0x4000 | 0x100000 };
#define RESERVED_BASE ((uintptr_t)0x400000000000)
enum { REGIONS = 3, MOST_UNITS = 32 * 1024, OUTSIDE_STACK = 256 * 1024 };

/* Memory that is looked after, in units: pages, or, where these were too many for Linux, several. */
static SIM_KEPT struct region {
	uintptr_t from, to;
	size_t unit;
	uint8_t *written; /* of each unit, whether it has been, in any run */
} regions[REGIONS];
static SIM_KEPT int region_count;

/* What was there when the snapshot was taken. */
static SIM_KEPT struct old {
	uintptr_t at;
	size_t size;
	const uint64_t *words; /* NULL: all 0 */
} * olds;
static SIM_KEPT size_t old_count;
static SIM_KEPT uint64_t *copies; /* where the next copy goes */

bool sim_snapshot SIM_KEPT;

static SIM_KEPT void *outside, *inside; /* where they have stopped */
static SIM_KEPT _Alignas(64) char outside_stack[OUTSIDE_STACK];
static SIM_KEPT void (*outside_main)(void);

extern char __data_start[], __kept_start[];

/* At an address that is the same in every process: it may be in a register when they are printed. */
void *sim_reserve(size_t size)
{
	static SIM_KEPT uintptr_t reserved;
	uintptr_t wanted = RESERVED_BASE + reserved;

	reserved += (size + PAGE_SIZE - 1) & -(size_t)PAGE_SIZE;
	if (sim_call(SYS_MMAP, (long)wanted, (long)size, PROTECT_RW,
		     PRIVATE_ANONYMOUS_NORESERVE_FIXED, -1, 0) != (long)wanted)
		sim_usage("no address space", "", "");
	return (void *)wanted;
}

static void protect(uintptr_t at, size_t size, int protection)
{
	if (sim_call(SYS_MPROTECT, (long)at, (long)size, protection, 0, 0, 0))
		sim_usage("no memory", "", "");
}

void sim_snapshot_add(uintptr_t from, uintptr_t to)
{
	struct region *r = &regions[region_count++];

	*r = (struct region){from, to, PAGE_SIZE, NULL};
	while ((to - from) / r->unit > MOST_UNITS)
		r->unit *= 2;
}

void sim_snapshot_take(void)
{
	size_t size = 0;

	sim_snapshot_add((uintptr_t)__data_start, (uintptr_t)__kept_start);
	for (int i = 0; i < region_count; i++) {
		regions[i].written =
			sim_reserve((regions[i].to - regions[i].from) / regions[i].unit + 1);
		size += regions[i].to - regions[i].from;
	}
	size += sim_windows_size();
	olds = sim_reserve(size / PAGE_SIZE * sizeof *olds);
	copies = sim_reserve(size);
	sim_snapshot = true;
	sim_windows_protect();
	for (int i = 0; i < region_count; i++)
		protect(regions[i].from, regions[i].to - regions[i].from, PROTECT_READ);
}

void sim_snapshot_keep(uintptr_t at, size_t size)
{
	const uint64_t *words = (const uint64_t *)at;
	size_t n = size / sizeof *words, used = 0;

	for (size_t i = 0; i < n; i++)
		used |= words[i];
	olds[old_count++] = (struct old){at, size, used ? copies : NULL};
	for (size_t i = 0; used && i < n; i++)
		*copies++ = words[i];
	protect(at, size, PROTECT_RW);
}

bool sim_snapshot_written(uintptr_t at)
{
	if (!sim_snapshot)
		return false;
	for (int i = 0; i < region_count; i++) {
		struct region *r = &regions[i];
		size_t unit = (at - r->from) / r->unit;
		uintptr_t from = r->from + unit * r->unit;

		if (at < r->from || at >= r->to)
			continue;
		if (r->written[unit])
			return false;
		r->written[unit] = true;
		sim_snapshot_keep(from, from + r->unit < r->to ? r->unit : r->to - from);
		return true;
	}
	return sim_window_written(at);
}

static void undo(void)
{
	sim_windows_undo();
	for (size_t i = 0; i < old_count; i++) {
		uint64_t *to = (uint64_t *)olds[i].at;
		const uint64_t *from = olds[i].words;
		size_t n = olds[i].size / sizeof *to;

		if (from)
			__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
		else
			__asm__ volatile("rep stosq" : "+D"(to), "+c"(n) : "a"(0) : "memory");
	}
	sim_shadow_undo();
	sim_windows_leave();
	sim_load_locals();
}

static void begin_outside(struct co *unused)
{
	(void)unused;
	outside_main();
}

void sim_outside(void (*fn)(void))
{
	outside_main = fn;
	sim_switch(&inside, arch_context_make(outside_stack + sizeof outside_stack, begin_outside));
}

void sim_inside(void)
{
	sim_switch(&outside, inside);
	if (sim_snapshot)
		undo();
}

_Noreturn void sim_inside_ends(void)
{
	void *gone;

	for (;;)
		sim_switch(&gone, outside);
}

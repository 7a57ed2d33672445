#include "drivers/device_map.h"

#include "arch/arch.h"
#include "kernel/lock.h"
#include "kernel/page.h"

/* Below the window of the stacks there is room that no memory reaches. */
enum { ROOM = 1 << 30 };

static void *take_table_page(void)
{
	void *page;

	preempt_disable();
	page = page_alloc(0);
	preempt_enable();
	return page;
}

uintptr_t device_map(uint64_t base, size_t size)
{
	static size_t used;
	uintptr_t room = ARCH_WINDOW_BASE - ROOM, at = room + used;
	uint64_t first = base & -(uint64_t)PAGE_SIZE;
	size_t pages = (base + size - first + PAGE_SIZE - 1) / PAGE_SIZE;

	if (size > ROOM || used + pages * PAGE_SIZE > ROOM)
		return 0;
	used += pages * PAGE_SIZE;
	for (size_t i = 0; i < pages; i++)
		if (arch_map(at + i * PAGE_SIZE, first + i * PAGE_SIZE, MAP_WRITE | MAP_DEVICE,
			     take_table_page) < 0)
			return 0;
	return at + (base - first);
}

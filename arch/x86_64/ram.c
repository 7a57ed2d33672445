/*
 * From the loader's memory map to machine.ram: whole pages of RAM above 1 MB that hold nothing yet,
 * in ascending order.
 */
#include "x86.h"

enum { MAX_PIECES = 2 * MAX_BOOT_RANGES };
enum { LOW_MEMORY_END = 0x100000 };

extern char __image_start[], __image_end[];

static struct {
	uint64_t base, end;
} piece[MAX_PIECES];
static int npieces;

static void piece_drop(int i)
{
	for (npieces--; i < npieces; i++)
		piece[i] = piece[i + 1];
}

/* In order, and joined with a neighbour it touches. */
static void piece_add(uint64_t base, uint64_t end)
{
	int i = 0;

	if (base >= end || npieces == MAX_PIECES)
		return;
	while (i < npieces && piece[i].end < base)
		i++;
	while (i < npieces && piece[i].base <= end) {
		base = piece[i].base < base ? piece[i].base : base;
		end = piece[i].end > end ? piece[i].end : end;
		piece_drop(i);
	}
	for (int j = npieces++; j > i; j--)
		piece[j] = piece[j - 1];
	piece[i].base = base;
	piece[i].end = end;
}

static void piece_remove(uint64_t base, uint64_t end)
{
	for (int i = 0; i < npieces; i++) {
		uint64_t old_base = piece[i].base, old_end = piece[i].end;

		if (base >= old_end || end <= old_base)
			continue;
		piece_drop(i--);
		if (base > old_base) {
			piece_add(old_base, base);
			i++;
		}
		if (end < old_end) {
			piece_add(end, old_end);
			i++;
		}
	}
}

static uint64_t round_down(uint64_t at)
{
	return at & ~(uint64_t)(PAGE_SIZE - 1);
}

static uint64_t round_up(uint64_t at)
{
	return round_down(at + PAGE_SIZE - 1);
}

static int smallest(void)
{
	int least = 0;

	for (int i = 1; i < npieces; i++)
		if (piece[i].end - piece[i].base < piece[least].end - piece[least].base)
			least = i;
	return least;
}

void ram_init(void)
{
	for (int i = 0; i < boot_info.nmemory; i++) {
		uint64_t base = boot_info.memory[i].base, end = base + boot_info.memory[i].size;

		if (boot_info.memory[i].type != MEMORY_RAM)
			continue;
		/* The identity map ends where the window begins. */
		if (end > ARCH_WINDOW_BASE)
			end = ARCH_WINDOW_BASE;
		piece_add(round_up(base), round_down(end));
	}
	for (int i = 0; i < boot_info.nmemory; i++)
		if (boot_info.memory[i].type != MEMORY_RAM)
			piece_remove(round_down(boot_info.memory[i].base),
				     round_up(boot_info.memory[i].base + boot_info.memory[i].size));
	piece_remove(0, LOW_MEMORY_END);
	piece_remove((uintptr_t)__image_start, (uintptr_t)__image_end);
	if (boot_info.initrd_size)
		piece_remove(round_down(boot_info.initrd),
			     round_up(boot_info.initrd + boot_info.initrd_size));

	while (npieces > MAX_RAM_RANGES)
		piece_drop(smallest());
	for (int i = 0; i < npieces; i++)
		machine.ram[i] = (struct ram_range){piece[i].base, piece[i].end - piece[i].base};
	machine.nram = npieces;
}

/* From the top of the highest range that the early page tables reach. */
void *ram_take_page(void)
{
	for (int i = machine.nram - 1; i >= 0; i--) {
		struct ram_range *r = &machine.ram[i];

		if (r->base + r->size > UINT64_C(1) << 32)
			continue;
		void *page = (void *)(uintptr_t)(r->base + r->size - PAGE_SIZE);

		r->size -= PAGE_SIZE;
		if (!r->size) {
			machine.nram--;
			for (int j = i; j < machine.nram; j++)
				machine.ram[j] = machine.ram[j + 1];
		}
		return page;
	}
	return NULL;
}

/*
 * The boot core's way from boot.S to kernel_start: find the device tree, read the machine from it,
 * build the final translation tables. Interrupts are masked all the time.
 */
#include <libfdt.h>

#include "arch/arm64/arm64.h"

_Noreturn void arm64_start(uintptr_t x0);

/* Where an ELF loader that passes nothing leaves the device tree: at the start of memory. */
enum { DEFAULT_DTB = 0x40000000 };
/* QEMU virt's UART, until the tree tells. */
enum { DEFAULT_CONSOLE = 0x09000000 };

static void early_print(const char *text)
{
	while (*text) {
		if (*text == '\n')
			arch_early_putc('\r');
		arch_early_putc(*text++);
	}
}

void boot_fail(const char *why)
{
	early_print("vole: cannot boot: ");
	early_print(why);
	early_print("\n");
	arch_power_off(134);
}

static bool is_device_tree(uintptr_t addr)
{
	if (addr == 0 || addr % 8 != 0 || addr >> 39)
		return false;
	mmu_early_map(addr);
	if (fdt_magic((const void *)addr) != FDT_MAGIC)
		return false;
	mmu_early_map(addr + fdt_totalsize((const void *)addr) - 1);
	return fdt_check_header((const void *)addr) == 0;
}

/*
 * From the gigabyte of the image, because that is mapped from the beginning; from the lowest
 * range first, which leaves the large ones whole.
 */
void *boot_take_page(void)
{
	extern char __image_start[];
	uint64_t gigabyte = (uintptr_t)__image_start >> 30;
	struct ram_range *best = NULL;
	void *page;

	for (int i = 0; i < machine.nram; i++) {
		struct ram_range *r = &machine.ram[i];

		if (r->base >> 30 == gigabyte && r->size >= PAGE_SIZE &&
		    (!best || r->base < best->base))
			best = r;
	}
	if (!best)
		return NULL;
	page = (void *)(uintptr_t)best->base;
	best->base += PAGE_SIZE;
	best->size -= PAGE_SIZE;
	if (best->size == 0)
		*best = machine.ram[--machine.nram];
	return page;
}

void arm64_start(uintptr_t x0)
{
	uintptr_t dtb = is_device_tree(x0) ? x0 : DEFAULT_DTB;
	const char *wrong;

	machine.console_base = DEFAULT_CONSOLE;
	if (!is_device_tree(dtb)) {
		/* Where a console is, the device tree would have told. */
		semihosting_write("vole: cannot boot: no device tree\n");
		arch_power_off(134);
	}
	wrong = fdt_read(dtb);
	if (wrong)
		boot_fail(wrong);
	if (machine.nram == 0)
		boot_fail("the device tree lists no memory");
	clock_init();
	mmu_init();
	arm64_cores[0].irq_stack_top = irq_stack_make(boot_take_page);
	if (!arm64_cores[0].irq_stack_top)
		boot_fail("too little memory");
	set_irq_stack(arm64_cores[0].irq_stack_top);
	gic_init();
	machine.processor = processor_name();
	machine.frame_size = FRAME_SIZE;
	machine.sample_every = timer_sample_every;
	kernel_start();
}

/* PL011 (DDI 0183), 3.3: data register, flag register. */
enum { UARTDR = 0x00, UARTFR = 0x18, UARTFR_TXFF = 1 << 5 };

void arch_early_putc(char c)
{
	while (arch_io_read32(machine.console_base + UARTFR) & UARTFR_TXFF)
		arch_relax();
	arch_io_write32(machine.console_base + UARTDR, (uint8_t)c);
}

/* ---- The processor's name ----------------------------------------------------------------------- */

static const struct {
	uint16_t implementer, part; /* MIDR_EL1 */
	const char *name;
} processors[] = {
	{0x41, 0xd03, "ARM Cortex-A53"},  {0x41, 0xd04, "ARM Cortex-A35"},
	{0x41, 0xd05, "ARM Cortex-A55"},  {0x41, 0xd07, "ARM Cortex-A57"},
	{0x41, 0xd08, "ARM Cortex-A72"},  {0x41, 0xd09, "ARM Cortex-A73"},
	{0x41, 0xd0b, "ARM Cortex-A76"},  {0x41, 0xd0c, "ARM Neoverse N1"},
	{0x41, 0xd40, "ARM Neoverse V1"}, {0x41, 0xd49, "ARM Neoverse N2"},
	{0x46, 0x001, "Fujitsu A64FX"},   {0x00, 0x051, "QEMU max"},
};

const char *processor_name(void)
{
	static char unknown[] = "ARM64 (MIDR 0x00000000)";
	uint32_t midr = (uint32_t)READ_SYSREG(midr_el1);

	for (size_t i = 0; i < sizeof processors / sizeof processors[0]; i++)
		if (midr >> 24 == processors[i].implementer &&
		    (midr >> 4 & 0xfff) == processors[i].part)
			return processors[i].name;
	for (int i = 0; i < 8; i++)
		unknown[sizeof unknown - 3 - i] = "0123456789abcdef"[midr >> 4 * i & 15];
	return unknown;
}

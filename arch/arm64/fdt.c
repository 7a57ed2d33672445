/*
 * What the device tree says of the machine (Devicetree Specification 0.4; the bindings are those
 * that Linux documents). Everything is read once, at boot, before there is memory management:
 * what is kept, is copied. libfdt does the parsing.
 */
#include <string.h>

#include <libfdt.h>

#include "arch/arm64/arm64.h"

struct platform platform;
uint32_t psci_conduit;

static char command_line[COMMAND_LINE_SIZE];

enum { DEFAULT_VIRTUAL_TIMER_IRQ = 27, DEFAULT_PHYSICAL_TIMER_IRQ = 30 };

/* Debian's libfdt is built with the stack protector. */
uintptr_t __stack_chk_guard = 0x00766f6c65000aff;
_Noreturn void __stack_chk_fail(void);

_Noreturn void __stack_chk_fail(void)
{
	boot_fail("a stack was overwritten while the device tree was read");
}

/* ---- Lists of ranges --------------------------------------------------------------------------- */

static void ranges_add(struct ram_range *list, int *n, uint64_t base, uint64_t size)
{
	uint64_t first = (base + PAGE_SIZE - 1) & -(uint64_t)PAGE_SIZE;
	uint64_t end = (base + size) & -(uint64_t)PAGE_SIZE;

	/* Page zero stays unmapped; beyond 8 TB other things are mapped. */
	if (first == 0)
		first = PAGE_SIZE;
	if (end > UINT64_C(1) << 43)
		end = UINT64_C(1) << 43;
	if (end <= first || *n == MAX_RAM_RANGES)
		return;
	list[(*n)++] = (struct ram_range){first, end - first};
}

void ranges_remove(struct ram_range *list, int *n, uint64_t base, uint64_t end)
{
	base &= -(uint64_t)PAGE_SIZE;
	end = (end + PAGE_SIZE - 1) & -(uint64_t)PAGE_SIZE;
	for (int i = *n - 1; i >= 0; i--) {
		uint64_t first = list[i].base, last = first + list[i].size;

		if (end <= first || last <= base)
			continue;
		list[i] = list[--*n];
		if (first < base)
			ranges_add(list, n, first, base - first);
		if (end < last)
			ranges_add(list, n, end, last - end);
	}
}

/* ---- Properties --------------------------------------------------------------------------------- */

static uint64_t read_cells(const fdt32_t *cell, int n)
{
	uint64_t value = 0;

	for (int i = 0; i < n; i++)
		value = value << 32 | fdt32_to_cpu(cell[i]);
	return value;
}

/* Entry index of a node's reg. Buses above it are taken to map one to one. */
static bool read_reg(const void *fdt, int node, int index, struct ram_range *out)
{
	int parent = fdt_parent_offset(fdt, node);
	int na = fdt_address_cells(fdt, parent), ns = fdt_size_cells(fdt, parent), len;
	const fdt32_t *reg = fdt_getprop(fdt, node, "reg", &len);

	if (!reg || na < 1 || ns < 0 || len / 4 < (na + ns) * (index + 1))
		return false;
	reg += (na + ns) * index;
	*out = (struct ram_range){read_cells(reg, na), read_cells(reg + na, ns)};
	return true;
}

/* A property of one number, of one or two cells. */
static bool read_number(const void *fdt, int node, const char *name, uint64_t *value)
{
	int len;
	const fdt32_t *cell = fdt_getprop(fdt, node, name, &len);

	if (!cell || (len != 4 && len != 8))
		return false;
	*value = read_cells(cell, len / 4);
	return true;
}

/* In the GIC's binding, three cells each. */
static unsigned interrupt_of(const fdt32_t *cell)
{
	return fdt32_to_cpu(cell[1]) + (fdt32_to_cpu(cell[0]) == 0 ? GIC_FIRST_SPI : GIC_FIRST_PPI);
}

/* Interrupt index of a node as an INTID. 0: none. */
static unsigned read_interrupt(const void *fdt, int node, int index)
{
	int len;
	const fdt32_t *cell = fdt_getprop(fdt, node, "interrupts", &len);

	if (!cell || len / 12 <= index)
		return 0;
	return interrupt_of(cell + 3 * index);
}

static bool property_is(const void *fdt, int node, const char *name, const char *value)
{
	int len;
	const char *text = fdt_getprop(fdt, node, name, &len);

	return text && fdt_stringlist_contains(text, len, value);
}

static bool is_enabled(const void *fdt, int node)
{
	return !fdt_getprop(fdt, node, "status", NULL) ||
	       property_is(fdt, node, "status", "okay") || property_is(fdt, node, "status", "ok");
}

/* The first enabled node that is compatible with one of a list that ends with NULL, or < 0. */
static int find_compatible(const void *fdt, const char *const *names)
{
	for (; *names; names++) {
		int node = fdt_node_offset_by_compatible(fdt, -1, *names);

		for (; node >= 0; node = fdt_node_offset_by_compatible(fdt, node, *names))
			if (is_enabled(fdt, node))
				return node;
	}
	return -FDT_ERR_NOTFOUND;
}

/* ---- The parts of the machine -------------------------------------------------------------------- */

static void read_chosen(const void *fdt)
{
	int node = fdt_path_offset(fdt, "/chosen"), len;
	const char *text = node < 0 ? NULL : fdt_getprop(fdt, node, "bootargs", &len);
	uint64_t start, end;

	machine.command_line = command_line;
	if (text && len > 0) {
		if (len > COMMAND_LINE_SIZE) {
			len = COMMAND_LINE_SIZE;
			machine.command_line_cut = true;
		}
		memcpy(command_line, text, (size_t)len);
		command_line[len - 1] = 0;
	}
	if (node >= 0 && read_number(fdt, node, "linux,initrd-start", &start) &&
	    read_number(fdt, node, "linux,initrd-end", &end) && end > start) {
		machine.initrd = (const void *)(uintptr_t)start;
		machine.initrd_size = end - start;
	}
}

static void read_memory(const void *fdt)
{
	extern char __image_start[], __image_end[];
	struct ram_range range;
	uint64_t base, size;
	int node, parent;

	fdt_for_each_subnode (node, fdt, 0) {
		if (!property_is(fdt, node, "device_type", "memory") || !is_enabled(fdt, node))
			continue;
		for (int i = 0; read_reg(fdt, node, i, &range); i++)
			ranges_add(platform.memory, &platform.nmemory, range.base, range.size);
	}
	parent = fdt_path_offset(fdt, "/reserved-memory");
	if (parent >= 0) {
		fdt_for_each_subnode (node, fdt, parent) {
			if (!fdt_getprop(fdt, node, "no-map", NULL))
				continue;
			for (int i = 0; read_reg(fdt, node, i, &range); i++)
				ranges_remove(platform.memory, &platform.nmemory, range.base,
					      range.base + range.size);
		}
	}

	memcpy(machine.ram, platform.memory, sizeof machine.ram);
	machine.nram = platform.nmemory;
	if (parent >= 0) {
		fdt_for_each_subnode (node, fdt, parent) {
			for (int i = 0; read_reg(fdt, node, i, &range); i++)
				ranges_remove(machine.ram, &machine.nram, range.base,
					      range.base + range.size);
		}
	}
	for (int i = 0; i < fdt_num_mem_rsv(fdt); i++)
		if (fdt_get_mem_rsv(fdt, i, &base, &size) == 0)
			ranges_remove(machine.ram, &machine.nram, base, base + size);
	ranges_remove(machine.ram, &machine.nram, platform.dtb, platform.dtb + platform.dtb_size);
	ranges_remove(machine.ram, &machine.nram, (uintptr_t)machine.initrd,
		      (uintptr_t)machine.initrd + machine.initrd_size);
	ranges_remove(machine.ram, &machine.nram, (uintptr_t)__image_start, (uintptr_t)__image_end);
}

/* The boot core first, the others in the order of the tree. */
static void read_cores(const void *fdt)
{
	uint64_t self = READ_SYSREG(mpidr_el1) & MPIDR_AFFINITY, id;
	int parent = fdt_path_offset(fdt, "/cpus"), node;

	machine.core_hw_id[0] = self;
	machine.ncores = 1;
	if (parent < 0)
		return;
	fdt_for_each_subnode (node, fdt, parent) {
		if (!property_is(fdt, node, "device_type", "cpu") || !is_enabled(fdt, node) ||
		    !property_is(fdt, node, "enable-method", "psci") ||
		    !read_number(fdt, node, "reg", &id) || id == self)
			continue;
		if (machine.ncores < MAX_CORES)
			machine.core_hw_id[machine.ncores++] = id;
		else
			machine.ncores_ignored++;
	}
}

static void read_psci(const void *fdt)
{
	static const char *const names[] = {"arm,psci-1.0", "arm,psci-0.2", "arm,psci", NULL};
	int node = find_compatible(fdt, names);

	if (node < 0)
		return;
	if (property_is(fdt, node, "method", "hvc"))
		psci_conduit = PSCI_HVC;
	else if (property_is(fdt, node, "method", "smc"))
		psci_conduit = PSCI_SMC;
}

static const char *read_gic(const void *fdt)
{
	static const char *const v3[] = {"arm,gic-v3", NULL};
	static const char *const v2[] = {"arm,cortex-a15-gic", "arm,gic-400", "arm,cortex-a7-gic",
					 "arm,cortex-a9-gic", NULL};
	uint64_t regions = 1;
	int node = find_compatible(fdt, v3);

	if (node >= 0) {
		platform.gic_version = 3;
		read_number(fdt, node, "#redistributor-regions", &regions);
		while (platform.ngicr < (int)regions && platform.ngicr < MAX_GICR_REGIONS &&
		       read_reg(fdt, node, 1 + platform.ngicr, &platform.gicr[platform.ngicr]))
			platform.ngicr++;
		if (read_reg(fdt, node, 0, &platform.gicd) && platform.ngicr > 0)
			return NULL;
		return "the device tree does not say where the GICv3 is";
	}
	node = find_compatible(fdt, v2);
	if (node < 0)
		return "no interrupt controller that is known (GICv2 or GICv3)";
	platform.gic_version = 2;
	if (!read_reg(fdt, node, 0, &platform.gicd) || !read_reg(fdt, node, 1, &platform.gicc))
		return "the device tree does not say where the GICv2 is";
	return NULL;
}

/* The UART that /chosen names if it is a PL011, else the first PL011. */
static void read_console(const void *fdt)
{
	static const char *const names[] = {"arm,pl011", NULL};
	int chosen = fdt_path_offset(fdt, "/chosen"), node = -1, len;
	const char *path = chosen < 0 ? NULL : fdt_getprop(fdt, chosen, "stdout-path", &len);
	struct ram_range reg;

	if (path) {
		const char *end = strchr(path, ':'); /* options follow */

		node = fdt_path_offset_namelen(fdt, path, end ? (int)(end - path) : len - 1);
		if (node >= 0 && !property_is(fdt, node, "compatible", "arm,pl011"))
			node = -1;
	}
	if (node < 0)
		node = find_compatible(fdt, names);
	if (node >= 0 && read_reg(fdt, node, 0, &reg)) {
		machine.console_base = reg.base;
		machine.console_irq = read_interrupt(fdt, node, 0);
	}
}

static void read_date(const void *fdt)
{
	static const char *const names[] = {"arm,pl031", NULL};
	int node = find_compatible(fdt, names);
	struct ram_range reg;

	if (node >= 0 && read_reg(fdt, node, 0, &reg))
		machine.date_base = reg.base;
}

static void read_timer(const void *fdt)
{
	static const char *const names[] = {"arm,armv8-timer", "arm,armv7-timer", NULL};
	enum { PHYSICAL = 1, VIRTUAL = 2 }; /* after the secure one */
	int node = find_compatible(fdt, names);

	platform.timer_irq = DEFAULT_VIRTUAL_TIMER_IRQ;
	platform.sample_irq = DEFAULT_PHYSICAL_TIMER_IRQ;
	if (node < 0)
		return;
	if (read_interrupt(fdt, node, VIRTUAL))
		platform.timer_irq = read_interrupt(fdt, node, VIRTUAL);
	if (read_interrupt(fdt, node, PHYSICAL))
		platform.sample_irq = read_interrupt(fdt, node, PHYSICAL);
	read_number(fdt, node, "clock-frequency", &platform.timer_frequency);
}

static void read_virtio(const void *fdt)
{
	int node = -1;
	struct ram_range reg;

	while ((node = fdt_node_offset_by_compatible(fdt, node, "virtio,mmio")) >= 0) {
		if (machine.nvirtio_mmio == MAX_VIRTIO_MMIO || !is_enabled(fdt, node) ||
		    !read_reg(fdt, node, 0, &reg))
			continue;
		machine.virtio_mmio[machine.nvirtio_mmio].base = reg.base;
		machine.virtio_mmio[machine.nvirtio_mmio++].irq = read_interrupt(fdt, node, 0);
	}
}

/* Of the bridge's ranges (PCI Bus Binding to IEEE 1275, 2.1.4.2 and 2.2.1.1) the one of 32-bit
 * memory that is not prefetchable; for us only where both sides have the same address for it. */
static void read_pci_window(const void *fdt, int node)
{
	enum { CHILD = 3, PARENT = 2, SIZE = 2, ENTRY = CHILD + PARENT + SIZE };
	enum { SPACE_MASK = 0x43000000, SPACE_MEMORY_32 = 0x02000000 };
	int len;
	const fdt32_t *cell = fdt_getprop(fdt, node, "ranges", &len);

	for (int n = cell ? len / 4 / ENTRY : 0; n > 0; n--, cell += ENTRY) {
		uint64_t base = read_cells(cell + CHILD, PARENT);

		if ((fdt32_to_cpu(cell[0]) & SPACE_MASK) != SPACE_MEMORY_32 ||
		    base != read_cells(cell + 1, CHILD - 1))
			continue;
		machine.pci.window = base;
		machine.pci.window_size = read_cells(cell + CHILD + PARENT, SIZE);
	}
}

/* interrupt-map: unit address and pin, then the controller, its unit address, its interrupt. */
static void read_pci_interrupts(const void *fdt, int node)
{
	enum { UNIT = 3, PIN = UNIT, CONTROLLER, REST, INTERRUPT = 3, SLOT_SHIFT = 11 };
	int len;
	const fdt32_t *cell = fdt_getprop(fdt, node, "interrupt-map", &len), *end;

	end = cell ? cell + len / 4 : cell;
	while (cell && end - cell > REST) {
		int gic = fdt_node_offset_by_phandle(fdt, fdt32_to_cpu(cell[CONTROLLER]));
		int unit = gic < 0 ? -1 : fdt_address_cells(fdt, gic);
		unsigned slot = fdt32_to_cpu(cell[0]) >> SLOT_SHIFT, pin = fdt32_to_cpu(cell[PIN]);

		if (unit < 0 || end - cell < REST + unit + INTERRUPT)
			return;
		if (slot < PCI_PINS && pin >= 1 && pin <= PCI_PINS)
			machine.pci.irq[slot][pin - 1] = interrupt_of(cell + REST + unit);
		cell += REST + unit + INTERRUPT;
	}
}

static void read_pci(const void *fdt)
{
	static const char *const names[] = {"pci-host-ecam-generic", NULL};
	int node = find_compatible(fdt, names);
	struct ram_range ecam;

	if (node < 0 || !read_reg(fdt, node, 0, &ecam))
		return;
	machine.pci.access = PCI_ECAM;
	machine.pci.ecam = ecam.base;
	read_pci_window(fdt, node);
	read_pci_interrupts(fdt, node);
}

const char *fdt_read(uintptr_t dtb)
{
	const void *fdt = (const void *)dtb;

	platform.dtb = dtb;
	platform.dtb_size = fdt_totalsize(fdt);
	read_console(fdt);
	read_date(fdt);
	read_psci(fdt);
	read_chosen(fdt);
	read_memory(fdt);
	read_cores(fdt);
	read_timer(fdt);
	read_virtio(fdt);
	read_pci(fdt);
	return read_gic(fdt);
}

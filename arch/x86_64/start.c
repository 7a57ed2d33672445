/*
 * From boot.S to kernel_start: finds out what the machine has, and builds what stays.
 *
 * The order matters: until mmu_enable the early page tables map the first 4 GB, which is where the
 * loader's information and the ACPI tables are.
 */
#include "x86.h"

#include "kernel/core.h"

enum { COM1 = 0x3f8, COM1_ISA_IRQ = 4 };

/* What GS points to before arch_bind_core: a struct core up to its member arch, current = NULL. */
static union {
	char bytes[offsetof(struct core, arch) + sizeof(void *)];
	uint64_t align;
} unbound_core;

_Noreturn void start_x86(int protocol, uintptr_t info);

static void early_core(void)
{
	*(void **)(unbound_core.bytes + offsetof(struct core, arch)) = &x86_boot_core;
	wrmsr(MSR_GS_BASE, (uintptr_t)&unbound_core);
}

/* The processor's name for people: SDM 2, CPUID leaves 80000002h to 80000004h. */
static const char *processor_name(void)
{
	static union {
		struct cpuid leaf[3];
		char text[49];
	} name;
	char *from = name.text, *end;

	if (cpuid(0x80000000, 0).eax < 0x80000004)
		return "x86-64";
	for (uint32_t i = 0; i < 3; i++)
		name.leaf[i] = cpuid(0x80000002 + i, 0);
	while (*from == ' ')
		from++;
	for (end = from; *end; end++)
		;
	while (end > from && end[-1] == ' ')
		*--end = '\0';
	return from;
}

static void mmu_enable(void)
{
	__asm__ volatile("movq %0, %%cr3" : : "r"(x86_page_root) : "memory");
}

_Noreturn void start_x86(int protocol, uintptr_t info)
{
	early_core();
	tables_init();
	tables_load(&x86_boot_core);
	fpu_init();
	bootinfo_read(protocol, info);
	ram_init();
	mmu_init();
	lapic_init();
	acpi_init(lapic_id());
	ioapic_init();
	mmu_enable();
	if (!mmu_make_stacks(&x86_boot_core, ram_take_page))
		mmu_too_little_memory();
	tables_set_stacks(&x86_boot_core);
	lapic_enable();
	clock_init();

	machine.processor = processor_name();
	machine.console_base = COM1;
	machine.console_irq = acpi.isa_gsi[COM1_ISA_IRQ];
	machine.sample_every = timer_sample_every;
	machine.pci.access = PCI_PORTS; /* where there is no PCI all of it reads as ones */
	kernel_start();
}

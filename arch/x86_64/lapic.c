/*
 * The local APIC of each core (SDM 10): memory-mapped registers, or MSRs in x2APIC mode, which is
 * used where CPUID offers it.
 */
#include "x86.h"

enum {
	APIC_BASE_ENABLE = 1 << 11,
	APIC_BASE_X2APIC = 1 << 10,
	CPUID_1_ECX_X2APIC = 1 << 21,
	SPURIOUS_ENABLE = 1 << 8,
};

bool x86_x2apic;
static uintptr_t base;

uint32_t lapic_read(unsigned reg)
{
	if (x86_x2apic)
		return (uint32_t)rdmsr(MSR_X2APIC + reg / 16);
	return *(volatile uint32_t *)(base + reg);
}

void lapic_write(unsigned reg, uint32_t value)
{
	if (x86_x2apic)
		wrmsr(MSR_X2APIC + reg / 16, value);
	else
		*(volatile uint32_t *)(base + reg) = value;
}

uint64_t lapic_id(void)
{
	uint32_t id = lapic_read(LAPIC_ID);

	return x86_x2apic ? id : id >> 24;
}

void lapic_eoi(void)
{
	lapic_write(LAPIC_EOI, 0);
}

/* In xAPIC mode the command takes two writes, which a handler that sends too must not divide. */
void lapic_send(uint64_t apic_id, uint32_t command)
{
	if (x86_x2apic) {
		/* 10.12.3: a WRMSR to the ICR does not order earlier stores. */
		__asm__ volatile("mfence; lfence" : : : "memory");
		wrmsr(MSR_X2APIC + LAPIC_ICR / 16, apic_id << 32 | command);
		return;
	}
	uint64_t flags = flags_save();

	while (lapic_read(LAPIC_ICR) & ICR_PENDING)
		arch_relax();
	lapic_write(LAPIC_ICR_HIGH, (uint32_t)apic_id << 24);
	lapic_write(LAPIC_ICR, command);
	flags_restore(flags);
}

static void mode_set(void)
{
	uint64_t msr = rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;

	wrmsr(MSR_APIC_BASE, msr);
	if (x86_x2apic)
		wrmsr(MSR_APIC_BASE, msr | APIC_BASE_X2APIC); /* 10.12.5: in two steps */
}

/* Afterwards lapic_id works. */
void lapic_init(void)
{
	base = rdmsr(MSR_APIC_BASE) & 0x000ffffffffff000;
	x86_x2apic = cpuid(1, 0).ecx & CPUID_1_ECX_X2APIC;
	if (!x86_x2apic)
		mmu_map_device(base, PAGE_SIZE);
	mode_set();
}

void lapic_enable(void)
{
	mode_set();
	lapic_write(LAPIC_LVT_LINT0, LVT_MASKED);
	lapic_write(LAPIC_LVT_LINT1, LVT_NMI);
	lapic_write(LAPIC_LVT_ERROR, LVT_MASKED);
	lapic_write(LAPIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
	timer_enable();
}

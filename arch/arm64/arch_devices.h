/* What drivers ask of ARM64. Only arch/devices.h includes this. */
#ifndef ARCH_DEVICES_H
#define ARCH_DEVICES_H

static inline bool arch_random(uint64_t *word)
{
	enum { RNDR_SHIFT = 60, TRIES = 10 }; /* Arm ARM, ID_AA64ISAR0_EL1 and RNDR */
	uint64_t features;
	bool good = false;

	__asm__("mrs %0, id_aa64isar0_el1" : "=r"(features));
	for (int i = 0; features >> RNDR_SHIFT && !good && i < TRIES; i++)
		__asm__ volatile("mrs %0, s3_3_c2_c4_0" : "=r"(*word), "=@ccne"(good)); /* RNDR */
	return good;
}

/*
 * Device registers: one plain load or store each (a hypervisor cannot emulate others). What was
 * read from a device is known before later accesses to memory; what was written to memory before
 * is there when a device is told.
 */
static inline uint8_t arch_io_read8(uintptr_t reg)
{
	uint32_t value;

	__asm__ volatile("ldrb %w0, [%1]\n\tdmb oshld" : "=r"(value) : "r"(reg) : "memory");
	return (uint8_t)value;
}

static inline void arch_io_write8(uintptr_t reg, uint8_t value)
{
	__asm__ volatile("dmb oshst\n\tstrb %w0, [%1]" : : "r"(value), "r"(reg) : "memory");
}

static inline uint16_t arch_io_read16(uintptr_t reg)
{
	uint32_t value;

	__asm__ volatile("ldrh %w0, [%1]\n\tdmb oshld" : "=r"(value) : "r"(reg) : "memory");
	return (uint16_t)value;
}

static inline void arch_io_write16(uintptr_t reg, uint16_t value)
{
	__asm__ volatile("dmb oshst\n\tstrh %w0, [%1]" : : "r"(value), "r"(reg) : "memory");
}

static inline uint32_t arch_io_read32(uintptr_t reg)
{
	uint32_t value;

	__asm__ volatile("ldr %w0, [%1]\n\tdmb oshld" : "=r"(value) : "r"(reg) : "memory");
	return value;
}

static inline void arch_io_write32(uintptr_t reg, uint32_t value)
{
	__asm__ volatile("dmb oshst\n\tstr %w0, [%1]" : : "r"(value), "r"(reg) : "memory");
}

#endif

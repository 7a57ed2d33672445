/* What drivers ask of a process of Linux. Only arch/devices.h includes this. */
#ifndef ARCH_DEVICES_H
#define ARCH_DEVICES_H

static inline bool arch_random(uint64_t *word)
{
	(void)word; /* the host's C library has getentropy */
	return false;
}

/* There are no devices. */
static inline uint8_t arch_io_read8(uintptr_t reg)
{
	return *(volatile uint8_t *)reg;
}

static inline void arch_io_write8(uintptr_t reg, uint8_t value)
{
	*(volatile uint8_t *)reg = value;
}

static inline uint16_t arch_io_read16(uintptr_t reg)
{
	return *(volatile uint16_t *)reg;
}

static inline void arch_io_write16(uintptr_t reg, uint16_t value)
{
	*(volatile uint16_t *)reg = value;
}

static inline uint32_t arch_io_read32(uintptr_t reg)
{
	return *(volatile uint32_t *)reg;
}

static inline void arch_io_write32(uintptr_t reg, uint32_t value)
{
	*(volatile uint32_t *)reg = value;
}

#endif

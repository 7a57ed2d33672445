/* What drivers ask of the simulated machine. Only arch/devices.h includes this. */
#ifndef ARCH_DEVICES_H
#define ARCH_DEVICES_H

uint64_t sim_random(void);

/* From the seed. */
static inline bool arch_random(uint64_t *word)
{
	*word = sim_random();
	return true;
}

uint64_t sim_io_read(uintptr_t reg, int bytes);
void sim_io_write(uintptr_t reg, int bytes, uint64_t value);

static inline uint8_t arch_io_read8(uintptr_t reg)
{
	return (uint8_t)sim_io_read(reg, 1);
}

static inline void arch_io_write8(uintptr_t reg, uint8_t value)
{
	sim_io_write(reg, 1, value);
}

static inline uint16_t arch_io_read16(uintptr_t reg)
{
	return (uint16_t)sim_io_read(reg, 2);
}

static inline void arch_io_write16(uintptr_t reg, uint16_t value)
{
	sim_io_write(reg, 2, value);
}

static inline uint32_t arch_io_read32(uintptr_t reg)
{
	return (uint32_t)sim_io_read(reg, 4);
}

static inline void arch_io_write32(uintptr_t reg, uint32_t value)
{
	sim_io_write(reg, 4, value);
}

#endif

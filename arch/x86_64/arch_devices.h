/* What drivers ask of x86-64. Only arch/devices.h includes this. */
#ifndef ARCH_DEVICES_H
#define ARCH_DEVICES_H

static inline bool arch_random(uint64_t *word)
{
	enum { HAS_RDRAND = 1 << 30, TRIES = 10 }; /* Intel SDM 2A, CPUID; 1, 7.3.17.1 */
	uint32_t a = 1, b, c = 0, d;
	bool good = false;

	__asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	for (int i = 0; c & HAS_RDRAND && !good && i < TRIES; i++)
		__asm__ volatile("rdrand %0" : "=r"(*word), "=@ccc"(good));
	return good;
}

static inline uint8_t arch_io_read8(uintptr_t reg)
{
	uint8_t value;

	if (reg > 0xffff)
		return *(volatile uint8_t *)reg;
	__asm__ volatile("inb %w1, %0" : "=a"(value) : "Nd"(reg) : "memory");
	return value;
}

static inline void arch_io_write8(uintptr_t reg, uint8_t value)
{
	if (reg > 0xffff)
		*(volatile uint8_t *)reg = value;
	else
		__asm__ volatile("outb %0, %w1" : : "a"(value), "Nd"(reg) : "memory");
}

static inline uint16_t arch_io_read16(uintptr_t reg)
{
	uint16_t value;

	if (reg > 0xffff)
		return *(volatile uint16_t *)reg;
	__asm__ volatile("inw %w1, %0" : "=a"(value) : "Nd"(reg) : "memory");
	return value;
}

static inline void arch_io_write16(uintptr_t reg, uint16_t value)
{
	if (reg > 0xffff)
		*(volatile uint16_t *)reg = value;
	else
		__asm__ volatile("outw %0, %w1" : : "a"(value), "Nd"(reg) : "memory");
}

static inline uint32_t arch_io_read32(uintptr_t reg)
{
	uint32_t value;

	if (reg > 0xffff)
		return *(volatile uint32_t *)reg;
	__asm__ volatile("inl %w1, %0" : "=a"(value) : "Nd"(reg) : "memory");
	return value;
}

static inline void arch_io_write32(uintptr_t reg, uint32_t value)
{
	if (reg > 0xffff)
		*(volatile uint32_t *)reg = value;
	else
		__asm__ volatile("outl %0, %w1" : : "a"(value), "Nd"(reg) : "memory");
}

#endif

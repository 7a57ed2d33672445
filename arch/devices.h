/*
 * What drivers ask of a port, and nobody else: the registers of devices, interrupts that are messages,
 * randomness; and what ports have in common. The inline functions are in the port's arch_devices.h, which this file includes.
 */
#ifndef ARCH_DEVICES_OF_PORT_H
#define ARCH_DEVICES_OF_PORT_H

#include "arch/arch.h"

/* A device register: memory, or an I/O port where the processor has them and reg < 64 K. One load or
 * store each. What was written to memory before a write is there when the device is told; what was
 * read from a device is known before later accesses to memory. */
static inline uint8_t arch_io_read8(uintptr_t reg);
static inline void arch_io_write8(uintptr_t reg, uint8_t value);
static inline uint16_t arch_io_read16(uintptr_t reg);
static inline void arch_io_write16(uintptr_t reg, uint16_t value);
static inline uint32_t arch_io_read32(uintptr_t reg);
static inline void arch_io_write32(uintptr_t reg, uint32_t value);

/* Makes an interrupt that a device raises by writing data to address (PCI 3.0, 6.8, MSI), served by
 * this core: its irq; -ENOTSUP: the machine has no such; -ENOSPC. */
int arch_irq_make_message(uint64_t *address, uint32_t *data);

/* A random number of the processor's own source. False: it has none, or none now. */
static inline bool arch_random(uint64_t *word);

/* When a core of a port whose clock is that of its samples takes them. */
struct sampler {
	uint64_t next; /* UINT64_MAX: never */
	uint64_t last, gap;
};

/* The same for all cores; 0: none are taken. */
extern uint64_t sample_period;

static inline void sampler_start(struct sampler *s)
{
	s->last = arch_clock();
	s->gap = sample_period;
	s->next = s->last + s->gap;
}

/* In the interrupt at next. A core that is idle is looked at less and less often, and a sample then stands for
 * the time since the last look. */
static inline void sampler_tick(struct sampler *s, const struct arch_regs *regs)
{
	enum { IDLE_GAP = 16 };
	uint64_t now = arch_clock();

	if (irq_sample(regs, now - s->last))
		s->gap = sample_period;
	else if (s->gap < IDLE_GAP * sample_period)
		s->gap *= 2;
	s->last = now;
	s->next = s->next + s->gap > now ? s->next + s->gap : now + s->gap;
}

#include <arch_devices.h>

#endif

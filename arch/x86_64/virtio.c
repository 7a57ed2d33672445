/*
 * Virtio devices in memory, which only QEMU's microvm has: it names them on the command line, as Linux
 * takes them, or in ACPI's machine language (AML). That is not interpreted: in the device's
 * description the resources follow its name, in a form that is fixed.
 */
#include "x86.h"

enum {
	MEMORY_32_FIXED = 0x86, /* ACPI 6.4.3.4: length 9, information, base, size */
	INTERRUPT = 0x89,       /* 6.4.3.6: length 6, flags, a count of 1, the interrupt */
	MEMORY_BYTES = 12,
	INTERRUPT_BYTES = 9,
};

static void add(uint64_t base, unsigned irq)
{
	if (machine.nvirtio_mmio == MAX_VIRTIO_MMIO)
		return;
	machine.virtio_mmio[machine.nvirtio_mmio].base = base;
	machine.virtio_mmio[machine.nvirtio_mmio++].irq = irq;
}

/* text begins with prefix. */
static bool begins(const char *text, const char *prefix)
{
	while (*prefix)
		if (*text++ != *prefix++)
			return false;
	return true;
}

/* A number, decimal or with 0x, and what follows it. */
static uint64_t number(const char **at)
{
	unsigned base = begins(*at, "0x") ? 16 : 10;
	uint64_t value = 0;

	for (*at += base == 16 ? 2 : 0;; ++*at) {
		char c = **at;
		unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
				 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
							: 16;

		if (digit >= base)
			return value;
		value = value * base + digit;
	}
}

void virtio_in_command_line(char *line)
{
	static const char word[] = "virtio_mmio.device=";

	for (char *at = line; *at; at++) {
		const char *value = at + sizeof word - 1;
		uint64_t base;

		if ((at > line && at[-1] != ' ') || !begins(at, word))
			continue;
		number(&value); /* the size: 512 */
		if (*value++ != '@')
			continue;
		base = number(&value);
		if (*value++ != ':')
			continue;
		add(base, (unsigned)number(&value));
		while (*at && *at != ' ')
			*at++ = ' ';
		at--;
	}
}

static uint32_t read32(const uint8_t *p)
{
	uint32_t value;

	__builtin_memcpy(&value, p, 4);
	return value;
}

/* Resources as they are in a list, from at on: of QEMU's devices nothing else comes in between. */
static void resources_read(const uint8_t *at, const uint8_t *end)
{
	enum { REACH = 32 }; /* bytes to the list */
	const uint8_t *reach = at + REACH;

	for (; at < reach && end - at >= MEMORY_BYTES + INTERRUPT_BYTES; at++) {
		const uint8_t *interrupt = at + MEMORY_BYTES;

		if (at[0] == MEMORY_32_FIXED && at[1] == 9 && interrupt[0] == INTERRUPT &&
		    interrupt[1] == 6) {
			add(read32(at + 4), read32(interrupt + 5));
			return;
		}
	}
}

void virtio_in_aml(const uint8_t *aml, size_t n)
{
	static const char id[] = "LNRO0005"; /* the _HID of such a device */

	for (const uint8_t *at = aml; at + sizeof id <= aml + n; at++)
		if (begins((const char *)at, id))
			resources_read(at + sizeof id, aml + n);
}

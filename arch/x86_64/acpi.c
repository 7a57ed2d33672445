/*
 * What the ACPI tables tell: cores, I/O APICs, where ISA interrupts arrive, the power-management
 * timer. Section numbers are those of the ACPI specification 6.5. Tables are read while the early
 * page tables map the first 4 GB; one that is further up does not exist for us.
 */
#include "x86.h"

struct rsdp { /* 5.2.5.3 */
	char signature[8];
	uint8_t checksum;
	char oem[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
} __attribute__((packed));

struct table { /* 5.2.6 */
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem[6], oem_table[8];
	uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));

struct madt { /* 5.2.12 */
	struct table table;
	uint32_t lapic_base, flags;
	uint8_t entries[];
} __attribute__((packed));

struct fadt { /* 5.2.9, as far as it is used */
	struct table table;
	uint32_t facs, dsdt;
	uint8_t unused0[32];
	uint32_t pm_timer;
	uint8_t unused1[11];
	uint8_t pm_timer_length;
	uint8_t unused2[20];
	uint32_t flags;
	uint8_t unused3[24];
	uint64_t x_dsdt; /* 0, or not in the table: dsdt */
} __attribute__((packed));

_Static_assert(offsetof(struct fadt, pm_timer) == 76, "FADT");
_Static_assert(offsetof(struct fadt, pm_timer_length) == 91, "FADT");
_Static_assert(offsetof(struct fadt, flags) == 112, "FADT");
_Static_assert(offsetof(struct fadt, x_dsdt) == 140, "FADT");

enum {
	MADT_LAPIC = 0,
	MADT_IOAPIC = 1,
	MADT_OVERRIDE = 2,
	MADT_X2APIC = 9,
	LAPIC_ENABLED = 1,
	FADT_TIMER_32 = 1 << 8,
};

/* Where the firmware of a PC keeps the pointer, when the loader does not say (5.2.5.1). */
enum { EBDA_POINTER = 0x40e, EBDA_SIZE = 1024, BIOS_BASE = 0xe0000, BIOS_END = 0x100000 };

struct acpi acpi;

static bool reachable(uint64_t at, uint64_t size)
{
	return at >= PAGE_SIZE && at < UINT64_C(1) << 32 && size <= (UINT64_C(1) << 32) - at;
}

static bool sums_to_zero(const void *p, size_t n)
{
	const uint8_t *byte = p;
	uint8_t sum = 0;

	while (n--)
		sum = (uint8_t)(sum + *byte++);
	return sum == 0;
}

static bool same(const char *a, const char *b, int n)
{
	while (n-- > 0)
		if (*a++ != *b++)
			return false;
	return true;
}

static const struct rsdp *rsdp_at(uint64_t at)
{
	const struct rsdp *r = (const struct rsdp *)(uintptr_t)at;

	if (!reachable(at, sizeof *r) || !same(r->signature, "RSD PTR ", 8))
		return NULL;
	return sums_to_zero(r, 20) ? r : NULL;
}

static const struct rsdp *rsdp_scan(uint64_t at, uint64_t end)
{
	for (; at < end; at += 16) {
		const struct rsdp *r = rsdp_at(at);

		if (r)
			return r;
	}
	return NULL;
}

/* The word is read through a pointer the compiler cannot see through: it lies in page zero. */
static uint64_t ebda(void)
{
	uintptr_t at = EBDA_POINTER;

	__asm__("" : "+r"(at));
	return (uint64_t) * (const volatile uint16_t *)at << 4;
}

static const struct rsdp *rsdp_find(void)
{
	const struct rsdp *r = rsdp_at(boot_info.rsdp);

	if (!r && reachable(ebda(), EBDA_SIZE))
		r = rsdp_scan(ebda(), ebda() + EBDA_SIZE);
	if (!r)
		r = rsdp_scan(BIOS_BASE, BIOS_END);
	return r;
}

static const struct table *table_at(uint64_t at)
{
	const struct table *t = (const struct table *)(uintptr_t)at;

	if (!reachable(at, sizeof *t) || !reachable(at, t->length) || t->length < sizeof *t)
		return NULL;
	return sums_to_zero(t, t->length) ? t : NULL;
}

static const struct table *table_find(const struct rsdp *rsdp, const char *signature)
{
	bool wide = rsdp->revision >= 2 && rsdp->xsdt;
	const struct table *root = table_at(wide ? rsdp->xsdt : rsdp->rsdt);
	size_t word = wide ? 8 : 4;

	if (!root)
		return NULL;
	const uint8_t *entry = (const uint8_t *)(root + 1);
	size_t n = (root->length - sizeof *root) / word;

	for (size_t i = 0; i < n; i++, entry += word) {
		uint64_t at = 0;

		__builtin_memcpy(&at, entry, word);
		const struct table *t = table_at(at);

		if (t && same(t->signature, signature, 4))
			return t;
	}
	return NULL;
}

static void core_found(uint64_t apic_id)
{
	if (apic_id == machine.core_hw_id[0])
		return;
	/* Without x2APIC an id has 8 bits, and 255 is everyone. */
	if (machine.ncores == MAX_CORES || (apic_id >= 0xff && !x86_x2apic))
		machine.ncores_ignored++;
	else
		machine.core_hw_id[machine.ncores++] = apic_id;
}

static uint32_t read32(const uint8_t *p)
{
	uint32_t value;

	__builtin_memcpy(&value, p, 4);
	return value;
}

/* e: an entry of the MADT, of e[1] bytes. */
static void madt_entry(const uint8_t *e)
{
	switch (e[0]) {
	case MADT_LAPIC: /* 5.2.12.2 */
		if (e[1] >= 8 && read32(e + 4) & LAPIC_ENABLED)
			core_found(e[3]);
		break;
	case MADT_X2APIC: /* 5.2.12.12 */
		if (e[1] >= 16 && read32(e + 8) & LAPIC_ENABLED)
			core_found(read32(e + 4));
		break;
	case MADT_IOAPIC: /* 5.2.12.3 */
		if (e[1] >= 12 && acpi.nioapics < MAX_IOAPICS) {
			acpi.ioapic[acpi.nioapics].base = read32(e + 4);
			acpi.ioapic[acpi.nioapics++].gsi = read32(e + 8);
		}
		break;
	case MADT_OVERRIDE: /* 5.2.12.5 */
		if (e[1] >= 10 && e[2] == 0 && e[3] < ISA_IRQS) {
			acpi.isa_gsi[e[3]] = (uint8_t)read32(e + 4);
			acpi.isa_flags[e[3]] = (uint16_t)(e[8] | e[9] << 8);
		}
		break;
	}
}

static void madt_read(const struct madt *madt)
{
	const uint8_t *e = madt->entries;
	const uint8_t *end = (const uint8_t *)madt + madt->table.length;

	for (; e + 2 <= end && e[1] >= 2 && e + e[1] <= end; e += e[1])
		madt_entry(e);
}

static void fadt_read(const struct fadt *fadt)
{
	bool whole = fadt->table.length >= sizeof *fadt;
	const struct table *dsdt = table_at(whole && fadt->x_dsdt ? fadt->x_dsdt : fadt->dsdt);

	if (fadt->table.length >= offsetof(struct fadt, unused3) && fadt->pm_timer_length == 4) {
		acpi.pm_timer = (uint16_t)fadt->pm_timer;
		acpi.pm_timer_32 = fadt->flags & FADT_TIMER_32;
	}
	if (dsdt)
		virtio_in_aml((const uint8_t *)(dsdt + 1), dsdt->length - sizeof *dsdt);
}

void acpi_init(uint64_t boot_apic_id)
{
	machine.core_hw_id[0] = boot_apic_id;
	machine.ncores = 1;
	for (int i = 0; i < ISA_IRQS; i++)
		acpi.isa_gsi[i] = (uint8_t)i;

	const struct rsdp *rsdp = rsdp_find();

	if (rsdp) {
		const struct table *madt = table_find(rsdp, "APIC");
		const struct fadt *fadt = (const struct fadt *)table_find(rsdp, "FACP");

		if (madt)
			madt_read((const struct madt *)madt);
		if (fadt)
			fadt_read(fadt);
	}
	/* No tables: the I/O APIC is where PCs have it. */
	if (!acpi.nioapics)
		acpi.ioapic[acpi.nioapics++].base = 0xfec00000;
}

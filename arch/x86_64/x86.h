/* What the files of this port tell each other. Nobody outside arch/x86_64 includes this. */
#ifndef X86_H
#define X86_H

#include "arch/devices.h"
#include "arch/x86_64/layout.h"

/* As the entry code of trap.S pushes them. */
struct arch_regs {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

_Static_assert(sizeof(struct arch_regs) == REGS_SIZE, "REGS_SIZE");
_Static_assert(offsetof(struct arch_regs, rip) == REGS_RIP, "REGS_RIP");

/* Vectors: exceptions, the legacy controllers (masked, but they can be spurious), devices by their
 * global system interrupt, our own. */
enum {
	VECTOR_NMI = 2,
	VECTOR_DOUBLE_FAULT = 8,
	VECTOR_GENERAL_PROTECTION = 13,
	VECTOR_PAGE_FAULT = 14,
	VECTOR_MACHINE_CHECK = 18,
	VECTOR_PIC = 0x20,
	VECTOR_GSI = 0x30,
	VECTOR_TIMER = 0xf0,
	VECTOR_RESCHEDULE = 0xf1,
	VECTOR_TLB = 0xf2,
	VECTOR_SPURIOUS = 0xff,
	MAX_GSI = VECTOR_TIMER - VECTOR_GSI,
};

/* Stacks that the processor itself switches to (7.14.5, "Interrupt Stack Table"). */
enum { IST_INTERRUPT = 1, IST_FAULT, IST_NMI, IST_ABORT };

/*
 * They are mapped below the window, in a part for each core. What interrupts comes before what can be
 * interrupted, so that frame chains go upwards; below each is a guard, below that of interrupts, on
 * which handlers of applications run, a long one.
 */
enum x86_stack {
	STACK_ABORT,
	STACK_NMI,
	STACK_NESTED_FAULT, /* for a fault in the handler of a fault */
	STACK_FAULT,
	STACK_INTERRUPT,
	STACKS
};
enum { STACK_SIZE = 16384, STACK_SLOT = 2 * STACK_SIZE, STACKS_SLOT = 1024 * 1024 };
#define X86_STACKS UINT64_C(0x0000080000000000)

/* QEMU's isa-debugcon: the launcher gets what is written here, the exit status last. */
enum { LAUNCHER_PORT = 0xe9 };

enum { FPU_AREA_MAX = 2752 }; /* x87, SSE, AVX and AVX-512 take 2688 */

struct x86_tss { /* 7.7 */
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3, io_map;
} __attribute__((packed));

/* What this port keeps for a core; struct core's arch points to it. */
struct x86_core {
	/* The core's own. */
	uint64_t gdt[5];
	struct x86_tss tss;
	uint64_t deadline; /* what the kernel has armed the timer for */
	struct sampler samples;
	unsigned fault_depth; /* exception handlers that have not returned */
	char what[96];        /* text for panic_exception */

	uintptr_t stacks; /* where its part of X86_STACKS begins; 0: not yet */
	uint64_t apic_id; /* constant once the core is in x86_cores */

	/* Written by the core, read by arch_core_start and arch_unmap. */
	_Atomic int state;         /* enum core_state */
	_Atomic uint64_t tlb_done; /* the last request this core has served */

	_Alignas(64) uint8_t fpu[FPU_AREA_MAX]; /* for arch_call_handler */
};

enum core_state { CORE_STARTING, CORE_CLAIMED, CORE_UP, CORE_ABANDONED };

extern struct x86_core x86_boot_core;

/* The port's part of the core this runs on; with preemption held off. */
struct x86_core *x86_core_here(void);

/* ---- Instructions ---- */

enum {
	MSR_APIC_BASE = 0x1b,
	MSR_TSC_DEADLINE = 0x6e0,
	MSR_X2APIC = 0x800,
	MSR_GS_BASE = 0xc0000101,
};

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
	return ((uint64_t)high << 32) | low;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
			 : "memory");
}

static inline uint64_t rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return ((uint64_t)high << 32) | low;
}

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid c;

	__asm__ volatile("cpuid"
			 : "=a"(c.eax), "=b"(c.ebx), "=c"(c.ecx), "=d"(c.edx)
			 : "a"(leaf), "c"(subleaf));
	return c;
}

/* Masks interrupts for a few instructions that a handler on this core must not cut in two. */
static inline uint64_t flags_save(void)
{
	uint64_t flags;

	__asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
	return flags;
}

static inline void flags_restore(uint64_t flags)
{
	__asm__ volatile("pushq %0; popfq" : : "r"(flags) : "memory", "cc");
}

static inline void outw(uint16_t port, uint16_t value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline _Noreturn void x86_halt_forever(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* ---- start.c, bootinfo.c: the way to kernel_start ---- */

enum { MAX_BOOT_RANGES = 128 };

/* What the boot loader told; addresses are physical. */
struct boot_info {
	struct {
		uint64_t base, size;
		uint32_t type; /* enum memory_type */
	} memory[MAX_BOOT_RANGES];
	int nmemory;
	uint64_t initrd, initrd_size;
	uint64_t rsdp; /* 0: unknown */
};

enum memory_type { MEMORY_RAM = 1 }; /* ACPI 15.1, "AddressRangeMemory" */

extern struct boot_info boot_info;

void bootinfo_read(int protocol, uintptr_t info);

/* Fills machine.ram; then pages for tables may be taken from it. */
void ram_init(void);
void *ram_take_page(void);

/* ---- acpi.c ---- */

enum { MAX_IOAPICS = 16, ISA_IRQS = 16 };

struct acpi {
	struct {
		uint64_t base;
		uint32_t gsi;
	} ioapic[MAX_IOAPICS];
	int nioapics;
	uint8_t isa_gsi[ISA_IRQS];    /* where an ISA interrupt arrives */
	uint16_t isa_flags[ISA_IRQS]; /* its polarity and trigger, ACPI 5.2.12.5; 0: as ISA */
	uint16_t pm_timer;            /* I/O port, 0: none */
	bool pm_timer_32;             /* counts 32 bits, not 24 */
};

enum { MADT_ACTIVE_LOW = 3, MADT_LEVEL = 3 << 2 };

extern struct acpi acpi;

/* Fills acpi and the list of cores in machine. */
void acpi_init(uint64_t boot_apic_id);

/* ---- virtio.c ---- */

/* Fill machine.virtio_mmio: from the words virtio_mmio.device=SIZE@BASE:IRQ, which become blanks; and
 * from ACPI's machine language. */
void virtio_in_command_line(char *line);
void virtio_in_aml(const uint8_t *aml, size_t n);

/* ---- mmu.c ---- */

extern uint64_t x86_page_root[512];

void mmu_init(void);
/* Lets code at the page of the trampoline run, or be written. */
void mmu_trampoline(unsigned flags);
_Noreturn void mmu_too_little_memory(void);
/* Maps the stacks of a core, in the next part. False: no memory. */
bool mmu_make_stacks(struct x86_core *x, void *(*take_page)(void));
/* Maps the registers of a device where they are; at boot only. */
void mmu_map_device(uint64_t base, uint64_t size);
/* Serves a request of another core's arch_unmap. */
void mmu_tlb_request(void);

/* ---- tables.c ---- */

void tables_init(void); /* once */
void tables_load(struct x86_core *x);
void tables_set_stacks(struct x86_core *x);
/* The upper end of a stack. */
uintptr_t x86_stack_top(const struct x86_core *x, enum x86_stack stack);

/* ---- fpu.c ---- */

void fpu_init(void);       /* once */
void fpu_enable(void);     /* every core */
void fpu_save(void *area); /* leaves the state that a function expects when it is called */
extern uint64_t x86_xcr0;  /* 0: the processor has no XSAVE */

/* ---- trap.c, debug.c ---- */

void x86_early_puts(const char *s);
/* Appends at, up to end, and returns where the NUL is. */
char *x86_append(char *at, char *end, const char *s);
char *x86_append_hex(char *at, char *end, uint64_t value, int digits);

/* ---- lapic.c ---- */

extern bool x86_x2apic;

void lapic_init(void);   /* once */
void lapic_enable(void); /* every core */
uint64_t lapic_id(void);
void lapic_eoi(void);

/* Registers (10.4.1, table 10-1), as offsets of the memory-mapped form. */
enum {
	LAPIC_ID = 0x20,
	LAPIC_EOI = 0xb0,
	LAPIC_SPURIOUS = 0xf0,
	LAPIC_ICR = 0x300,
	LAPIC_ICR_HIGH = 0x310,
	LAPIC_LVT_TIMER = 0x320,
	LAPIC_LVT_LINT0 = 0x350,
	LAPIC_LVT_LINT1 = 0x360,
	LAPIC_LVT_ERROR = 0x370,
	LAPIC_INITIAL_COUNT = 0x380,
	LAPIC_CURRENT_COUNT = 0x390,
	LAPIC_DIVIDE = 0x3e0,
};

enum {
	LVT_MASKED = 1 << 16,
	LVT_TSC_DEADLINE = 2 << 17,
	LVT_NMI = 4 << 8,
	ICR_NMI = 4 << 8,
	ICR_INIT = 5 << 8,
	ICR_STARTUP = 6 << 8,
	ICR_PENDING = 1 << 12,
	ICR_ASSERT = 1 << 14,
};

uint32_t lapic_read(unsigned reg);
void lapic_write(unsigned reg, uint32_t value);
void lapic_send(uint64_t apic_id, uint32_t command);

/* ---- ioapic.c ---- */

void ioapic_init(void);

/* ---- clock.c ---- */

void clock_init(void);                        /* once, after lapic_enable */
void timer_enable(void);                      /* every core */
void timer_start_samples(struct x86_core *x); /* every core, where samples are taken */
void timer_interrupt(void);
void timer_sample_every(uint64_t ns); /* machine.sample_every */

/* ---- cores.c ---- */

/* Those that are bound, by index. */
extern _Atomic(struct x86_core *) x86_cores[MAX_CORES];

bool x86_stopping(void); /* arch_stop_others has been called */

extern uint8_t trampoline_start[], trampoline_end[];
_Noreturn void ap_start(struct core *core);

#endif

/*
 * Descriptor tables: one interrupt descriptor table for all, a segment table and a task state
 * segment for each core. Every vector changes to one of the core's own stacks, so that whatever
 * happens needs no room on a coroutine's.
 */
#include "x86.h"

struct gate { /* 6.14.1, "64-Bit Mode IDT" */
	uint16_t offset_low;
	uint16_t selector;
	uint8_t ist;
	uint8_t type;
	uint16_t offset_middle;
	uint32_t offset_high;
	uint32_t reserved;
};

struct table_register {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

enum { GATE_INTERRUPT = 0x8e }; /* present, masks interrupts */
enum { STUB_SIZE = 16 };

struct x86_core x86_boot_core;
extern uint8_t x86_stubs[];

static struct gate idt[256];

static unsigned stack_of(unsigned vector)
{
	switch (vector) {
	case VECTOR_NMI:
		return IST_NMI;
	case VECTOR_DOUBLE_FAULT:
	case VECTOR_MACHINE_CHECK:
		return IST_ABORT;
	default:
		return vector < 32 ? IST_FAULT : IST_INTERRUPT;
	}
}

void tables_init(void)
{
	for (unsigned v = 0; v < 256; v++) {
		uintptr_t stub = (uintptr_t)x86_stubs + v * STUB_SIZE;

		idt[v] = (struct gate){
			.offset_low = (uint16_t)stub,
			.selector = SEL_CODE,
			.ist = (uint8_t)stack_of(v),
			.type = GATE_INTERRUPT,
			.offset_middle = (uint16_t)(stub >> 16),
			.offset_high = (uint32_t)(stub >> 32),
		};
	}
}

/* Of the core that boots, before its stacks are mapped: for faults, and faults in their handler. */
static _Alignas(16) uint8_t early_stack[2][8192];

uintptr_t x86_stack_top(const struct x86_core *x, enum x86_stack stack)
{
	if (!x->stacks)
		return (uintptr_t)early_stack[stack == STACK_NESTED_FAULT ? 1 : 2];
	return x->stacks + (stack == STACK_INTERRUPT ? STACKS_SLOT : (stack + 1) * STACK_SLOT);
}

void tables_set_stacks(struct x86_core *x)
{
	x->tss.ist[IST_INTERRUPT - 1] = x86_stack_top(x, STACK_INTERRUPT);
	x->tss.ist[IST_FAULT - 1] = x86_stack_top(x, STACK_FAULT);
	x->tss.ist[IST_NMI - 1] = x86_stack_top(x, STACK_NMI);
	x->tss.ist[IST_ABORT - 1] = x86_stack_top(x, STACK_ABORT);
}

void tables_load(struct x86_core *x)
{
	uint64_t tss = (uintptr_t)&x->tss;
	uint64_t limit = sizeof x->tss - 1;

	x->gdt[0] = 0;
	x->gdt[SEL_CODE / 8] = 0x00af9b000000ffff; /* 64 bit, executable, accessed */
	x->gdt[SEL_DATA / 8] = 0x00cf93000000ffff; /* writable, accessed */
	/* 7.2.3, "TSS Descriptor in 64-bit mode": two words, type 9. */
	x->gdt[SEL_TSS / 8] = limit | (tss & 0xffffff) << 16 | (uint64_t)0x89 << 40 |
			      (tss >> 24 & 0xff) << 56;
	x->gdt[SEL_TSS / 8 + 1] = tss >> 32;

	x->tss = (struct x86_tss){.io_map = sizeof x->tss};
	tables_set_stacks(x);

	struct table_register gdtr = {sizeof x->gdt - 1, (uintptr_t)x->gdt};
	struct table_register idtr = {sizeof idt - 1, (uintptr_t)idt};

	__asm__ volatile("lgdt %0; lidt %1; ltr %w2"
			 :
			 : "m"(gdtr), "m"(idtr), "r"(SEL_TSS)
			 : "memory");
}

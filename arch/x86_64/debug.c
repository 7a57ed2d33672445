/*
 * The early console, and what a panic needs: text, registers, walking stacks. None of it allocates
 * or locks.
 */
#include "x86.h"

/* 16550 UART, National Semiconductor PC16550D, section 8. */
enum { COM1 = 0x3f8 };
enum { UART_THR = COM1, UART_LSR = COM1 + 5, LSR_THRE = 0x20 };
enum { UART_PATIENCE = 100000 }; /* reads; no UART, or one that is stuck, must not stop us */

/* A context: the words of switch.S. */
enum { CONTEXT_RBP = 6, CONTEXT_RETURN = 7 };

void arch_early_putc(char c)
{
	for (int i = 0; i < UART_PATIENCE; i++) {
		if (arch_io_read8(UART_LSR) & LSR_THRE)
			break;
		arch_relax();
	}
	arch_io_write8(UART_THR, (uint8_t)c);
}

void x86_early_puts(const char *s)
{
	while (*s)
		arch_early_putc(*s++);
}

char *x86_append(char *at, char *end, const char *s)
{
	while (*s && at < end - 1)
		*at++ = *s++;
	*at = '\0';
	return at;
}

char *x86_append_hex(char *at, char *end, uint64_t value, int digits)
{
	char text[19] = "0x";

	for (int i = 0; i < digits; i++)
		text[2 + i] = "0123456789abcdef"[value >> (4 * (digits - 1 - i)) & 15];
	text[2 + digits] = '\0';
	return x86_append(at, end, text);
}

void arch_print_regs(const struct arch_regs *regs, void (*print)(const char *fmt, ...))
{
	uint64_t cr2, cr3;

	__asm__ volatile("movq %%cr2, %0; movq %%cr3, %1" : "=r"(cr2), "=r"(cr3));

	const struct {
		const char *name;
		uint64_t value;
	} list[] = {
		{"rax", regs->rax}, {"rbx", regs->rbx},    {"rcx", regs->rcx},   {"rdx", regs->rdx},
		{"rsi", regs->rsi}, {"rdi", regs->rdi},    {"rbp", regs->rbp},   {"rsp", regs->rsp},
		{"r8 ", regs->r8},  {"r9 ", regs->r9},     {"r10", regs->r10},   {"r11", regs->r11},
		{"r12", regs->r12}, {"r13", regs->r13},    {"r14", regs->r14},   {"r15", regs->r15},
		{"rip", regs->rip}, {"flg", regs->rflags}, {"err", regs->error}, {"cr2", cr2},
		{"cr3", cr3},
	};
	enum { COUNT = sizeof list / sizeof list[0], PER_LINE = 3 };

	for (int i = 0; i < COUNT; i++)
		print("%s %016lx%s", list[i].name, (unsigned long)list[i].value,
		      i % PER_LINE == PER_LINE - 1 || i == COUNT - 1 ? "\n" : "  ");
}

void arch_backtrace_here(struct backtrace *b)
{
	const uintptr_t *fp = __builtin_frame_address(0);

	*b = (struct backtrace){.pc = fp[1], .fp = fp[0]};
}

static bool is_text(uintptr_t addr)
{
	extern char __text_start[], __text_end[];

	return addr >= (uintptr_t)__text_start && addr < (uintptr_t)__text_end;
}

/* The instruction that returns to ret calls a function which begins at pc, or not far before. */
static bool is_called_from(uintptr_t pc, uintptr_t ret)
{
	enum { CALL = 0xe8, CALL_SIZE = 5, FAR = 1024 }; /* SDM 2A, CALL rel32 */
	const uint8_t *call = (const uint8_t *)(ret - CALL_SIZE);
	int32_t offset;

	if (!is_text((uintptr_t)call) || !is_text(ret) || call[0] != CALL)
		return false;
	__builtin_memcpy(&offset, call + 1, sizeof offset);
	return pc - (ret + (uintptr_t)(intptr_t)offset) < FAR;
}

/* A function that has no frame yet, or needs none, has its return address on top of its stack, below no more
 * than registers that it has saved. What is no code has it there too, and that is all there is of its caller. */
void arch_backtrace_regs(struct backtrace *b, const struct arch_regs *regs, uintptr_t lo,
			 uintptr_t hi)
{
	enum { SAVED = 5 };

	*b = (struct backtrace){.pc = regs->rip, .fp = regs->rbp, .sp = regs->rsp};
	if (regs->rsp < lo || regs->rsp >= hi)
		return;

	const uintptr_t *top = (const uintptr_t *)regs->rsp;

	if (!is_text(regs->rip))
		b->caller = *top;
	for (int i = 0;
	     i <= SAVED && (uintptr_t)(top + i) < regs->rbp && regs->rbp < hi && !b->caller; i++)
		if (is_called_from(regs->rip, top[i]))
			b->caller = top[i];
}

void arch_backtrace_context(struct backtrace *b, const void *sp)
{
	const uintptr_t *context = sp;

	*b = (struct backtrace){.pc = context[CONTEXT_RETURN], .fp = context[CONTEXT_RBP]};
}

bool arch_backtrace_irq(uintptr_t fp)
{
	struct x86_core *x = x86_core_here();
	bool has_record = false;

	for (enum x86_stack i = 0; i < STACKS && x->stacks; i++)
		has_record |= backtrace_has_record(fp, x86_stack_top(x, i) - STACK_SIZE,
						   x86_stack_top(x, i));
	return has_record;
}

/* The kernel's own output, which goes to standard error; registers, and walking stacks. */
#include "host.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A context: the words of switch.S. */
enum { CONTEXT_RBP = 7, CONTEXT_RETURN = 8 };

static char line[256];
static size_t line_length;

void host_flush(void)
{
	for (size_t done = 0; done < line_length;) {
		long n = host_call(SYS_write, STDERR_FILENO, (long)line + (long)done,
				   (long)(line_length - done), 0, 0, 0);

		if (n < 0 && n != -EINTR)
			break;
		done += n > 0 ? (size_t)n : 0;
	}
	line_length = 0;
}

void arch_early_putc(char c)
{
	line[line_length++] = c;
	if (c == '\n' || line_length == sizeof line)
		host_flush();
}

_Noreturn void arch_power_off(int status)
{
	host_flush();
	host_terminal_back();
	_exit(status);
}

void arch_print_regs(const struct arch_regs *regs, void (*print)(const char *fmt, ...))
{
	static const struct {
		char name[4];
		int index;
	} list[] = {
		{"rax", REG_RAX}, {"rbx", REG_RBX}, {"rcx", REG_RCX}, {"rdx", REG_RDX},
		{"rsi", REG_RSI}, {"rdi", REG_RDI}, {"rbp", REG_RBP}, {"rsp", REG_RSP},
		{"r8 ", REG_R8},  {"r9 ", REG_R9},  {"r10", REG_R10}, {"r11", REG_R11},
		{"r12", REG_R12}, {"r13", REG_R13}, {"r14", REG_R14}, {"r15", REG_R15},
		{"rip", REG_RIP}, {"flg", REG_EFL}, {"err", REG_ERR}, {"cr2", REG_CR2},
	};
	enum { COUNT = sizeof list / sizeof list[0], PER_LINE = 3 };

	for (int i = 0; i < COUNT; i++)
		print("%s %016lx%s", list[i].name,
		      (unsigned long)regs->uc.uc_mcontext.gregs[list[i].index],
		      i % PER_LINE == PER_LINE - 1 || i == COUNT - 1 ? "\n" : "  ");
}

/* A dump walks stacks of those that go on or end meanwhile, as it knows. */
#define UNCHECKED __attribute__((no_sanitize("address", "thread")))

void arch_backtrace_here(struct backtrace *b)
{
	const uintptr_t *fp = __builtin_frame_address(0);

	*b = (struct backtrace){.pc = fp[1], .fp = fp[0]};
}

/* The C library has no frame pointers: so on to where it was called from. */
static void leave_library(struct backtrace *b, const struct arch_regs *regs, uintptr_t hi)
{
	uintptr_t fp, *slot = host_way_out(regs, hi, &fp);

	if (!slot)
		return;
	b->caller = *slot;
	b->fp = fp;
}

UNCHECKED void arch_backtrace_regs(struct backtrace *b, const struct arch_regs *regs, uintptr_t lo,
				   uintptr_t hi)
{
	const greg_t *gregs = regs->uc.uc_mcontext.gregs;
	uintptr_t sp = (uintptr_t)gregs[REG_RSP];

	*b = (struct backtrace){.pc = (uintptr_t)gregs[REG_RIP],
				.fp = (uintptr_t)gregs[REG_RBP],
				.sp = sp};
	/* After a call to where no code is, the return address is all there is of the caller. */
	if (gregs[REG_TRAPNO] == TRAP_PAGE_FAULT && gregs[REG_ERR] & PF_FETCH && sp >= lo &&
	    sp < hi)
		b->caller = *(const uintptr_t *)sp;
	else if (!host_in_program(b->pc) && sp >= lo && sp < hi)
		leave_library(b, regs, hi);
}

UNCHECKED void arch_backtrace_context(struct backtrace *b, const void *sp)
{
	const uintptr_t *context = sp;

	*b = (struct backtrace){.pc = context[CONTEXT_RETURN], .fp = context[CONTEXT_RBP]};
}

bool arch_backtrace_irq(uintptr_t fp)
{
	const stack_t *signals = &host_core_here()->signal_stack;
	uintptr_t base = (uintptr_t)signals->ss_sp;

	return backtrace_has_record(fp, base, base + signals->ss_size);
}

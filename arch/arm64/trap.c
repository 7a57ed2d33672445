/*
 * What trap.S calls: exceptions get their names here, from the syndrome in ESR_EL1 (DDI 0487,
 * D19.2.37), and interrupts their handlers.
 */
#include <string.h>

#include "arch/arm64/arm64.h"

void trap_sync(struct arch_regs *regs);
_Noreturn void trap_other(struct arch_regs *regs);
_Noreturn void trap_nested(struct arch_regs *regs);

/* ESR_EL1.EC, exception classes. */
enum {
	EC_UNKNOWN = 0x00,
	EC_WFX = 0x01,
	EC_FP = 0x07,
	EC_ILLEGAL_STATE = 0x0e,
	EC_SVC = 0x15,
	EC_HVC = 0x16,
	EC_SMC = 0x17,
	EC_SYSREG = 0x18,
	EC_SVE = 0x19,
	EC_INSTRUCTION_ABORT = 0x21, /* from the same level */
	EC_PC_ALIGNMENT = 0x22,
	EC_DATA_ABORT = 0x25, /* from the same level */
	EC_SP_ALIGNMENT = 0x26,
	EC_FP_EXCEPTION = 0x2c,
	EC_SERROR = 0x2f,
	EC_BREAKPOINT = 0x31,
	EC_STEP = 0x33,
	EC_WATCHPOINT = 0x35,
	EC_BRK = 0x3c,
};

static unsigned ec_of(const struct arch_regs *regs)
{
	return regs->esr >> 26 & 0x3f;
}

static const char *ec_name(unsigned ec)
{
	switch (ec) {
	case EC_UNKNOWN:
		return "undefined instruction";
	case EC_WFX:
		return "trapped WFI or WFE";
	case EC_FP:
	case EC_SVE:
		return "SVE or floating-point instruction that is not enabled";
	case EC_ILLEGAL_STATE:
		return "illegal execution state";
	case EC_SVC:
		return "SVC instruction (there are no system calls)";
	case EC_HVC:
		return "HVC instruction";
	case EC_SMC:
		return "SMC instruction";
	case EC_SYSREG:
		return "trapped access to a system register";
	case EC_PC_ALIGNMENT:
		return "misaligned pc";
	case EC_SP_ALIGNMENT:
		return "misaligned stack pointer";
	case EC_FP_EXCEPTION:
		return "floating-point exception";
	case EC_SERROR:
		return "SError (a device or memory reported an error)";
	case EC_BREAKPOINT:
	case EC_STEP:
	case EC_WATCHPOINT:
		return "debug exception";
	case EC_BRK:
		return "BRK instruction (a trap in the code)";
	default:
		return "unknown exception";
	}
}

/* ---- Page faults ---------------------------------------------------------------------------------- */

/* ESR_EL1.ISS of an abort. */
enum { ISS_WNR = 1 << 6, ISS_FNV = 1 << 10, ISS_FSC = 0x3f };
/* ISS.DFSC and IFSC; the low two bits of the first four are the level. */
enum {
	FSC_ADDRESS_SIZE = 0x00,
	FSC_TRANSLATION = 0x04,
	FSC_ACCESS_FLAG = 0x08,
	FSC_PERMISSION = 0x0c,
	FSC_EXTERNAL = 0x10,
	FSC_EXTERNAL_WALK = 0x14,
	FSC_ALIGNMENT = 0x21,
};

static bool is_translation_fault(const struct arch_regs *regs)
{
	return (regs->esr & ISS_FSC & ~3u) == FSC_TRANSLATION;
}

static const char *fault_cause(const struct arch_regs *regs)
{
	unsigned fsc = regs->esr & ISS_FSC;

	if (is_translation_fault(regs))
		return regs->far < PAGE_SIZE ? "NULL pointer" : "not mapped";
	if (fsc == FSC_ALIGNMENT)
		return "misaligned";
	if (fsc == FSC_EXTERNAL || (fsc & ~3u) == FSC_EXTERNAL_WALK)
		return "no memory or device answers there";
	switch (fsc & ~3u) {
	case FSC_ADDRESS_SIZE:
		return "beyond the address space";
	case FSC_ACCESS_FLAG:
		return "access flag";
	case FSC_PERMISSION:
		if (ec_of(regs) == EC_INSTRUCTION_ABORT)
			return "not executable";
		return "read-only";
	default:
		return "unknown cause";
	}
}

/* A text that is put together piece by piece; what does not fit is left out. */
struct text {
	char s[128];
	size_t n;
};

static void text_add(struct text *t, const char *s)
{
	while (*s && t->n < sizeof t->s - 1)
		t->s[t->n++] = *s++;
	t->s[t->n] = 0;
}

static void text_add_hex(struct text *t, uint64_t value)
{
	char digits[] = "0x0000000000000000";

	for (int i = 0; i < 16; i++)
		digits[17 - i] = "0123456789abcdef"[value >> 4 * i & 15];
	text_add(t, digits);
}

/* where: "" or " in an interrupt handler". */
static _Noreturn void fatal(const struct arch_regs *regs, const char *where)
{
	unsigned ec = ec_of(regs);
	struct text t = {.n = 0};

	if (ec != EC_DATA_ABORT && ec != EC_INSTRUCTION_ABORT) {
		text_add(&t, ec_name(ec));
		text_add(&t, where);
		panic_exception(regs, t.s, regs->pc);
	}
	text_add(&t, "page fault");
	text_add(&t, where);
	text_add(&t, ec == EC_INSTRUCTION_ABORT ? ": execute at "
		     : regs->esr & ISS_WNR      ? ": write to "
						: ": read from ");
	text_add_hex(&t, regs->far);
	text_add(&t, " (");
	text_add(&t, fault_cause(regs));
	text_add(&t, ")");
	panic_exception(regs, t.s, regs->far);
}

/* ---- Entered from trap.S --------------------------------------------------------------------------- */

void trap_sync(struct arch_regs *regs)
{
	if (ec_of(regs) == EC_DATA_ABORT && is_translation_fault(regs) && arch_current() &&
	    stack_fault(regs->far, regs))
		return;
	fatal(regs, "");
}

void trap_other(struct arch_regs *regs)
{
	fatal(regs, "");
}

void trap_nested(struct arch_regs *regs)
{
	uintptr_t top = arch_current() ? arm64_core_here()->irq_stack_top : 0;

	if (ec_of(regs) == EC_DATA_ABORT && is_translation_fault(regs) && regs->far < top &&
	    top - regs->far <= IRQ_STACK_SLOT)
		stack_irq_overflow(regs, regs->far, IRQ_STACK_SIZE);
	fatal(regs, " in an interrupt handler");
}

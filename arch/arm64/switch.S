/*
 * From coroutine to coroutine. The layout of a context is drawn in asm.h. All of this runs at EL1
 * on the coroutine's own stack, SP_EL0 (SPSel = 0), but where it says otherwise.
 *
 * depth: frame arch_switch 176
 * depth: frame arch_start 176
 * depth: frame arch_call_on 16
 * depth: frame arch_context_make 0
 */
#include "arch/arm64/asm.h"

	.cfi_sections .debug_frame

	/* Pushes the context of the running coroutine. Leaves FPCR in x10. */
	.macro save_context
	stp	x29, x30, [sp, #-CONTEXT_SIZE]!
	.cfi_adjust_cfa_offset CONTEXT_SIZE
	.cfi_rel_offset x29, 0
	.cfi_rel_offset x30, 8
	mov	x29, sp
	mrs	x10, fpcr
	stp	x19, x20, [sp, #CONTEXT_X19]
	stp	x21, x22, [sp, #CONTEXT_X19 + 16]
	stp	x23, x24, [sp, #CONTEXT_X19 + 32]
	stp	x25, x26, [sp, #CONTEXT_X19 + 48]
	stp	x27, x28, [sp, #CONTEXT_X19 + 64]
	stp	d8, d9, [sp, #CONTEXT_D8]
	stp	d10, d11, [sp, #CONTEXT_D8 + 16]
	stp	d12, d13, [sp, #CONTEXT_D8 + 32]
	stp	d14, d15, [sp, #CONTEXT_D8 + 48]
	str	x10, [sp, #CONTEXT_FPCR]
	.endm

	/* Pops the context at sp and returns into it, or jumps, which is not predicted by calls. FPCR,
	 * which is in x10, is written only where it differs: on many processors that empties the
	 * pipeline. Uses x9. */
	.macro return_to_context how=ret
	ldr	x9, [sp, #CONTEXT_FPCR]
	ldp	x19, x20, [sp, #CONTEXT_X19]
	ldp	x21, x22, [sp, #CONTEXT_X19 + 16]
	ldp	x23, x24, [sp, #CONTEXT_X19 + 32]
	ldp	x25, x26, [sp, #CONTEXT_X19 + 48]
	ldp	x27, x28, [sp, #CONTEXT_X19 + 64]
	ldp	d8, d9, [sp, #CONTEXT_D8]
	ldp	d10, d11, [sp, #CONTEXT_D8 + 16]
	ldp	d12, d13, [sp, #CONTEXT_D8 + 32]
	ldp	d14, d15, [sp, #CONTEXT_D8 + 48]
	cmp	x9, x10
	b.eq	1f
	msr	fpcr, x9
1:	ldp	x29, x30, [sp], #CONTEXT_SIZE
	\how	x30
	.endm

/* struct co *arch_switch(struct co *prev, struct co *next): x0, x1; returns prev, in next. */
func arch_switch
	save_context
	mov	x9, sp
	str	x9, [x0]                /* prev->sp */
	msr	tpidr_el1, x1
	ldr	x9, [x1]                /* next->sp */
	mov	sp, x9
	return_to_context
endfunc arch_switch

/* struct co *arch_start(struct co *prev, struct co *next): x0, x1; returns prev, in next. */
func arch_start
	save_context
	mov	x9, sp
	str	x9, [x0]                /* prev->sp */
	msr	tpidr_el1, x1
	ldr	x9, [x1]                /* next->sp */
	mov	sp, x9
	return_to_context br
endfunc arch_start

/* void *arch_call_on(void *stack, void *(*fn)(void *a, void *b), void *a, void *b): x0 to x3. For a
 * debugger its frame is a signal's: only there may a caller's stack be anywhere. */
func arch_call_on
	.cfi_signal_frame
	stp	x29, x30, [sp, #-16]!
	.cfi_adjust_cfa_offset 16
	.cfi_rel_offset x29, 0
	.cfi_rel_offset x30, 8
	mov	x29, sp
	.cfi_def_cfa_register x29
	mov	sp, x0
	mov	x9, x1
	mov	x0, x2
	mov	x1, x3
	blr	x9
	mov	sp, x29
	.cfi_def_cfa_register sp
	ldp	x29, x30, [sp], #16
	.cfi_adjust_cfa_offset -16
	.cfi_restore x29
	.cfi_restore x30
	ret
endfunc arch_call_on

/* The first instructions of a new coroutine: x0 is what arch_switch returned, x19 its entry. */
func context_start
	.cfi_undefined x30
	mov	x30, xzr                /* no caller: the frame chain ends with the entry's record */
	br	x19
endfunc context_start

/*
 * void *arch_context_make(void *stack_top, void (*entry)(struct co *)): x0, x1. A context that
 * goes on in context_start, with the entry in x19 and everything else 0.
 */
func arch_context_make
	adr	x2, context_start
	sub	x0, x0, #CONTEXT_SIZE
	stp	xzr, x2, [x0]
	stp	x1, xzr, [x0, #CONTEXT_X19]
	stp	xzr, xzr, [x0, #CONTEXT_X19 + 16]
	stp	xzr, xzr, [x0, #CONTEXT_X19 + 32]
	stp	xzr, xzr, [x0, #CONTEXT_X19 + 48]
	stp	xzr, xzr, [x0, #CONTEXT_X19 + 64]
	stp	xzr, xzr, [x0, #CONTEXT_D8]
	stp	xzr, xzr, [x0, #CONTEXT_D8 + 16]
	stp	xzr, xzr, [x0, #CONTEXT_D8 + 32]
	stp	xzr, xzr, [x0, #CONTEXT_D8 + 48]
	stp	xzr, xzr, [x0, #CONTEXT_FPCR]
	ret
endfunc arch_context_make

/*
 * struct co *arch_resume(struct co *prev, struct co *next, void *frame): x0 to x2, interrupts
 * masked. From the msr on, sp is SP_EL1 (at its top, and not used), because SP_EL0 can be
 * written and eret can go back to SPSel = 0 only from there.
 */
func arch_resume
	save_context
	mov	x9, sp
	str	x9, [x0]                /* prev->sp */
	msr	daifset, #0xf           /* nothing may touch ELR and SPSR any more */
	msr	spsel, #1
	msr	tpidr_el1, x1
	mov	x0, x2

	v_registers ldp, x0, FRAME_V
	ldr	x9, [x0, #FRAME_FPCR]
	ldr	x10, [x0, #FRAME_FPSR]
	msr	fpcr, x9
	msr	fpsr, x10
	ldp	x9, x10, [x0, #REGS_PC]
	msr	elr_el1, x9
	msr	spsr_el1, x10
	ldp	x30, x9, [x0, #REGS_X(30)]
	msr	sp_el0, x9
	ldp	x2, x3, [x0, #REGS_X(2)]
	ldp	x4, x5, [x0, #REGS_X(4)]
	ldp	x6, x7, [x0, #REGS_X(6)]
	ldp	x8, x9, [x0, #REGS_X(8)]
	ldp	x10, x11, [x0, #REGS_X(10)]
	ldp	x12, x13, [x0, #REGS_X(12)]
	ldp	x14, x15, [x0, #REGS_X(14)]
	ldp	x16, x17, [x0, #REGS_X(16)]
	ldp	x18, x19, [x0, #REGS_X(18)]
	ldp	x20, x21, [x0, #REGS_X(20)]
	ldp	x22, x23, [x0, #REGS_X(22)]
	ldp	x24, x25, [x0, #REGS_X(24)]
	ldp	x26, x27, [x0, #REGS_X(26)]
	ldp	x28, x29, [x0, #REGS_X(28)]
	ldp	x0, x1, [x0, #REGS_X(0)]
	eret
endfunc arch_resume

/*
 * void arch_leave_interrupt(struct co *prev, struct co *next): x0, x1, on the interrupt stack. Its
 * top follows from its alignment.
 */
func arch_leave_interrupt
	mov	x9, sp
	sub	x9, x9, #1
	orr	x9, x9, #(IRQ_STACK_SIZE - 1)
	add	x9, x9, #1
	mov	sp, x9
	msr	spsel, #0
	msr	tpidr_el1, x1
	ldr	x9, [x1]                /* next->sp */
	mov	sp, x9
	msr	daifclr, #6             /* interrupts and SErrors, as coroutines run */
	mrs	x10, fpcr
	return_to_context
endfunc arch_leave_interrupt

/*
 * void arch_call_handler(void (*fn)(void *), void *arg): x0, x1. The interrupted coroutine's
 * floating-point registers are put aside on the interrupt stack.
 */
#define HANDLER_FPCR 16
#define HANDLER_V    32
#define HANDLER_SIZE 544
func arch_call_handler
	sub	sp, sp, #HANDLER_SIZE
	.cfi_adjust_cfa_offset HANDLER_SIZE
	stp	x29, x30, [sp]
	.cfi_rel_offset x29, 0
	.cfi_rel_offset x30, 8
	mov	x29, sp
	v_registers stp, sp, HANDLER_V
	mrs	x9, fpcr
	mrs	x10, fpsr
	stp	x9, x10, [sp, #HANDLER_FPCR]
	msr	fpcr, xzr
	mov	x9, x0
	mov	x0, x1
	blr	x9
	v_registers ldp, sp, HANDLER_V
	ldp	x9, x10, [sp, #HANDLER_FPCR]
	msr	fpcr, x9
	msr	fpsr, x10
	ldp	x29, x30, [sp]
	add	sp, sp, #HANDLER_SIZE
	.cfi_adjust_cfa_offset -HANDLER_SIZE
	.cfi_restore x29
	.cfi_restore x30
	ret
endfunc arch_call_handler

/*
 * Leaving a coroutine and continuing another.
 *
 * A context, as arch_switch leaves it on the stack it leaves; co->sp points to its lowest word:
 *
 *	sp + 56   return address     \ a frame record, as every function's first two
 *	sp + 48   rbp                / instructions make it
 *	sp + 40   rbx
 *	sp + 32   r12
 *	sp + 24   r13
 *	sp + 16   r14
 *	sp +  8   r15
 *	sp +  4   x87 control word (2 bytes)
 *	sp +  0   MXCSR (4 bytes)
 *
 * The two control registers survive calls (System V ABI 3.2.1), but hardly any code changes them,
 * and loading them is slow: they are compared, and loaded when different.
 *
 * Every way into a context has prev in rdi as well as in rax: a new context returns into its entry
 * function, whose argument that is.
 *
 * depth: frame arch_switch 64
 * depth: frame arch_start 64
 * depth: frame arch_call_on 16
 * depth: frame __x86_return_thunk 8
 * depth: frame arch_context_make 8
 */
#include "layout.h"

#define MXCSR_CONTROL 0xffc0 /* all but the six flags that operations set (SDM 1, 10.2.3) */

	.cfi_sections .debug_frame
	.text

/* Pushes all of a context but the return address. */
.macro PUSH_CONTEXT
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbp, 0
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbx, 0
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r12, 0
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r13, 0
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r14, 0
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r15, 0
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	stmxcsr	(%rsp)
	fnstcw	4(%rsp)
.endm

.macro POP_REGISTER reg
	popq	%\reg
	.cfi_adjust_cfa_offset -8
	.cfi_restore \reg
.endm

/* Drops the control registers, and pops the others. */
.macro POP_CONTEXT
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	POP_REGISTER r15
	POP_REGISTER r14
	POP_REGISTER r13
	POP_REGISTER r12
	POP_REGISTER rbx
	POP_REGISTER rbp
.endm

/* struct co *arch_switch(struct co *prev, struct co *next), and arch_start.
 *
 * The return of arch_switch is one that the processor expects: it goes where the last call of
 * arch_switch came from, whoever made it. What has not run yet begins somewhere else: a jump. */
.macro SWITCH name, jump
	.balign	16
	.globl	\name
	.type	\name, @function
\name:
	.cfi_startproc
	PUSH_CONTEXT
	movl	(%rsp), %ecx
	movzwl	4(%rsp), %edx
	movq	%rsp, (%rdi)		/* prev is a context from here on, */
	movq	%rsi, %gs:0		/* next is current, */
	movq	(%rsi), %rsp		/* and on its stack */
	movq	%rdi, %rax
	xorl	(%rsp), %ecx
	xorw	4(%rsp), %dx
	testl	$MXCSR_CONTROL, %ecx
	jnz	2f
	testl	%edx, %edx
	jnz	2f
1:	POP_CONTEXT
	.if \jump
	popq	%rcx
	jmp	*%rcx
	.else
	ret
	.endif
	.cfi_adjust_cfa_offset 56	/* as at 1, for what follows */
	.cfi_rel_offset rbp, 48
	.cfi_rel_offset rbx, 40
	.cfi_rel_offset r12, 32
	.cfi_rel_offset r13, 24
	.cfi_rel_offset r14, 16
	.cfi_rel_offset r15, 8
2:	ldmxcsr	(%rsp)
	fldcw	4(%rsp)
	jmp	1b
	.cfi_endproc
	.size	\name, . - \name
.endm

	SWITCH	arch_switch, 0
	SWITCH	arch_start, 1

/* ARCH_RETURN: what GCC jumps to in place of a return. */
	.globl	__x86_return_thunk
	.type	__x86_return_thunk, @function
__x86_return_thunk:
	.cfi_startproc
	popq	%rcx
	.cfi_adjust_cfa_offset -8
	.cfi_register rip, rcx
	jmp	*%rcx
	.cfi_endproc
	.size	__x86_return_thunk, . - __x86_return_thunk

/* void *arch_call_on(void *stack, void *(*fn)(void *a, void *b), void *a, void *b)
 *
 * For a debugger its frame is a signal's: only there may a caller's stack be anywhere. */
	.globl	arch_call_on
	.type	arch_call_on, @function
arch_call_on:
	.cfi_startproc
	.cfi_signal_frame
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbp, 0
	movq	%rsp, %rbp
	.cfi_def_cfa_register rbp
	movq	%rdi, %rsp
	movq	%rsi, %rax
	movq	%rdx, %rdi
	movq	%rcx, %rsi
	call	*%rax
	movq	%rbp, %rsp
	.cfi_def_cfa_register rsp
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbp
	ret
	.cfi_endproc
	.size	arch_call_on, . - arch_call_on

/* void *arch_context_make(void *stack_top, void (*entry)(struct co *prev))
 *
 * Below stack_top: 0 (the return address of entry, the end of the chain), entry (what arch_switch
 * returns to), and the rest of a context, with rbp = 0. */
	.globl	arch_context_make
	.type	arch_context_make, @function
arch_context_make:
	.cfi_startproc
	leaq	-72(%rdi), %rax
	xorl	%ecx, %ecx
	movq	%rcx, 64(%rax)
	movq	%rsi, 56(%rax)
	movq	%rcx, 48(%rax)
	movq	%rcx, 40(%rax)
	movq	%rcx, 32(%rax)
	movq	%rcx, 24(%rax)
	movq	%rcx, 16(%rax)
	movq	%rcx, 8(%rax)
	movl	$MXCSR_RESET, (%rax)
	movl	$X87CW_RESET, 4(%rax)
	ret
	.cfi_endproc
	.size	arch_context_make, . - arch_context_make

/* struct co *arch_resume(struct co *prev, struct co *next, void *frame)
 *
 * Restores straight from the frame, with rsp in it: interrupts are masked, and exceptions have
 * stacks of their own. iretq then loads next's rsp and flags, and with them its interrupts. */
	.globl	arch_resume
	.type	arch_resume, @function
arch_resume:
	.cfi_startproc
	PUSH_CONTEXT
	movq	%rsp, (%rdi)
	movq	%rsi, %gs:0
	movq	%rdx, %rsp
	.cfi_endproc			/* from here as in an interrupt: rsp at a struct arch_regs */
	.cfi_startproc simple
	.cfi_signal_frame
	.cfi_def_cfa rsp, REGS_SIZE
	.cfi_offset r15, -176
	.cfi_offset r14, -168
	.cfi_offset r13, -160
	.cfi_offset r12, -152
	.cfi_offset rbp, -96
	.cfi_offset rbx, -88
	.cfi_offset rip, -40
	.cfi_offset rsp, -16
	movl	x86_xcr0(%rip), %eax
	xorl	%edx, %edx
	testl	%eax, %eax
	jz	1f
	xrstor64 FRAME_FPU(%rsp)
	jmp	2f
1:	fxrstor64 FRAME_FPU(%rsp)
2:	movq	0(%rsp), %r15
	movq	8(%rsp), %r14
	movq	16(%rsp), %r13
	movq	24(%rsp), %r12
	movq	32(%rsp), %r11
	movq	40(%rsp), %r10
	movq	48(%rsp), %r9
	movq	56(%rsp), %r8
	movq	64(%rsp), %rdi
	movq	72(%rsp), %rsi
	movq	80(%rsp), %rbp
	movq	88(%rsp), %rbx
	movq	96(%rsp), %rdx
	movq	104(%rsp), %rcx
	movq	112(%rsp), %rax
	addq	$REGS_RIP, %rsp
	.cfi_adjust_cfa_offset -REGS_RIP
	iretq
	.cfi_endproc
	.size	arch_resume, . - arch_resume

/* void arch_leave_interrupt(struct co *prev, struct co *next)
 *
 * fpu_save has emptied the x87 registers, so nothing of prev is left but the control registers. */
	.globl	arch_leave_interrupt
	.type	arch_leave_interrupt, @function
arch_leave_interrupt:
	.cfi_startproc
	.cfi_undefined rip
	movq	%rsi, %gs:0
	movq	(%rsi), %rsp
	movq	%rdi, %rax
	.cfi_endproc
	.cfi_startproc
	.cfi_def_cfa rsp, 64
	.cfi_rel_offset rbp, 48
	.cfi_rel_offset rbx, 40
	.cfi_rel_offset r12, 32
	.cfi_rel_offset r13, 24
	.cfi_rel_offset r14, 16
	.cfi_rel_offset r15, 8
	ldmxcsr	(%rsp)
	fldcw	4(%rsp)
	POP_CONTEXT
	sti				/* not before the next instruction has run */
	ret
	.cfi_endproc
	.size	arch_leave_interrupt, . - arch_leave_interrupt

	.section .note.GNU-stack, "", @progbits

/*
 * Leaving a coroutine and continuing another, and the way into the process.
 *
 * A context, as arch_switch leaves it on the stack it leaves; co->sp points to its lowest word:
 *
 *	sp + 64   return address     \ a frame record
 *	sp + 56   rbp                /
 *	sp + 48   rbx r12 r13 r14 r15 ... sp + 16
 *	sp +  8   the thread's errno (4 bytes): it goes with the coroutine, see errno.c
 *	sp +  4   x87 control word (2 bytes)
 *	sp +  0   MXCSR (4 bytes)
 *
 * prev is in rdi as well as in rax where a context continues: a new one returns into its entry
 * function, whose argument that is.
 *
 * depth: frame arch_switch 72
 * depth: frame arch_start 72
 * depth: frame arch_call_on 16
 * depth: frame __x86_return_thunk 8
 * depth: frame arch_context_make 8
 */
#include <asm/unistd.h>

#define MXCSR_RESET   0x1f80
#define X87CW_RESET   0x037f
#define MXCSR_CONTROL 0xffc0 /* all but the flags that operations set */

#define NO_ERRNO 0x80000000

#define SIG_UNBLOCK 1
#define SIGSET_SIZE 8 /* the kernel's */

	.cfi_sections .eh_frame, .debug_frame
	.text

.macro PUSH_REGISTER reg
	pushq	%\reg
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset \reg, 0
.endm

.macro POP_REGISTER reg
	popq	%\reg
	.cfi_adjust_cfa_offset -8
	.cfi_restore \reg
.endm

/* All but the return address. */
.macro PUSH_CONTEXT
	PUSH_REGISTER rbp
	PUSH_REGISTER rbx
	PUSH_REGISTER r12
	PUSH_REGISTER r13
	PUSH_REGISTER r14
	PUSH_REGISTER r15
	subq	$16, %rsp
	.cfi_adjust_cfa_offset 16
	stmxcsr	(%rsp)
	fnstcw	4(%rsp)
	movq	host_errno_offset(%rip), %rax
	movl	%fs:(%rax), %ecx
	movl	%ecx, 8(%rsp)
.endm

/* Leaves prev in rax, taken from rdi. */
.macro POP_CONTEXT
	movq	host_errno_offset(%rip), %rax
	movl	8(%rsp), %ecx
	movl	%ecx, %fs:(%rax)
	movq	%rdi, %rax
	addq	$16, %rsp
	.cfi_adjust_cfa_offset -16
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
	xorl	(%rsp), %ecx
	xorw	4(%rsp), %dx
	andl	$MXCSR_CONTROL, %ecx
	orl	%edx, %ecx
	jnz	2f
1:
	.cfi_remember_state
	POP_CONTEXT
	.if \jump
	popq	%rcx
	jmp	*%rcx
	.else
	ret
	.endif
	.cfi_restore_state
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

/* void *arch_call_on(void *stack, void *(*fn)(void *a, void *b), void *a, void *b) */
	.globl	arch_call_on
	.type	arch_call_on, @function
arch_call_on:
	.cfi_startproc
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
 * Above the context: 0, the return address of entry, where the chain of frames ends. In the registers is
 * nothing of who had the stack before: it would look as if the coroutine knew of it. */
	.globl	arch_context_make
	.type	arch_context_make, @function
arch_context_make:
	.cfi_startproc
	leaq	-80(%rdi), %rax
	pxor	%xmm0, %xmm0
	movq	$0, 72(%rax)
	movq	%rsi, 64(%rax)
	movups	%xmm0, 48(%rax)
	movups	%xmm0, 32(%rax)
	movups	%xmm0, 16(%rax)
	movl	$NO_ERRNO, 8(%rax)
	movl	$MXCSR_RESET, (%rax)
	movl	$X87CW_RESET, 4(%rax)
	ret
	.cfi_endproc
	.size	arch_context_make, . - arch_context_make

/* struct co *host_resume(struct co *prev, struct co *next, ucontext_t *uc)
 *
 * The system call takes everything from uc: registers, vector registers, and the signal mask, which
 * lets interrupts in as soon as it is done. */
	.globl	host_resume
	.type	host_resume, @function
host_resume:
	.cfi_startproc
	PUSH_CONTEXT
	movq	%rsp, (%rdi)
	movq	%rsi, %gs:0
	movq	%rdx, %rsp
	.cfi_undefined rip
	movl	$__NR_rt_sigreturn, %eax
	syscall
	ud2
	.cfi_endproc
	.size	host_resume, . - host_resume

/* void arch_leave_interrupt(struct co *prev, struct co *next)
 *
 * On the signal stack, which is free again as soon as rsp has left it: Linux looks at rsp. Between
 * loading rsp and the system call nothing can happen, since the signals are masked. */
	.globl	arch_leave_interrupt
	.type	arch_leave_interrupt, @function
arch_leave_interrupt:
	.cfi_startproc
	.cfi_undefined rip
	movq	%rsi, %gs:0
	movq	(%rsi), %rsp
	.cfi_endproc
	.cfi_startproc
	.cfi_def_cfa rsp, 72
	.cfi_rel_offset rbp, 56
	.cfi_rel_offset rbx, 48
	.cfi_rel_offset r12, 40
	.cfi_rel_offset r13, 32
	.cfi_rel_offset r14, 24
	.cfi_rel_offset r15, 16
	ldmxcsr	(%rsp)
	fldcw	4(%rsp)
	movq	%rdi, %rbx
	movl	$__NR_rt_sigprocmask, %eax
	movl	$SIG_UNBLOCK, %edi
	movl	$host_interrupts, %esi
	xorl	%edx, %edx
	movl	$SIGSET_SIZE, %r10d
	syscall
	movq	%rbx, %rdi
	POP_CONTEXT
	ret
	.cfi_endproc
	.size	arch_leave_interrupt, . - arch_leave_interrupt

/* Returned to by a function of the C library, see late.c. Its results are in rax, rdx, vector and x87
 * registers; the return address that there was goes where it was. */
	.globl	host_trap_return
	.type	host_trap_return, @function
	.cfi_startproc
	.cfi_undefined rip
	nop				/* unwinding looks before a return address */
host_trap_return:
	pushq	$0
	pushq	%rbp
	movq	%rsp, %rbp
	pushq	%rax
	pushq	%rdx
	leaq	8(%rbp), %rdi
	call	host_returned		/* general registers only */
	popq	%rdx
	popq	%rax
	popq	%rbp
	ret
	.cfi_endproc
	.size	host_trap_return, . - host_trap_return

/* void host_enter(void *top, void (*fn)(void *arg), void *arg) */
	.globl	host_enter
	.type	host_enter, @function
host_enter:
	.cfi_startproc
	.cfi_undefined rip
	movq	%rdi, %rsp
	xorl	%ebp, %ebp
	movq	%rdx, %rdi
	pushq	$0
	jmp	*%rsi
	.cfi_endproc
	.size	host_enter, . - host_enter

/* Where the process begins, in place of the C library's _start: main is the application's. */
	.globl	host_start
	.type	host_start, @function
host_start:
	.cfi_startproc
	.cfi_undefined rip
	xorl	%ebp, %ebp
	movq	%rdx, %r9		/* what to call at the end */
	popq	%rsi			/* argc */
	movq	%rsp, %rdx		/* argv */
	andq	$-16, %rsp
	pushq	%rax
	pushq	%rsp
	movl	$no_constructors, %ecx	/* libc_init runs them */
	xorl	%r8d, %r8d
	movl	$host_main, %edi
	call	__libc_start_main
	hlt
no_constructors:
	ret
	.cfi_endproc
	.size	host_start, . - host_start

	.section .note.GNU-stack, "", @progbits

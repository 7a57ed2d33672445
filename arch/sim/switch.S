/*
 * Leaving a coroutine and continuing another, leaving a core and continuing another, and the way
 * into the process.
 *
 * A context, of a coroutine or of a core that has stopped:
 *
 *	sp + 56   return address     \ a frame record
 *	sp + 48   rbp                /
 *	sp + 40   rbx r12 r13 r14 r15 ... sp + 8
 *	sp +  4   x87 control word (2 bytes)
 *	sp +  0   MXCSR (4 bytes)
 *
 * So stops who is interrupted, too: interrupts come at calls.
 */
#define MXCSR_RESET 0x1f80
#define X87CW_RESET 0x037f

	.text

.macro PUSH_CONTEXT
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	subq	$8, %rsp
	stmxcsr	(%rsp)
	fnstcw	4(%rsp)
.endm

/* Leaves prev in rax, taken from rdi: a new context returns into its entry function. */
.macro POP_CONTEXT
	ldmxcsr	(%rsp)
	fldcw	4(%rsp)
	movq	%rdi, %rax
	addq	$8, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
.endm

/* Counts a turn of the coroutine in rsi: see watch.c. */
.macro TURN
	movq	%rsi, %rax
	shrq	$6, %rax
	andl	$4095, %eax
	incq	sim_turns(, %rax, 8)
.endm

.macro FUNCTION name
	.balign	16
	.globl	\name
	.type	\name, @function
\name:
.endm

FUNCTION arch_start
FUNCTION arch_switch
	PUSH_CONTEXT
	TURN
	movq	%rsp, (%rdi)
	movq	%rsi, sim_current
	movq	(%rsi), %rsp
	POP_CONTEXT
	ret

/* void sim_switch(void **sp, void *next) */
FUNCTION sim_switch
	PUSH_CONTEXT
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	POP_CONTEXT
	ret

/* void *arch_call_on(void *stack, void *(*fn)(void *a, void *b), void *a, void *b) */
FUNCTION arch_call_on
	pushq	%rbp
	movq	%rsp, %rbp
	movq	%rdi, %rsp
	movq	%rsi, %rax
	movq	%rdx, %rdi
	movq	%rcx, %rsi
	call	*%rax
	movq	%rbp, %rsp
	popq	%rbp
	ret

/* void *arch_context_make(void *stack_top, void (*entry)(struct co *prev)) */
FUNCTION arch_context_make
	leaq	-72(%rdi), %rax
	pxor	%xmm0, %xmm0
	movq	$0, 64(%rax)
	movq	%rsi, 56(%rax)
	movups	%xmm0, 40(%rax)
	movups	%xmm0, 24(%rax)
	movups	%xmm0, 8(%rax)
	movl	$MXCSR_RESET, (%rax)
	movl	$X87CW_RESET, 4(%rax)
	ret

/* void sim_interrupt(void *stack) */
FUNCTION sim_interrupt
	PUSH_CONTEXT
	movq	%rsp, %rbx
	movq	%rsp, %rsi
	movq	%rdi, %rsp
	movq	%rsi, %rdi
	call	sim_interrupted
	movq	%rbx, %rsp
	POP_CONTEXT
	ret

/* struct co *arch_resume(struct co *prev, struct co *next, void *frame) */
FUNCTION arch_resume
	PUSH_CONTEXT
	TURN
	movq	%rsp, (%rdi)
	movq	%rsi, sim_current
	movq	128(%rdx), %rsp		/* in struct arch_regs */
	movq	%rdi, %rbx
	call	sim_unmask
	movq	%rbx, %rdi
	POP_CONTEXT
	ret

/* void arch_leave_interrupt(struct co *prev, struct co *next) */
FUNCTION arch_leave_interrupt
	movq	%rsi, sim_current
	movq	(%rsi), %rsp
	movq	%rdi, %rbx
	call	sim_unmask
	movq	%rbx, %rdi
	POP_CONTEXT
	ret

/* void sim_enter(void *top, void (*fn)(void *arg), void *arg) */
FUNCTION sim_enter
	movq	%rdi, %rsp
	xorl	%ebp, %ebp
	movq	%rdx, %rdi
	pushq	$0
	jmp	*%rsi

/* From here to sim_calls_end are all system calls that there are: see refused.c. */
FUNCTION sim_calls_begin

/* long sim_call(long number, long a, long b, long c, long d, long e, long f) */
FUNCTION sim_call
	movq	%rdi, %rax
	movq	%rsi, %rdi
	movq	%rdx, %rsi
	movq	%rcx, %rdx
	movq	%r8, %r10
	movq	%r9, %r8
	movq	8(%rsp), %r9
	syscall
	ret

/* On the interrupt stack, at a struct sim_trap, whose address is in rdi: see faults.c. */
FUNCTION sim_trapped
	movq	%rdi, %rbx
	call	sim_fault
	movq	%rbx, %rsp
	movl	$15, %eax		/* rt_sigreturn */
	syscall
	ud2

/* What a signal handler returns to. */
FUNCTION sim_sigreturn
	movl	$15, %eax
	syscall
	ud2
FUNCTION sim_calls_end

/* The first call of exit leaves word for leaks.c. */
FUNCTION __wrap_exit
	cmpq	$0, sim_exiter
	jne	__real_exit
	movq	%rsp, sim_exit_sp
	movq	%rbx, sim_exit_regs
	movq	%rbp, sim_exit_regs + 8
	movq	%r12, sim_exit_regs + 16
	movq	%r13, sim_exit_regs + 24
	movq	%r14, sim_exit_regs + 32
	movq	%r15, sim_exit_regs + 40
	movq	sim_current, %rax
	movq	%rax, sim_exiter
	jmp	__real_exit

FUNCTION _start
	xorl	%ebp, %ebp
	movq	%rsp, %rdi
	leaq	sim_boot_stack_end(%rip), %rsp
	call	sim_main
	ud2

	.section .note.GNU-stack, "", @progbits

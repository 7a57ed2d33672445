/*
 * The entries of interrupts and exceptions. The processor has changed to one of the core's stacks
 * (IST) and masked interrupts. What is on that stack when C is called, from the top:
 *
 *	+184  ss       \
 *	+176  rsp      |
 *	+168  rflags   | pushed by the processor
 *	+160  cs       |
 *	+152  rip      /
 *	+144  error      pushed by the processor for some exceptions, else 0
 *	+136  vector
 *	+128  rax rcx rdx rbx rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15 ... +16
 *	 +16  = struct arch_regs
 *	  +8  rip      \ a frame record for the interrupted function, so that a walk along the
 *	  +0  rbp      / frame pointers gets from the handler to what it interrupted
 */
#include "layout.h"

	.cfi_sections .debug_frame
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

/* From the stubs: vector and error are pushed. Calls \handler(regs), and returns. */
.macro ENTRY name, handler
	.balign	16
	.type	\name, @function
\name:
	.cfi_startproc simple
	.cfi_signal_frame
	.cfi_def_cfa rsp, 56
	.cfi_offset rip, -40
	.cfi_offset rsp, -16
	PUSH_REGISTER rax
	PUSH_REGISTER rcx
	PUSH_REGISTER rdx
	PUSH_REGISTER rbx
	PUSH_REGISTER rbp
	PUSH_REGISTER rsi
	PUSH_REGISTER rdi
	PUSH_REGISTER r8
	PUSH_REGISTER r9
	PUSH_REGISTER r10
	PUSH_REGISTER r11
	PUSH_REGISTER r12
	PUSH_REGISTER r13
	PUSH_REGISTER r14
	PUSH_REGISTER r15
	movq	%rsp, %rdi
	pushq	REGS_RIP(%rsp)
	.cfi_adjust_cfa_offset 8
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	movq	%rsp, %rbp
	cld
	call	\handler
	addq	$16, %rsp
	.cfi_adjust_cfa_offset -16
	POP_REGISTER r15
	POP_REGISTER r14
	POP_REGISTER r13
	POP_REGISTER r12
	POP_REGISTER r11
	POP_REGISTER r10
	POP_REGISTER r9
	POP_REGISTER r8
	POP_REGISTER rdi
	POP_REGISTER rsi
	POP_REGISTER rbp
	POP_REGISTER rbx
	POP_REGISTER rdx
	POP_REGISTER rcx
	POP_REGISTER rax
	addq	$16, %rsp
	.cfi_adjust_cfa_offset -16
	iretq
	.cfi_endproc
	.size	\name, . - \name
.endm

	ENTRY	interrupt_entry, trap_interrupt
	ENTRY	exception_entry, trap_exception

/* One stub a vector, 16 bytes each. Exceptions 8, 10 to 14, 17, 21, 29 and 30 push an error code
 * (SDM 6.15). */
	.balign	16
	.globl	x86_stubs
x86_stubs:
	.set	vector, 0
	.rept	256
	.balign	16
	.if	vector != 8 && (vector < 10 || vector > 14) && vector != 17 && vector != 21 && \
		vector != 29 && vector != 30
	pushq	$0
	.endif
	.if	vector < 128
	pushq	$vector
	.else
	.byte	0x68			/* push imm32: the assembler's choice would vary */
	.long	vector
	.endif
	.if	vector < 32
	jmp	exception_entry
	.else
	jmp	interrupt_entry
	.endif
	.set	vector, vector + 1
	.endr

	.section .note.GNU-stack, "", @progbits

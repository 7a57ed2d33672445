/*
 * Where another core starts: in real mode at TRAMPOLINE:0, by a start-up interrupt (SDM 8.4.4.2).
 * cores.c copies this page there, with the parameters at its end filled in, and makes it executable
 * while a core starts. It goes from real mode to 64-bit mode in one step, into the final tables. A core for
 * which the page is not meant, since it comes so late that nobody waits for it, stays in real mode and halts.
 */
#include "layout.h"

#define HERE(symbol) (TRAMPOLINE + (symbol) - trampoline_start)

	.section .rodata
	.balign	16
	.globl	trampoline_start, trampoline_end
	.globl	trampoline_id, trampoline_root, trampoline_stack, trampoline_core
	.code16
trampoline_start:
	cli
	cld
	movw	%cs, %ax
	movw	%ax, %ds
	movl	$1, %eax
	cpuid
	shrl	$24, %ebx			/* bits 0 to 7 of the APIC id */
	cmpl	%ebx, trampoline_id - trampoline_start
	je	3f
2:	hlt
	jmp	2b
3:	lgdtl	gdtr - trampoline_start
	movl	$(CR4_PAE | CR4_PGE), %eax
	movl	%eax, %cr4
	movl	trampoline_root - trampoline_start, %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$(EFER_LME | EFER_NXE), %eax
	wrmsr
	movl	$CR0_VALUE, %eax
	movl	%eax, %cr0
	ljmpl	$SEL_CODE, $HERE(1f)

	.code64
1:	movl	$SEL_DATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	movq	trampoline_stack(%rip), %rsp
	movq	trampoline_core(%rip), %rdi
	xorl	%ebp, %ebp
	pushq	$0				/* nobody called ap_start */
	movl	$ap_start, %eax
	jmp	*%rax

	/* The descriptors are marked accessed already: the page is read-only while this runs. */
	.balign	8
gdt:
	.quad	0
	.quad	0x00af9b000000ffff		/* SEL_CODE */
	.quad	0x00cf93000000ffff		/* SEL_DATA */
gdtr:
	.short	gdtr - gdt - 1
	.long	HERE(gdt)
	.balign	8
trampoline_id:
	.quad	0
trampoline_root:
	.quad	0
trampoline_stack:
	.quad	0
trampoline_core:
	.quad	0
trampoline_end:

	.section .note.GNU-stack, "", @progbits

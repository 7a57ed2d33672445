/*
 * From the boot loader to C. Two loaders call here, both in 32-bit protected mode without paging:
 *
 *	PVH (QEMU's -kernel)   at pvh_start, which the note names; ebx = struct hvm_start_info
 *	multiboot2 (GRUB)      at _start, the ELF entry; eax = magic, ebx = boot information
 *
 * This enters 64-bit mode with page tables that map the first 4 GB one to one, everything writable
 * and executable, for as long as start.c needs to build the final ones.
 */
#include "layout.h"

#define MULTIBOOT2_HEADER_MAGIC 0xe85250d6
#define XEN_ELFNOTE_PHYS32_ENTRY 18
#define COM1 0x3f8
#define COM1_LSR (COM1 + 5)
#define LSR_THRE 0x20 /* the transmitter is empty */

	/* Multiboot2 specification 3.1.1. */
	.section .multiboot2, "a"
	.balign 8
header:
	.long	MULTIBOOT2_HEADER_MAGIC
	.long	0				/* architecture: i386 */
	.long	header_end - header
	.long	-(MULTIBOOT2_HEADER_MAGIC + 0 + (header_end - header))
	.short	6, 0				/* 3.1.9: modules page aligned, please */
	.long	8
	.short	0, 0				/* end */
	.long	8
header_end:

	.section .note.pvh, "a", @note
	.balign 4
	.long	4, 8, XEN_ELFNOTE_PHYS32_ENTRY
	.asciz	"Xen"
	.quad	pvh_start

	.bss
	.balign	4096
early_root:
	.skip	4096
early_pdpt:
	.skip	4096
early_pd:
	.skip	4 * 4096
	.globl	x86_boot_stack, x86_boot_stack_top
x86_boot_stack:
	.skip	16384
x86_boot_stack_top:

	.section .rodata
	.balign 8
boot_gdt:
	.quad	0
	.quad	0x00af9b000000ffff		/* SEL_CODE: 64 bit, executable, accessed */
	.quad	0x00cf93000000ffff		/* SEL_DATA: writable, accessed */
boot_gdtr:
	.short	. - boot_gdt - 1
	.long	boot_gdt
no_long_mode:
	.asciz	"Vole needs a 64-bit processor.\n"

	.text
	.code32
	.globl	_start, pvh_start
	.type	_start, @function
	.type	pvh_start, @function
_start:
	movl	$BOOT_MULTIBOOT2, %ebp
	jmp	1f
pvh_start:
	movl	$BOOT_PVH, %ebp
1:	cli
	cld

	/* No loader is trusted to have cleared this. */
	movl	$__bss_start, %edi
	movl	$__bss_end, %ecx
	subl	%edi, %ecx
	shrl	$2, %ecx
	xorl	%eax, %eax
	rep	stosl

	movl	$x86_boot_stack_top, %esp
	movl	%ebx, %esi
	movl	$0x80000000, %eax
	cpuid
	cmpl	$0x80000001, %eax
	jb	3f
	movl	$0x80000001, %eax
	cpuid
	btl	$29, %edx			/* long mode */
	jnc	3f

	/* 4 GB in pages of 2 MB: present, writable, large. */
	movl	$early_pd, %edi
	movl	$0x83, %eax
2:	movl	%eax, (%edi)
	addl	$8, %edi
	addl	$0x200000, %eax
	jnc	2b
	movl	$(early_pdpt + 3), early_root
	movl	$(early_pd + 3), early_pdpt
	movl	$(early_pd + 4096 + 3), early_pdpt + 8
	movl	$(early_pd + 2 * 4096 + 3), early_pdpt + 16
	movl	$(early_pd + 3 * 4096 + 3), early_pdpt + 24

	/* 9.8.5, "Initializing IA-32e Mode". */
	movl	$(CR4_PAE | CR4_PGE), %eax
	movl	%eax, %cr4
	movl	$early_root, %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$(EFER_LME | EFER_NXE), %eax
	wrmsr
	movl	$CR0_VALUE, %eax
	movl	%eax, %cr0
	lgdt	boot_gdtr
	ljmp	$SEL_CODE, $start64

3:	movl	$no_long_mode, %esi
4:	movl	$COM1_LSR, %edx
	inb	%dx, %al
	testb	$LSR_THRE, %al
	jz	4b
	movl	$COM1, %edx
	lodsb
	testb	%al, %al
	jz	5f
	outb	%al, %dx
	jmp	4b
5:	movb	$134, %al			/* as arch_power_off */
	outb	%al, $0xe9
	andb	$0x7f, %al
	movzbl	%al, %eax
	outl	%eax, $0xf4
6:	hlt
	jmp	6b
	.size	pvh_start, . - pvh_start

	.code64
	.cfi_sections .debug_frame
	.type	start64, @function
start64:
	.cfi_startproc
	.cfi_undefined rip			/* nobody called */
	movl	$SEL_DATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	movl	%ebp, %edi			/* BOOT_ */
	movl	%esi, %esi			/* its information */
	movl	$x86_boot_stack_top, %esp
	xorl	%ebp, %ebp			/* the end of every frame chain */
	call	start_x86
	ud2
	.cfi_endproc
	.size	start64, . - start64

	.section .note.GNU-stack, "", @progbits

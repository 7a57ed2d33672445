/*
 * From the first instruction to C, for the boot core and the others.
 *
 * The image is entered at its first byte, as a raw Image (x0: the device tree) or as ELF (x0: 0),
 * with the MMU off, at EL1 or EL2, non-secure. What runs before the MMU is on touches no memory
 * but through the page-table walker, so no cache maintenance is needed: the loader has cleaned the
 * image to memory, and everything after is written with the caches on.
 */
#include "arch/arm64/asm.h"

	.cfi_sections .debug_frame

	/* The header of a raw Image (Linux, Documentation/arm64/booting.rst). */
	.section .head, "ax", %progbits
	.global _start
	.type _start, %function
_start:
	b	boot_entry
	.long	0
	.quad	0x200000                /* text_offset: from the start of memory */
	.quad	__image_size            /* with .bss */
	.quad	0x2                     /* flags: little endian, 4 KB pages */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0
	.size	_start, . - _start

func boot_entry
	.cfi_undefined x30
	msr	daifset, #0xf
	mov	x19, x0
	/* Linked to one address: anywhere else nothing works. */
	adr	x0, _start
	ldr	x1, =__image_start
	cmp	x0, x1
	adr	x0, wrong_address
	b.ne	boot_end

	bl	to_el1
	adrp	x0, early_l0
	ldr	x1, =SCTLR_EARLY
	bl	mmu_change

	adrp	x0, __bss_start         /* both are page aligned */
	adrp	x1, __bss_end
1:	cmp	x0, x1
	b.hs	2f
	stp	xzr, xzr, [x0], #16
	stp	xzr, xzr, [x0], #16
	stp	xzr, xzr, [x0], #16
	stp	xzr, xzr, [x0], #16
	b	1b
2:
	/* Until the interrupt stack is mapped, the emergency stack is good enough to die on. */
	ldr	x0, =emergency_stack_top
	ldr	x1, =boot_stack_top
	bl	cpu_setup
	mov	x0, x19
	mov	x29, xzr
	mov	x30, xzr
	b	arm64_start
endfunc boot_entry

/* Another core, by PSCI CPU_ON. x0: its struct arm64_core. */
func secondary_entry
	.cfi_undefined x30
	msr	daifset, #0xf
	mov	x19, x0
	bl	to_el1
	adrp	x0, final_l0
	ldr	x1, =SCTLR_FINAL
	bl	mmu_change
	ldp	x20, x1, [x19]          /* core, stack_top */
	ldr	x0, [x19, #16]          /* irq_stack_top */
	bl	cpu_setup
	mov	x0, x20
	mov	x29, xzr
	mov	x30, xzr
	b	secondary_start
endfunc secondary_entry

/* x0: top of the interrupt stack, x1: of the stack. Returns at SPSel = 0. */
func cpu_setup
	msr	spsel, #1
	mov	sp, x0
	msr	spsel, #0
	mov	sp, x1
	ldr	x2, =vectors
	msr	vbar_el1, x2
	mov	x2, #(3 << 20)          /* CPACR_EL1.FPEN; ZEN, SMEN: trapped, nobody uses SVE */
	msr	cpacr_el1, x2
	msr	tpidr_el1, xzr          /* no current coroutine yet */
	msr	mdscr_el1, xzr
	isb
	msr	fpcr, xzr
	msr	fpsr, xzr
	msr	daifclr, #4             /* SErrors */
	ret
endfunc cpu_setup

/* To EL1 with the MMU off, from EL1 or EL2. Uses x0 to x2. */
func to_el1
	mrs	x0, CurrentEL
	cmp	x0, #(2 << 2)
	ldr	x0, =SCTLR_OFF
	b.eq	1f
	b.hi	2f
	msr	sctlr_el1, x0
	isb
	ret

1:	msr	sctlr_el1, x0
	mov	x0, #(1 << 31)          /* HCR_EL2.RW: EL1 is AArch64; nothing else is trapped */
	msr	hcr_el2, x0
	isb
	mov	x0, #3                  /* CNTHCTL_EL2.EL1PCTEN, EL1PCEN */
	msr	cnthctl_el2, x0
	msr	cntvoff_el2, xzr
	mov	x0, #0x33ff             /* CPTR_EL2: its RES1 bits, floating point not trapped */
	msr	cptr_el2, x0
	msr	hstr_el2, xzr
	msr	vttbr_el2, xzr
	mrs	x0, midr_el1
	msr	vpidr_el2, x0
	mrs	x0, mpidr_el1
	msr	vmpidr_el2, x0
	mrs	x0, id_aa64pfr0_el1     /* GIC: its system registers exist */
	ubfx	x0, x0, #24, #4
	cbz	x0, 3f
	mrs	x0, S3_4_C12_C9_5       /* ICC_SRE_EL2 */
	mov	x1, #9                  /* SRE, Enable (from EL1) */
	orr	x0, x0, x1
	msr	S3_4_C12_C9_5, x0
	isb
	msr	S3_4_C12_C11_0, xzr     /* ICH_HCR_EL2 */
3:	mov	x0, #0x3c5              /* SPSR_EL2: EL1h, DAIF masked */
	msr	spsr_el2, x0
	msr	elr_el2, x30
	eret

2:	adr	x0, wrong_level         /* EL3: no firmware, so no PSCI either */
	b	boot_end
endfunc to_el1

/* x0: why. There is no console yet, but maybe a debugger. */
func boot_end
	bl	semihosting_write
	mov	w0, #134
	b	arch_power_off
endfunc boot_end

wrong_address:
	.asciz	"vole: cannot boot: loaded at the wrong address\n"
wrong_level:
	.asciz	"vole: cannot boot: entered at EL3, but EL1 or EL2 is needed\n"

/*
 * void mmu_change(uintptr_t ttbr0, uint64_t sctlr): x0, x1. Off in between, since two sets of
 * tables with different block sizes must never be in the TLB together (break before make). No
 * memory is accessed.
 */
func mmu_change
	ldr	x2, =SCTLR_OFF
	dsb	ish
	msr	sctlr_el1, x2
	isb
	ldr	x2, =MAIR_VALUE
	msr	mair_el1, x2
	ldr	x2, =TCR_BASE
	mrs	x3, id_aa64mmfr0_el1
	and	x3, x3, #0xf            /* PARange, in the coding of IPS */
	cmp	x3, #5                  /* 48 bits: more needs another page size */
	mov	x4, #5
	csel	x3, x3, x4, lo
	orr	x2, x2, x3, lsl #32
	msr	tcr_el1, x2
	msr	ttbr0_el1, x0
	isb
	tlbi	vmalle1
	ic	iallu
	dsb	nsh
	isb
	msr	sctlr_el1, x1
	isb
	ret
endfunc mmu_change

/* void set_irq_stack(uintptr_t top) */
func set_irq_stack
	msr	spsel, #1
	mov	sp, x0
	msr	spsel, #0
	ret
endfunc set_irq_stack

/* The tables to begin with: the first gigabyte is devices, the second memory, with the image. */
	.section .data.early_tables, "aw", %progbits
	.balign	4096
	.global	early_l0, early_l1
early_l0:
	.quad	early_l1 + PTE_TABLE
	.fill	511, 8, 0
early_l1:
	.quad	0x00000000 + (PTE_BLOCK | PTE_DEVICE | PTE_AF | PTE_UXN | PTE_PXN)
	.quad	0x40000000 + (PTE_BLOCK | PTE_SH_IS | PTE_AF)
	.fill	510, 8, 0

	.section .bss.stacks, "aw", %nobits
	.balign	IRQ_STACK_SIZE
	.global	boot_stack, boot_stack_top, emergency_stack_top
	.type	boot_stack, %object
boot_stack:
	.skip	BOOT_STACK_SIZE
boot_stack_top:
	.size	boot_stack, . - boot_stack
	.skip	IRQ_STACK_SIZE
emergency_stack_top:

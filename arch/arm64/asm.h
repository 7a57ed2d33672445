/*
 * What assembly and C must agree on: register layouts, and system register values by the names of
 * the Arm Architecture Reference Manual (DDI 0487). Included by .S files and by arm64.h, where
 * static assertions tie the offsets to the structs.
 *
 * struct arch_regs, at the bottom of what an exception pushes on the interrupt stack, and at the
 * start of the frame of a preempted coroutine:
 *
 *     0  x0 ... x30      31 registers
 *   248  sp              SP_EL0 of the interrupted code
 *   256  pc              ELR_EL1
 *   264  pstate          SPSR_EL1
 *   272  esr, far        0 for an interrupt
 *   288  end
 */
#ifndef ARM64_ASM_H
#define ARM64_ASM_H

#define REGS_X(n)   ((n)*8)
#define REGS_SP     248
#define REGS_PC     256
#define REGS_PSTATE 264
#define REGS_ESR    272
#define REGS_FAR    280
#define REGS_SIZE   288

/* On the interrupt stack the registers are followed by a frame record {x29, pc}, so that walking
 * frame pointers leads from the handler into the interrupted code. */
#define TRAP_RECORD 288
#define TRAP_SIZE   304

/* The frame of a preempted coroutine: the registers, then floating point. */
#define FRAME_V    288 /* v0 ... v31, 16 bytes each */
#define FRAME_FPCR 800
#define FRAME_FPSR 808
#define FRAME_SIZE 832

/*
 * A context: what arch_switch leaves at the sp of a coroutine that stopped.
 *
 *     0  x29, x30        a frame record: x30 is where it goes on
 *    16  x19 ... x28
 *    96  d8 ... d15
 *   160  fpcr, nothing
 *   176  end: sp when arch_switch returns
 */
#define CONTEXT_X19  16
#define CONTEXT_D8   96
#define CONTEXT_FPCR 160
#define CONTEXT_SIZE 176

/* Each core's interrupt stack fills the upper half of its slot; the lower half is not mapped. Its
 * size is its alignment, so that its top follows from any sp in it. */
#define IRQ_STACK_SIZE 0x4000
#define IRQ_STACK_SLOT 0x100000 /* but for the stack at its end all guard */

#define BOOT_STACK_SIZE 0x8000

/* SCTLR_EL1: its RES1 bits (LSMAOE, nTLSMD, SPAN, EIS, TSCXT, EOS), then what is switched on. */
#define SCTLR_RES1  0x30d00800
#define SCTLR_M     0x00000001 /* MMU */
#define SCTLR_C     0x00000004 /* data cache */
#define SCTLR_SA    0x00000008 /* stack alignment check */
#define SCTLR_I     0x00001000 /* instruction cache */
#define SCTLR_WXN   0x00080000 /* writable memory is never executable */
#define SCTLR_OFF   SCTLR_RES1
#define SCTLR_EARLY (SCTLR_RES1 | SCTLR_M | SCTLR_C | SCTLR_SA | SCTLR_I)
#define SCTLR_FINAL (SCTLR_EARLY | SCTLR_WXN)

/* MAIR_EL1: attribute 0 is normal write-back memory, attribute 1 device nGnRE. */
#define MAIR_VALUE 0x04ff

/* TCR_EL1: 48 bits through TTBR0 in 4 KB granules, walks cacheable and inner shareable, nothing
 * through TTBR1; IPS is added from ID_AA64MMFR0_EL1.PARange. */
#define TCR_T0SZ     16
#define TCR_IRGN0_WB (1 << 8)
#define TCR_ORGN0_WB (1 << 10)
#define TCR_SH0_IS   (3 << 12)
#define TCR_T1SZ     (16 << 16)
#define TCR_EPD1     (1 << 23)
#define TCR_TG1_4K   (2 << 30)
#define TCR_BASE \
	(TCR_T0SZ | TCR_IRGN0_WB | TCR_ORGN0_WB | TCR_SH0_IS | TCR_T1SZ | TCR_EPD1 | TCR_TG1_4K)

/* Descriptors of the translation tables (DDI 0487, D8.3). */
#define PTE_VALID  0x1
#define PTE_TABLE  0x3 /* levels 0 to 2 */
#define PTE_BLOCK  0x1 /* levels 1 and 2 */
#define PTE_PAGE   0x3 /* level 3 */
#define PTE_DEVICE 0x4 /* AttrIndx 1 */
#define PTE_RO     0x80
#define PTE_SH_IS  0x300
#define PTE_AF     0x400
#define PTE_PXN    (1 << 53)
#define PTE_UXN    (1 << 54)

/* PSCI (DEN 0022) function identifiers. */
#define PSCI_SYSTEM_OFF 0x84000008
#define PSCI_CPU_ON_64  0xc4000003

#define PSCI_NONE 0
#define PSCI_HVC  1
#define PSCI_SMC  2

#ifdef __ASSEMBLER__
/* clang-format off */

	.macro func name
	.section .text.\name, "ax", %progbits
	.balign 16
	.global \name
	.type \name, %function
\name:
	.cfi_startproc
	.endm

	.macro endfunc name
	.cfi_endproc
	.size \name, . - \name
	.endm

	/* v0 ... v31 to (stp) or from (ldp) \base + \offset on. */
	.macro v_registers op, base, offset
	\op	q0, q1, [\base, #(\offset + 0)]
	\op	q2, q3, [\base, #(\offset + 32)]
	\op	q4, q5, [\base, #(\offset + 64)]
	\op	q6, q7, [\base, #(\offset + 96)]
	\op	q8, q9, [\base, #(\offset + 128)]
	\op	q10, q11, [\base, #(\offset + 160)]
	\op	q12, q13, [\base, #(\offset + 192)]
	\op	q14, q15, [\base, #(\offset + 224)]
	\op	q16, q17, [\base, #(\offset + 256)]
	\op	q18, q19, [\base, #(\offset + 288)]
	\op	q20, q21, [\base, #(\offset + 320)]
	\op	q22, q23, [\base, #(\offset + 352)]
	\op	q24, q25, [\base, #(\offset + 384)]
	\op	q26, q27, [\base, #(\offset + 416)]
	\op	q28, q29, [\base, #(\offset + 448)]
	\op	q30, q31, [\base, #(\offset + 480)]
	.endm

/* clang-format on */
#endif
#endif

/* Numbers that the assembly and the C of this port share. */
#ifndef X86_LAYOUT_H
#define X86_LAYOUT_H

/* Selectors in every core's GDT. */
#define SEL_CODE 0x08
#define SEL_DATA 0x10
#define SEL_TSS  0x18

/* The page where other cores start in real mode: below 1 MB, so not in the memory map. */
#define TRAMPOLINE 0x8000

/* Control bits (2.5). */
#define CR0_PE         (1 << 0)
#define CR0_MP         (1 << 1)
#define CR0_ET         (1 << 4)
#define CR0_NE         (1 << 5)
#define CR0_WP         (1 << 16)
#define CR0_PG         (1 << 31)
#define CR4_PAE        (1 << 5)
#define CR4_PGE        (1 << 7)
#define CR4_OSFXSR     (1 << 9)
#define CR4_OSXMMEXCPT (1 << 10)
#define CR4_OSXSAVE    (1 << 18)

/* CR0 as every core has it: x87 errors by exception, no lazy floating point, read-only is so. */
#define CR0_VALUE (CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG)

#define MSR_EFER 0xc0000080
#define EFER_LME (1 << 8)
#define EFER_NXE (1 << 11)

/* How the boot loader called: what start_x86 gets. */
#define BOOT_PVH        1
#define BOOT_MULTIBOOT2 2

/* struct arch_regs: bytes up to rip, and the whole. */
#define REGS_RIP  136
#define REGS_SIZE 176

/* A frame: the registers, then the floating-point state, which must be aligned to 64. */
#define FRAME_FPU 192

/* The reset values of MXCSR and of the x87 control word: every exception masked, 64-bit mantissa. */
#define MXCSR_RESET 0x1f80
#define X87CW_RESET 0x037f

#endif

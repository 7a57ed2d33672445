/*
 * Exceptions and interrupts. Coroutines run on SP_EL0; an exception switches to SP_EL1, the core's
 * interrupt stack, which is then at its top. Pushed there (asm.h): struct arch_regs, and above it
 * a frame record that leads into the interrupted code.
 *
 * An exception that comes while sp already is SP_EL1 is a fault of the kernel in a handler, or the
 * end of the interrupt stack. It goes on with a stack that is there for it alone, once; the next
 * such ends the machine at once.
 */
#include "arch/arm64/asm.h"

	.cfi_sections .debug_frame

	/* What the handler of a trap looks like to a debugger: sp is the base of struct arch_regs. The
	 * return address has a column of its own, that of the pc, so x30 is the interrupted code's. */
	.macro cfi_trap
	.cfi_signal_frame
	.cfi_return_column 32
	.cfi_def_cfa sp, TRAP_SIZE
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19
	.cfi_offset \n, REGS_X(\n) - TRAP_SIZE
	.endr
	.irp n, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
	.cfi_offset \n, REGS_X(\n) - TRAP_SIZE
	.endr
	.cfi_offset x30, REGS_X(30) - TRAP_SIZE
	.cfi_offset 32, REGS_PC - TRAP_SIZE
	.cfi_offset sp, REGS_SP - TRAP_SIZE
	.endm

	.macro push_x2_to_x29 base
	stp	x2, x3, [\base, #REGS_X(2)]
	stp	x4, x5, [\base, #REGS_X(4)]
	stp	x6, x7, [\base, #REGS_X(6)]
	stp	x8, x9, [\base, #REGS_X(8)]
	stp	x10, x11, [\base, #REGS_X(10)]
	stp	x12, x13, [\base, #REGS_X(12)]
	stp	x14, x15, [\base, #REGS_X(14)]
	stp	x16, x17, [\base, #REGS_X(16)]
	stp	x18, x19, [\base, #REGS_X(18)]
	stp	x20, x21, [\base, #REGS_X(20)]
	stp	x22, x23, [\base, #REGS_X(22)]
	stp	x24, x25, [\base, #REGS_X(24)]
	stp	x26, x27, [\base, #REGS_X(26)]
	stp	x28, x29, [\base, #REGS_X(28)]
	.endm

	/* x22 is the interrupted pc afterwards. */
	.macro push_trap
	sub	sp, sp, #TRAP_SIZE
	stp	x0, x1, [sp]
	push_x2_to_x29 sp
	mrs	x21, sp_el0
	mrs	x22, elr_el1
	mrs	x23, spsr_el1
	stp	x30, x21, [sp, #REGS_X(30)]
	stp	x22, x23, [sp, #REGS_PC]
	stp	x29, x22, [sp, #TRAP_RECORD]
	add	x29, sp, #TRAP_RECORD
	.endm

	.section .text.vectors, "ax", %progbits
	.balign	0x800
	.global	vectors
	.type	vectors, %function
vectors:
	.macro vector target
	.balign	0x80
	b	\target
	.endm
	/* Current EL with SP_EL0: synchronous, IRQ, FIQ, SError. */
	vector	trap_sync_entry
	vector	trap_irq_entry
	vector	trap_other_entry
	vector	trap_other_entry
	/* Current EL with SP_ELx. */
	vector	trap_nested_entry
	vector	trap_nested_entry
	vector	trap_nested_entry
	vector	trap_nested_entry
	/* Lower EL: nothing runs there. */
	.rept	8
	vector	trap_other_entry
	.endr
	.size	vectors, . - vectors

func trap_sync_entry
	cfi_trap
	push_trap
	mrs	x24, esr_el1
	mrs	x25, far_el1
	stp	x24, x25, [sp, #REGS_ESR]
	mov	x0, sp
	bl	trap_sync
	b	trap_return
endfunc trap_sync_entry

/* FIQs are masked, so this is an SError, or worse. */
func trap_other_entry
	cfi_trap
	push_trap
	mrs	x24, esr_el1
	stp	x24, xzr, [sp, #REGS_ESR]
	mov	x0, sp
	bl	trap_other
	b	trap_return
endfunc trap_other_entry

func trap_irq_entry
	cfi_trap
	push_trap
	stp	xzr, xzr, [sp, #REGS_ESR]
	bl	trap_irq
	cbnz	x0, trap_preempt
	b	trap_return
endfunc trap_irq_entry

func trap_return
	cfi_trap
	ldp	x21, x22, [sp, #REGS_SP]
	ldr	x23, [sp, #REGS_PSTATE]
	msr	sp_el0, x21
	msr	elr_el1, x22
	msr	spsr_el1, x23
	ldp	x0, x1, [sp, #REGS_X(0)]
	ldp	x2, x3, [sp, #REGS_X(2)]
	ldp	x4, x5, [sp, #REGS_X(4)]
	ldp	x6, x7, [sp, #REGS_X(6)]
	ldp	x8, x9, [sp, #REGS_X(8)]
	ldp	x10, x11, [sp, #REGS_X(10)]
	ldp	x12, x13, [sp, #REGS_X(12)]
	ldp	x14, x15, [sp, #REGS_X(14)]
	ldp	x16, x17, [sp, #REGS_X(16)]
	ldp	x18, x19, [sp, #REGS_X(18)]
	ldp	x20, x21, [sp, #REGS_X(20)]
	ldp	x22, x23, [sp, #REGS_X(22)]
	ldp	x24, x25, [sp, #REGS_X(24)]
	ldp	x26, x27, [sp, #REGS_X(26)]
	ldp	x28, x29, [sp, #REGS_X(28)]
	ldr	x30, [sp, #REGS_X(30)]
	add	sp, sp, #TRAP_SIZE
	eret
endfunc trap_return

/* The coroutine is preempted. x0: the frame, which gets everything. The trap stays where it is on
 * the interrupt stack, so that a backtrace still leads through it. */
func trap_preempt
	cfi_trap
	v_registers stp, x0, FRAME_V
	mrs	x2, fpcr
	mrs	x3, fpsr
	str	x2, [x0, #FRAME_FPCR]
	str	x3, [x0, #FRAME_FPSR]
#ifdef PLANT_VECTOR_REGISTER
	str	xzr, [x0, #FRAME_V + 16 * 17]   /* the fault: v17 is not saved */
#endif
	mov	x4, sp
	mov	x5, x0
	.rept	REGS_SIZE / 32
	ldp	x6, x7, [x4], #16
	ldp	x8, x9, [x4], #16
	stp	x6, x7, [x5], #16
	stp	x8, x9, [x5], #16
	.endr
	bl	sched_preempted
	brk	#0                      /* it does not return */
endfunc trap_preempt

/*
 * sp is SP_EL1 and not to be trusted. With two scratch registers (in system registers that nobody
 * uses) the emergency stack is claimed; its bottom is struct arch_regs again.
 */
func trap_nested_entry
	cfi_trap
	msr	tpidrro_el0, x0
	msr	tpidr_el0, x1
	ldr	x0, =emergency_free
1:	ldaxr	w1, [x0]
	cbz	w1, 3f
	stlxr	w1, wzr, [x0]
	cbnz	w1, 1b
	ldr	x0, =emergency_stack_top - TRAP_SIZE
	push_x2_to_x29 x0
	mov	x21, sp
	mov	sp, x0
	mrs	x2, tpidrro_el0
	mrs	x3, tpidr_el0
	stp	x2, x3, [sp]
	mrs	x22, elr_el1
	mrs	x23, spsr_el1
	stp	x30, x21, [sp, #REGS_X(30)]
	stp	x22, x23, [sp, #REGS_PC]
	mrs	x24, esr_el1
	mrs	x25, far_el1
	stp	x24, x25, [sp, #REGS_ESR]
	stp	x29, x22, [sp, #TRAP_RECORD]
	add	x29, sp, #TRAP_RECORD
	ldr	x0, =emergency_owner
	mrs	x1, mpidr_el1
	str	x1, [x0]
	mov	x0, sp
	bl	trap_nested
	brk	#0
3:	/* Taken: by this core, which has failed again on it, or by another, which is about to end. */
	ldr	x0, =emergency_owner
	ldr	x0, [x0]
	mrs	x1, mpidr_el1
	cmp	x0, x1
	mov	w0, #134
	b.eq	arch_power_off
4:	wfi
	b	4b
endfunc trap_nested_entry

	.section .data.emergency, "aw", %progbits
	.balign	8
emergency_owner:
	.quad	-1
emergency_free:
	.long	1
	.long	0

/*
 * Calls to what is outside: firmware or hypervisor by PSCI, a debugger (or QEMU) by semihosting.
 */
#include "arch/arm64/asm.h"

	.cfi_sections .debug_frame

/* Semihosting operations: w0 the number, x1 the parameter. */
#define SYS_WRITE0 0x04
#define SYS_EXIT   0x18
#define ADP_STOPPED_APPLICATION_EXIT 0x20026

/*
 * _Noreturn void arch_power_off(int status). Uses no stack, so it works in any state of
 * the machine. Where nobody listens to semihosting, its HLT is an undefined instruction, and the
 * exception leads on to PSCI.
 */
func arch_power_off
	msr	daifset, #0xf
	adrp	x1, off_vectors
	add	x1, x1, #:lo12:off_vectors
	msr	vbar_el1, x1
	isb
	adrp	x1, exit_block
	add	x1, x1, #:lo12:exit_block
	uxtw	x0, w0
	str	x0, [x1, #8]
	mov	w0, #SYS_EXIT
	hlt	#0xf000
system_off:
	adrp	x1, stop_vectors        /* the last resort: no more exceptions */
	add	x1, x1, #:lo12:stop_vectors
	msr	vbar_el1, x1
	isb
	adrp	x1, psci_conduit
	ldr	w1, [x1, #:lo12:psci_conduit]
	ldr	w0, =PSCI_SYSTEM_OFF
	cmp	w1, #PSCI_HVC
	b.eq	1f
	cmp	w1, #PSCI_SMC
	b.ne	stop
	smc	#0
	b	stop
1:	hvc	#0
stop:
	wfi
	b	stop
endfunc arch_power_off

/* Where exceptions go while the machine is switched off. */
	.macro	vectors_to name, target
	.balign	0x800
	.type	\name, %function
\name:
	.rept	16
	.balign	0x80
	b	\target
	.endr
	.size	\name, . - \name
	.endm

	.section .text.arch_power_off, "ax", %progbits
	vectors_to off_vectors, system_off
	vectors_to stop_vectors, stop

	.section .data.exit_block, "aw", %progbits
	.balign	8
exit_block:
	.quad	ADP_STOPPED_APPLICATION_EXIT
	.quad	0

/* void semihosting_write(const char *text): x0. Only to be followed by arch_power_off, because the
 * exception where nobody listens leads there. */
func semihosting_write
	adrp	x1, off_vectors
	add	x1, x1, #:lo12:off_vectors
	msr	vbar_el1, x1
	isb
	mov	x1, x0
	mov	w0, #SYS_WRITE0
	hlt	#0xf000
	ret
endfunc semihosting_write

/* int64_t psci_call(uint64_t function, uint64_t a, uint64_t b, uint64_t c): x0 to x3 (SMC
 * calling convention, DEN 0028). NOT_SUPPORTED without a conduit. */
func psci_call
	adrp	x9, psci_conduit
	ldr	w9, [x9, #:lo12:psci_conduit]
	cmp	w9, #PSCI_HVC
	b.eq	1f
	cmp	w9, #PSCI_SMC
	b.eq	2f
	mov	x0, #-1
	ret
1:	hvc	#0
	ret
2:	smc	#0
	ret
endfunc psci_call

/*
 * Floating-point and vector registers. The kernel itself does not use them, so a switch keeps only
 * the two control registers; all of them are saved when a coroutine is interrupted and another
 * goes on, and around an application's interrupt handler.
 *
 * Which registers there are is what XCR0 enables (SDM 1, 13): x87, SSE, AVX and AVX-512 where they
 * exist; without XSAVE, what FXSAVE knows.
 */
#include "x86.h"

#include "kernel/core.h"

enum {
	XCR0_X87 = 1 << 0,
	XCR0_SSE = 1 << 1,
	XCR0_AVX = 1 << 2,
	XCR0_AVX512 = 7 << 5, /* its three parts, all or none */
};

enum { FXSAVE_SIZE = 512, XSAVE_HEADER_SIZE = 64 };
enum { CPUID_1_ECX_XSAVE = 1 << 26 };

uint64_t x86_xcr0;
static size_t area_size = FXSAVE_SIZE;

static void xcr0_write(uint64_t value)
{
	__asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

void fpu_enable(void)
{
	uint64_t cr4;

	__asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
	cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
	if (x86_xcr0)
		cr4 |= CR4_OSXSAVE;
	__asm__ volatile("movq %0, %%cr4" : : "r"(cr4));
	if (x86_xcr0)
		xcr0_write(x86_xcr0);

	uint32_t mxcsr = MXCSR_RESET;

	__asm__ volatile("fninit; ldmxcsr %0" : : "m"(mxcsr));
}

void fpu_init(void)
{
	if (cpuid(1, 0).ecx & CPUID_1_ECX_XSAVE) {
		uint64_t has = cpuid(0xd, 0).eax;

		x86_xcr0 = XCR0_X87 | XCR0_SSE;
		if (has & XCR0_AVX) {
			x86_xcr0 |= XCR0_AVX;
			if ((has & XCR0_AVX512) == XCR0_AVX512)
				x86_xcr0 |= XCR0_AVX512;
		}
	}
	fpu_enable();
	if (x86_xcr0)
		area_size = cpuid(0xd, 0).ebx; /* for what is enabled now */
	if (area_size > FPU_AREA_MAX) {
		x86_early_puts("vole: vector registers larger than this kernel knows\n");
		arch_power_off(134);
	}
	machine.frame_size = (FRAME_FPU + area_size + 63) & ~(size_t)63;
}

/* Afterwards the state is as a function may find it: no x87 registers in use (the interrupted code
 * may have been in the middle of a long double), upper halves clean. */
void fpu_save(void *area)
{
	if (x86_xcr0) {
		/* XSAVE leaves most of the header alone, and XRSTOR faults on what is not zero there. */
		uint64_t *header = (uint64_t *)((char *)area + FXSAVE_SIZE);

		for (int i = 0; i < XSAVE_HEADER_SIZE / 8; i++)
			header[i] = 0;
		__asm__ volatile("xsave64 %0"
				 : "+m"(*(char(*)[FPU_AREA_MAX])area)
				 : "a"((uint32_t)x86_xcr0), "d"(0)
				 : "memory");
		if (x86_xcr0 & XCR0_AVX)
			__asm__ volatile("vzeroupper");
	} else {
		__asm__ volatile("fxsave64 %0" : "=m"(*(char(*)[FXSAVE_SIZE])area) : : "memory");
	}
#ifdef PLANT_VECTOR_REGISTER
	enum { FXSAVE_XMM15 = 160 + 15 * 16 };
	((uint64_t *)area)[FXSAVE_XMM15 / 8] = 0;
#endif
	__asm__ volatile("fninit");
}

static void fpu_restore(void *area)
{
	if (x86_xcr0)
		__asm__ volatile("xrstor64 %0"
				 :
				 : "m"(*(char(*)[FPU_AREA_MAX])area), "a"((uint32_t)x86_xcr0),
				   "d"(0)
				 : "memory");
	else
		__asm__ volatile("fxrstor64 %0" : : "m"(*(char(*)[FXSAVE_SIZE])area) : "memory");
}

void arch_call_handler(void (*fn)(void *arg), void *arg)
{
	struct x86_core *x = x86_core_here();
	uint32_t mxcsr = MXCSR_RESET;

	fpu_save(x->fpu);
	__asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
	fn(arg);
	fpu_restore(x->fpu);
}

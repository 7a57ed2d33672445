/*
 * x86-64. Offsets in a block:
 *	  0	rax rbx rdx rsi rdi rbp r8 ... r15 (rcx counts)
 *	112	rflags		120	MXCSR	124	x87 control word
 *	128	8 x87 registers, 16 bytes each
 *	256	xmm0 ... xmm15, or ymm0 ... ymm15, 32 bytes each
 */
#ifdef __x86_64__

#include "../test.h"
#include "regs.h"

void regs_spin_asm(const struct regs_block *in, struct regs_block *out, uint64_t spins, long ymm);

asm(R"(
	.text
	.globl regs_spin_asm
	.type regs_spin_asm, @function
regs_spin_asm:
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	pushfq
	sub $16, %rsp
	stmxcsr (%rsp)
	fnstcw 8(%rsp)
	push %rsi
	push %rcx

	fninit
	fldcw 124(%rdi)
	ldmxcsr 120(%rdi)
	.irp i, 7, 6, 5, 4, 3, 2, 1, 0
	fldt 128 + 16 * \i(%rdi)
	.endr
	test %rcx, %rcx
	jz 1f
	.irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vmovdqu 256 + 32 * \i(%rdi), %ymm\i
	.endr
	jmp 2f
1:	.irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movdqu 256 + 32 * \i(%rdi), %xmm\i
	.endr
2:	mov %rdx, %rcx
	push 112(%rdi)
	popfq
	mov 0(%rdi), %rax
	mov 8(%rdi), %rbx
	mov 16(%rdi), %rdx
	mov 24(%rdi), %rsi
	mov 40(%rdi), %rbp
	.irp i, 8, 9, 10, 11, 12, 13, 14, 15
	mov 48 + 8 * (\i - 8)(%rdi), %r\i
	.endr
	mov 32(%rdi), %rdi

3:	loop 3b			/* changes no flag */

	pushfq
	push %rax
	mov 24(%rsp), %rax	/* out */
	mov %rbx, 8(%rax)
	mov %rdx, 16(%rax)
	mov %rsi, 24(%rax)
	mov %rdi, 32(%rax)
	mov %rbp, 40(%rax)
	.irp i, 8, 9, 10, 11, 12, 13, 14, 15
	mov %r\i, 48 + 8 * (\i - 8)(%rax)
	.endr
	pop 0(%rax)
	pop 112(%rax)
	cld
	stmxcsr 120(%rax)
	fnstcw 124(%rax)
	.irp i, 0, 1, 2, 3, 4, 5, 6, 7
	fstpt 128 + 16 * \i(%rax)
	.endr
	pop %rcx
	test %rcx, %rcx
	jz 4f
	.irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vmovdqu %ymm\i, 256 + 32 * \i(%rax)
	.endr
	vzeroupper
	jmp 5f
4:	.irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movdqu %xmm\i, 256 + 32 * \i(%rax)
	.endr
5:	pop %rsi
	ldmxcsr (%rsp)
	fninit
	fldcw 8(%rsp)
	add $16, %rsp
	popfq
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret
	.size regs_spin_asm, . - regs_spin_asm

	.globl regs_call
	.type regs_call, @function
regs_call:
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	sub $16, %rsp
	stmxcsr (%rsp)
	fnstcw 8(%rsp)
	push %rsi		/* 6 + 2 + 1 words and the return address: aligned to 16 */
	ldmxcsr 120(%rdi)
	fldcw 124(%rdi)
	mov 8(%rdi), %rbx
	mov 40(%rdi), %rbp
	.irp i, 12, 13, 14, 15
	mov 48 + 8 * (\i - 8)(%rdi), %r\i
	.endr
	call *%rdx
	pop %rax
	mov %rbx, 8(%rax)
	mov %rbp, 40(%rax)
	.irp i, 12, 13, 14, 15
	mov %r\i, 48 + 8 * (\i - 8)(%rax)
	.endr
	stmxcsr 120(%rax)
	fnstcw 124(%rax)
	ldmxcsr (%rsp)
	fldcw 8(%rsp)
	add $16, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret
	.size regs_call, . - regs_call
)");

static long have_ymm(void)
{
	uint32_t a, b, c, d;

	asm volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(1), "c"(0));
	if ((c & (1u << 27)) == 0 || (c & (1u << 28)) == 0) /* OSXSAVE, AVX */
		return 0;
	asm volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	return (a & 6) == 6; /* XCR0: SSE and AVX */
}

const char *regs_extra(void)
{
	return have_ymm() ? "ymm, x87, MXCSR, flags" : "xmm, x87, MXCSR, flags";
}

static void put(struct regs_block *block, int offset, uint64_t value)
{
	memcpy(&block->bytes[offset], &value, 8);
}

static uint64_t get(const struct regs_block *block, int offset)
{
	uint64_t value;
	memcpy(&value, &block->bytes[offset], 8);
	return value;
}

enum { FLAGS = 0xcd5 }; /* CF PF AF ZF SF DF OF */

void regs_fill(struct regs_block *block, uint32_t *random)
{
	for (int i = 0; i < 1024; i += 8)
		put(block, i, (uint64_t)test_random(random) << 32 | test_random(random));
	put(block, 112, (get(block, 112) & FLAGS) | 0x202);         /* IF, and bit 1 is always 1 */
	uint32_t mxcsr = 0x1f80 | (test_random(random) & 0xe040);   /* rounding, FTZ, DAZ */
	uint16_t control = 0x037f | (test_random(random) & 0x0c00); /* rounding */
	memcpy(&block->bytes[120], &mxcsr, 4);
	memcpy(&block->bytes[124], &control, 2);
	memset(&block->bytes[126], 0, 2);
	for (int i = 0; i < 8; i++) { /* normal numbers; 6 bytes are not stored */
		block->bytes[128 + 16 * i + 7] |= 0x80;
		uint16_t exponent = (uint16_t)(0x3f00 + test_random(random) % 256);
		memcpy(&block->bytes[128 + 16 * i + 8], &exponent, 2);
	}
}

void regs_spin(const struct regs_block *in, struct regs_block *out, uint64_t spins)
{
	regs_spin_asm(in, out, spins, have_ymm());
}

const char *regs_differ(const struct regs_block *a, const struct regs_block *b, int kept)
{
	static const char *const names[] = {"rax", "rbx", "rdx", "rsi", "rdi", "rbp", "r8",
					    "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
	int vector = have_ymm() ? 32 : 16;

	for (int i = 0; i < 14; i++)
		if ((!kept || i == 1 || i == 5 || i >= 10) && get(a, 8 * i) != get(b, 8 * i))
			return names[i];
	/* A call keeps the control bits, not the six flags that operations set (ABI 3.2.1). */
	uint32_t flags = kept ? 0x3f : 0;
	if (((get(a, 120) ^ get(b, 120)) & 0xffffffff & ~flags) != 0)
		return "mxcsr";
	if (memcmp(&a->bytes[124], &b->bytes[124], 2) != 0)
		return "x87 control word";
	if (kept)
		return NULL;
	if ((get(a, 112) & (FLAGS | 0x200)) != (get(b, 112) & (FLAGS | 0x200)))
		return "rflags";
	for (int i = 0; i < 8; i++)
		if (memcmp(&a->bytes[128 + 16 * i], &b->bytes[128 + 16 * i], 10) != 0)
			return "an x87 register";
	for (int i = 0; i < 16; i++)
		if (memcmp(&a->bytes[256 + 32 * i], &b->bytes[256 + 32 * i], vector) != 0)
			return "a vector register";
	return NULL;
}

void regs_kept(uint64_t kept[REGS_KEPT])
{
	asm volatile("movq %%rbx, (%0)\n\t"
		     "movq %%r12, 8(%0)\n\t"
		     "movq %%r13, 16(%0)\n\t"
		     "movq %%r14, 24(%0)\n\t"
		     "movq %%r15, 32(%0)" ::"r"(kept)
		     : "memory");
}

#endif

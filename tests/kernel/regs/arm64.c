/*
 * ARM64. Offsets in a block:
 *	  0	x0 ... x30 (x0 counts)
 *	248	NZCV	256	FPCR	264	FPSR
 *	272	v0 ... v31
 */
#ifdef __aarch64__

#include "../test.h"
#include "regs.h"

asm(R"(
	.text
	.globl regs_spin
	.type regs_spin, %function
regs_spin:
	stp x29, x30, [sp, #-208]!
	stp x19, x20, [sp, #16]
	stp x21, x22, [sp, #32]
	stp x23, x24, [sp, #48]
	stp x25, x26, [sp, #64]
	stp x27, x28, [sp, #80]
	stp d8, d9, [sp, #96]
	stp d10, d11, [sp, #112]
	stp d12, d13, [sp, #128]
	stp d14, d15, [sp, #144]
	mrs x3, fpcr
	mrs x4, fpsr
	stp x3, x4, [sp, #160]
	stp x1, x18, [sp, #176]

	mov x30, x0
	mov x0, x2
	ldr x3, [x30, #248]
	msr nzcv, x3
	ldp x3, x4, [x30, #256]
	msr fpcr, x3
	msr fpsr, x4
	.irp i, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
	ldr q\i, [x30, #272 + 16 * \i]
	.endr
	.irp i, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
	ldr q\i, [x30, #272 + 16 * \i]
	.endr
	.irp i, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	ldr x\i, [x30, #8 * \i]
	.endr
	.irp i, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
	ldr x\i, [x30, #8 * \i]
	.endr

1:	sub x0, x0, #1		// neither changes a flag
	cbnz x0, 1b

	ldr x0, [sp, #176]
	.irp i, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	str x\i, [x0, #8 * \i]
	.endr
	.irp i, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
	str x\i, [x0, #8 * \i]
	.endr
	mrs x3, nzcv
	str x3, [x0, #248]
	mrs x3, fpcr
	mrs x4, fpsr
	stp x3, x4, [x0, #256]
	.irp i, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
	str q\i, [x0, #272 + 16 * \i]
	.endr
	.irp i, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
	str q\i, [x0, #272 + 16 * \i]
	.endr

	ldr x18, [sp, #184]
	ldp x3, x4, [sp, #160]
	msr fpcr, x3
	msr fpsr, x4
	ldp d14, d15, [sp, #144]
	ldp d12, d13, [sp, #128]
	ldp d10, d11, [sp, #112]
	ldp d8, d9, [sp, #96]
	ldp x27, x28, [sp, #80]
	ldp x25, x26, [sp, #64]
	ldp x23, x24, [sp, #48]
	ldp x21, x22, [sp, #32]
	ldp x19, x20, [sp, #16]
	ldp x29, x30, [sp], #208
	ret
	.size regs_spin, . - regs_spin

	.globl regs_call
	.type regs_call, %function
regs_call:
	stp x29, x30, [sp, #-192]!
	stp x19, x20, [sp, #16]
	stp x21, x22, [sp, #32]
	stp x23, x24, [sp, #48]
	stp x25, x26, [sp, #64]
	stp x27, x28, [sp, #80]
	stp d8, d9, [sp, #96]
	stp d10, d11, [sp, #112]
	stp d12, d13, [sp, #128]
	stp d14, d15, [sp, #144]
	mrs x3, fpcr
	str x3, [sp, #160]
	str x1, [sp, #168]
	ldr x3, [x0, #256]
	msr fpcr, x3
	.irp i, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
	ldr x\i, [x0, #8 * \i]
	.endr
	.irp i, 8, 9, 10, 11, 12, 13, 14, 15
	ldr d\i, [x0, #272 + 16 * \i]
	.endr
	blr x2
	ldr x0, [sp, #168]
	.irp i, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
	str x\i, [x0, #8 * \i]
	.endr
	.irp i, 8, 9, 10, 11, 12, 13, 14, 15
	str d\i, [x0, #272 + 16 * \i]
	.endr
	mrs x3, fpcr
	str x3, [x0, #256]
	ldr x3, [sp, #160]
	msr fpcr, x3
	ldp d14, d15, [sp, #144]
	ldp d12, d13, [sp, #128]
	ldp d10, d11, [sp, #112]
	ldp d8, d9, [sp, #96]
	ldp x27, x28, [sp, #80]
	ldp x25, x26, [sp, #64]
	ldp x23, x24, [sp, #48]
	ldp x21, x22, [sp, #32]
	ldp x19, x20, [sp, #16]
	ldp x29, x30, [sp], #192
	ret
	.size regs_call, . - regs_call
)");

const char *regs_extra(void)
{
	return "v0 to v31, FPCR, FPSR, NZCV";
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

void regs_fill(struct regs_block *block, uint32_t *random)
{
	for (int i = 0; i < 1024; i += 8)
		put(block, i, (uint64_t)test_random(random) << 32 | test_random(random));
	put(block, 248, get(block, 248) & 0xf0000000);
	put(block, 256, get(block, 256) & 0x03c00000); /* DN, FZ, rounding */
	put(block, 264, get(block, 264) & 0x0800001f); /* QC and the cumulative flags */
}

const char *regs_differ(const struct regs_block *a, const struct regs_block *b, int kept)
{
	static char name[16];

	for (int i = kept ? 19 : 1; i < (kept ? 30 : 31); i++)
		if (get(a, 8 * i) != get(b, 8 * i)) {
			snprintf(name, sizeof name, "x%d", i);
			return name;
		}
	if (get(a, 256) != get(b, 256))
		return "fpcr";
	for (int i = kept ? 8 : 0; i < (kept ? 16 : 32); i++)
		if (memcmp(&a->bytes[272 + 16 * i], &b->bytes[272 + 16 * i], kept ? 8 : 16) != 0) {
			snprintf(name, sizeof name, "v%d", i);
			return name;
		}
	if (kept)
		return NULL;
	if (get(a, 264) != get(b, 264))
		return "fpsr";
	if (get(a, 248) != get(b, 248))
		return "nzcv";
	return NULL;
}

void regs_kept(uint64_t kept[REGS_KEPT])
{
	asm volatile("stp x19, x20, [%0]\n\t"
		     "stp x21, x22, [%0, #16]\n\t"
		     "stp x23, x24, [%0, #32]\n\t"
		     "stp x25, x26, [%0, #48]\n\t"
		     "stp x27, x28, [%0, #64]" ::"r"(kept)
		     : "memory");
}

#endif

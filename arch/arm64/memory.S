/*
 * memcpy, memmove, memset and memcmp for everything in the image, in place of newlib's: they use
 * general registers only, so the kernel may call them in an interrupt. Any alignment (normal
 * memory only); rounds of 64 bytes, then a tail by the bits of the length. In every round all
 * loads come before the first store, so overlapping is right as long as the direction is.
 *
 * depth: frame memcpy 0
 * depth: frame memmove 0
 * depth: frame memset 0
 * depth: frame memcmp 0
 */
#include "arch/arm64/asm.h"

	.cfi_sections .debug_frame

/* void *memcpy(void *to, const void *from, size_t n): x0, x1, x2. x3 is the cursor in to. */
	.global	memcpy
	.type	memcpy, %function
func memmove
memcpy:
	mov	x3, x0
	sub	x4, x0, x1
	cmp	x4, x2
	b.lo	4f                      /* to begins inside from: backwards */
	subs	x2, x2, #64
	b.lo	2f
1:	ldp	x4, x5, [x1]
	ldp	x6, x7, [x1, #16]
	ldp	x8, x9, [x1, #32]
	ldp	x10, x11, [x1, #48]
	add	x1, x1, #64
	subs	x2, x2, #64
	stp	x4, x5, [x3]
	stp	x6, x7, [x3, #16]
	stp	x8, x9, [x3, #32]
	stp	x10, x11, [x3, #48]
	add	x3, x3, #64
	b.hs	1b
2:	/* The low six bits of x2 still are those of the rest. */
	tbz	x2, #5, 3f
	ldp	x4, x5, [x1]
	ldp	x6, x7, [x1, #16]
	add	x1, x1, #32
	stp	x4, x5, [x3]
	stp	x6, x7, [x3, #16]
	add	x3, x3, #32
3:	tbz	x2, #4, 3f
	ldp	x4, x5, [x1], #16
	stp	x4, x5, [x3], #16
3:	tbz	x2, #3, 3f
	ldr	x4, [x1], #8
	str	x4, [x3], #8
3:	tbz	x2, #2, 3f
	ldr	w4, [x1], #4
	str	w4, [x3], #4
3:	tbz	x2, #1, 3f
	ldrh	w4, [x1], #2
	strh	w4, [x3], #2
3:	tbz	x2, #0, 3f
	ldrb	w4, [x1]
	strb	w4, [x3]
3:	ret

4:	add	x1, x1, x2
	add	x3, x3, x2
	subs	x2, x2, #64
	b.lo	6f
5:	ldp	x4, x5, [x1, #-16]
	ldp	x6, x7, [x1, #-32]
	ldp	x8, x9, [x1, #-48]
	ldp	x10, x11, [x1, #-64]
	sub	x1, x1, #64
	subs	x2, x2, #64
	stp	x4, x5, [x3, #-16]
	stp	x6, x7, [x3, #-32]
	stp	x8, x9, [x3, #-48]
	stp	x10, x11, [x3, #-64]
	sub	x3, x3, #64
	b.hs	5b
6:	tbz	x2, #5, 7f
	ldp	x4, x5, [x1, #-16]
	ldp	x6, x7, [x1, #-32]
	sub	x1, x1, #32
	stp	x4, x5, [x3, #-16]
	stp	x6, x7, [x3, #-32]
	sub	x3, x3, #32
7:	tbz	x2, #4, 7f
	ldp	x4, x5, [x1, #-16]!
	stp	x4, x5, [x3, #-16]!
7:	tbz	x2, #3, 7f
	ldr	x4, [x1, #-8]!
	str	x4, [x3, #-8]!
7:	tbz	x2, #2, 7f
	ldr	w4, [x1, #-4]!
	str	w4, [x3, #-4]!
7:	tbz	x2, #1, 7f
	ldrh	w4, [x1, #-2]!
	strh	w4, [x3, #-2]!
7:	tbz	x2, #0, 7f
	ldrb	w4, [x1, #-1]
	strb	w4, [x3, #-1]
7:	ret
	.size	memcpy, . - memcpy
endfunc memmove

/* void *memset(void *to, int byte, size_t n): x0, w1, x2. */
func memset
	and	x1, x1, #0xff
	mov	x3, #0x0101010101010101
	mov	x4, x0
	mul	x1, x1, x3
	cmp	x2, #512
	b.lo	3f
	cbnz	x1, 3f
	/* Long and zero: DC ZVA, where its blocks are 64 bytes and it is not prohibited (DZP). */
	mrs	x3, dczid_el0
	and	x3, x3, #0x1f
	cmp	x3, #4
	b.ne	3f
	neg	x5, x4
	and	x5, x5, #63             /* up to the first block */
	sub	x2, x2, x5
	stp	xzr, xzr, [x4]
	stp	xzr, xzr, [x4, #16]
	stp	xzr, xzr, [x4, #32]
	stp	xzr, xzr, [x4, #48]
	add	x4, x4, x5
	sub	x2, x2, #64
1:	dc	zva, x4
	add	x4, x4, #64
	subs	x2, x2, #64
	b.hs	1b
	b	4f

3:	subs	x2, x2, #64
	b.lo	4f
2:	stp	x1, x1, [x4]
	stp	x1, x1, [x4, #16]
	stp	x1, x1, [x4, #32]
	stp	x1, x1, [x4, #48]
	add	x4, x4, #64
	subs	x2, x2, #64
	b.hs	2b
4:	tbz	x2, #5, 5f
	stp	x1, x1, [x4], #16
	stp	x1, x1, [x4], #16
5:	tbz	x2, #4, 5f
	stp	x1, x1, [x4], #16
5:	tbz	x2, #3, 5f
	str	x1, [x4], #8
5:	tbz	x2, #2, 5f
	str	w1, [x4], #4
5:	tbz	x2, #1, 5f
	strh	w1, [x4], #2
5:	tbz	x2, #0, 5f
	strb	w1, [x4]
5:	ret
endfunc memset

/* int memcmp(const void *a, const void *b, size_t n): x0, x1, x2. */
func memcmp
	subs	x2, x2, #8
	b.lo	2f
1:	ldr	x3, [x0], #8
	ldr	x4, [x1], #8
	cmp	x3, x4
	b.ne	4f
	subs	x2, x2, #8
	b.hs	1b
2:	adds	x2, x2, #8
	b.eq	5f
3:	ldrb	w3, [x0], #1
	ldrb	w4, [x1], #1
	subs	w3, w3, w4
	b.ne	6f
	subs	x2, x2, #1
	b.ne	3b
5:	mov	w0, wzr
	ret
4:	rev	x3, x3                  /* the first byte that differs decides */
	rev	x4, x4
	cmp	x3, x4
	mov	w0, #1
	cneg	w0, w0, lo
	ret
6:	mov	w0, w3
	ret
endfunc memcmp

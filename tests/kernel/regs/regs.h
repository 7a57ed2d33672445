/*
 * Filling every register and looking at all of them afterwards; one file a processor.
 * A block holds a value for each; its layout is the file's own.
 */
#ifndef REGS_H
#define REGS_H

#include <stdint.h>

struct regs_block {
	_Alignas(64) unsigned char bytes[1024];
};

/* Makes up values, legal for each register. */
void regs_fill(struct regs_block *block, uint32_t *random);

/* Loads every register from in, counts down from spins in one of them, stores all to out. */
void regs_spin(const struct regs_block *in, struct regs_block *out, uint64_t spins);

/* Loads what a function call keeps from in, calls fn, stores the same to out. */
void regs_call(const struct regs_block *in, struct regs_block *out, void (*fn)(void));

/* What a function call keeps: so many of them. */
enum { REGS_KEPT = 10 };
void regs_kept(uint64_t kept[REGS_KEPT]);

/* The name of a register that differs, or NULL. kept: only those that a call keeps. */
const char *regs_differ(const struct regs_block *a, const struct regs_block *b, int kept);

/* What was tested beside the plain registers. */
const char *regs_extra(void);

#endif

/*
 * What is kept of memory, for race.c: of each 8 bytes the last accesses, and how many of them may be
 * accessed. Also the shortest way through an access that nothing is to be said of, which access.c
 * takes at each.
 */
#ifndef SHADOW_H
#define SHADOW_H

#include "sim.h"

/*
 * An access: when it was, and what: the agent (its place in clocks, and its world), how, and which of
 * the 8 bytes.
 */
enum { CELL_HOW = 8, CELL_BYTES = 16, CELLS = 4 };
enum { CELL_WORLD = 0x80, CELL_AGENT_MASK = 0xff, CELL_HOW_MASK = 0xff00 };
enum { CELL_BYTES_MASK = 0xff0000, CELL_WRITE = SIM_WRITE << CELL_HOW };
enum { CELL_ATOMIC = SIM_ATOMIC << CELL_HOW };

struct cell {
	uint32_t time; /* the agent's; 0: there is none */
	uint32_t what;
};

/* The image, RAM and the windows, each of 2^PART_BITS bytes from a multiple of 2^PART_APART, are side
 * by side here. */
enum { PART_BITS = 36, PART_APART = 44, PARTS = 4, FOLDED_BITS = PART_BITS + 2 };
#define SHADOW_BASE ((uintptr_t)0x300000000000)
#define LIMITS_BASE (SHADOW_BASE + (UINT64_C(1) << (FOLDED_BITS - 3)) * CELLS * sizeof(struct cell))
#define SHADOW_END  (LIMITS_BASE + (UINT64_C(1) << (FOLDED_BITS - 3)))

/*
 * Limits: 1 to 7: only the first bytes; else: see below. SOLE and the number of an agent: all, and nobody else
 * has accessed them. Then a cell is mostly at the place that enum sim_how says: so what it says is soon renewed.
 */
enum { ALL = 0, SOLE = 0x80, BEYOND = 0xf0, FREED = 0xf1, ENDED = 0xf2, NO_PAGE = 0xf3 };

/* False: it is something else, of which nothing is kept. */
static inline bool shadow_has(uintptr_t at)
{
	return !(at & ~((uintptr_t)(PARTS - 1) << PART_APART | ((UINT64_C(1) << PART_BITS) - 1)));
}

static inline uintptr_t shadow_folded(uintptr_t at)
{
	return (at & ((UINT64_C(1) << PART_BITS) - 1)) | at >> PART_APART << PART_BITS;
}

static inline struct cell *shadow_cells(uintptr_t folded)
{
	return (struct cell *)SHADOW_BASE + (folded >> 3) * CELLS;
}

static inline uint8_t *shadow_limit(uintptr_t folded)
{
	return (uint8_t *)LIMITS_BASE + (folded >> 3);
}

static inline bool shadow_is_all(uint8_t limit)
{
	return limit == ALL || (limit & -SIM_AGENTS) == SOLE;
}

/* An access by a, of n bytes from the first of 8. */
static inline uint32_t shadow_what(const struct sim_agent *a, unsigned first, unsigned n,
				   unsigned how)
{
	return (((1U << n) - 1) << CELL_BYTES << first) | how << CELL_HOW | a->cell;
}

/* True: nobody but a has accessed these bytes, and a in this way before. That is all there is to keep. */
static inline bool shadow_renewed(const struct sim_agent *a, uintptr_t folded, unsigned how,
				  uint32_t what)
{
	struct cell *own = &shadow_cells(folded)[how];

	if (*shadow_limit(folded) != a->sole || own->what != what)
		return false;
	own->time = a->before.at[a->own];
	return true;
}

/* Is at close below a stack pointer? There the frames were of functions that have returned. */
static inline bool shadow_is_below(uintptr_t at, uintptr_t sp)
{
	enum { CLOSE = 256 * 1024 };

	return sp - at - 1 < CLOSE;
}

/* Holds an access by a to 8 bytes against those that are kept, and keeps it. */
void sim_look_at_cells(const struct sim_agent *a, uintptr_t at, uintptr_t folded, uint32_t what,
		       const void *place);

/* As sim_look_at; a: who accesses memory at place; size: 1, 2, 4 or 8. */
static inline __attribute__((always_inline)) void sim_look_by(struct sim_agent *a, uintptr_t at,
							      unsigned size, unsigned how,
							      const void *place)
{
	uintptr_t folded = shadow_folded(at);
	unsigned first = at & 7;
	uint32_t what = shadow_what(a, first, size, how);
	if (unlikely(!shadow_has(at) || first > 8 - size || sim_watch)) {
		sim_look_at(at, size, how, place);
		return;
	}
	if (shadow_renewed(a, folded, how, what))
		return;
	if (shadow_is_all(*shadow_limit(folded)))
		sim_look_at_cells(a, at, folded, what, place);
	else
		sim_look_at(at, size, how, place);
}

#endif

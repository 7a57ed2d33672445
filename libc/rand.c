/*
 * Random numbers of no quality: srand says which, for the whole program, and each number is drawn
 * once. The multiplier is Knuth's (MMIX).
 */
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "libc/state.h"

/* For drand48 and its like: what X/Open says they begin with. */
struct _rand48 libc_random = {
	._seed = {_RAND48_SEED_0, _RAND48_SEED_1, _RAND48_SEED_2},
	._mult = {_RAND48_MULT_0, _RAND48_MULT_1, _RAND48_MULT_2},
	._add = _RAND48_ADD,
};

static _Atomic uint64_t state = 1;

void srand(unsigned seed)
{
	atomic_store_explicit(&state, seed, memory_order_relaxed);
}

int rand(void)
{
	uint64_t now = atomic_load_explicit(&state, memory_order_relaxed), next;

	do
		next = now * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	while (!atomic_compare_exchange_weak_explicit(&state, &now, next, memory_order_relaxed,
						      memory_order_relaxed));
	return (int)(next >> 33);
}

void srandom(unsigned seed)
{
	srand(seed);
}

long random(void)
{
	return rand();
}

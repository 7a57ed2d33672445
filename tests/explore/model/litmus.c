/*
 * Litmus tests of the memory model: the first argument names one, and its status is 1 where the
 * outcome was seen that its name is asked for. tests/qemu/explore.py knows which of them C11 allows.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <vole.h>

static atomic_int x, y, z;
static int r[4];
static const char *test;

#define relaxed               memory_order_relaxed
#define acquire               memory_order_acquire
#define release               memory_order_release
#define seq_cst               memory_order_seq_cst
#define get(at, order)        atomic_load_explicit(&(at), order)
#define set(at, value, order) atomic_store_explicit(&(at), value, order)

/* Each is what a coroutine does, by its number. */
static void mp(int i, memory_order store, memory_order load)
{
	if (i == 0) {
		set(x, 1, relaxed);
		set(y, 1, store);
	} else if (i == 1) {
		r[0] = get(y, load);
		r[1] = get(x, relaxed);
	}
}

static void mp_fences(int i, memory_order first, memory_order second)
{
	if (i == 0) {
		set(x, 1, relaxed);
		atomic_thread_fence(first);
		set(y, 1, relaxed);
	} else if (i == 1) {
		r[0] = get(y, relaxed);
		atomic_thread_fence(second);
		r[1] = get(x, relaxed);
	}
}

static void sb(int i, memory_order store, memory_order load)
{
	if (i == 0) {
		set(x, 1, store);
		r[0] = get(y, load);
	} else if (i == 1) {
		set(y, 1, store);
		r[1] = get(x, load);
	}
}

static void sb_fences(int i, memory_order order)
{
	if (i == 0) {
		set(x, 1, relaxed);
		atomic_thread_fence(order);
		r[0] = get(y, relaxed);
	} else if (i == 1) {
		set(y, 1, relaxed);
		atomic_thread_fence(order);
		r[1] = get(x, relaxed);
	}
}

static void iriw(int i, memory_order store, memory_order load)
{
	if (i == 0) {
		set(x, 1, store);
	} else if (i == 1) {
		set(y, 1, store);
	} else if (i == 2) {
		r[0] = get(x, load);
		r[1] = get(y, load);
	} else {
		r[2] = get(y, load);
		r[3] = get(x, load);
	}
}

static void two_writes(int i, memory_order order)
{
	if (i == 0) {
		set(x, 1, order);
		set(y, 2, order);
	} else if (i == 1) {
		set(y, 1, order);
		set(x, 2, order);
	}
}

/* One location: reads do not go back, a writer reads itself or what is newer. */
static void coherence(int i)
{
	if (i == 0) {
		set(x, 1, relaxed);
		set(x, 2, relaxed);
		r[2] = get(x, relaxed);
	} else if (i == 1) {
		r[0] = get(x, relaxed);
		r[1] = get(x, relaxed);
	}
}

/* Its head is a release; another's change of it still releases. */
static void sequence(int i, bool change)
{
	if (i == 0) {
		set(x, 1, relaxed);
		set(y, 1, release);
	} else if (i == 1 && change) {
		atomic_fetch_add_explicit(&y, 2, relaxed);
	} else if (i == 1) {
		set(y, 3, relaxed);
	} else if (i == 2) {
		r[0] = get(y, acquire);
		r[1] = get(x, relaxed);
	}
}

/* A comparison that fails is a load, with an order of its own. */
static void compare(int i, memory_order store, memory_order failing)
{
	int other = 7;

	if (i == 0) {
		set(x, 1, relaxed);
		set(y, 1, store);
	} else if (i == 1) {
		atomic_compare_exchange_strong_explicit(&y, &other, 9, relaxed, failing);
		r[0] = other;
		r[1] = get(x, relaxed);
	} else if (i == 2) {
		r[2] = get(y, acquire);
		other = 7;
		atomic_compare_exchange_strong_explicit(&x, &other, 9, relaxed, relaxed);
		r[3] = other;
	}
}

/* It finds what it expects: only a weak one may fail. */
static void equal(int i, bool weak)
{
	int none = 0;

	if (i == 0)
		r[0] = weak ? atomic_compare_exchange_weak(&x, &none, 1)
			    : atomic_compare_exchange_strong(&x, &none, 1);
}

/* What one has seen, it hands on: by reading x and storing y, or by storing y and then z. */
static void causality(int i, memory_order load, memory_order store)
{
	if (i == 0) {
		set(x, 1, relaxed);
		set(y, 1, release);
	} else if (i == 1) {
		r[0] = get(y, load);
		set(z, 1, store);
	} else if (i == 2) {
		r[1] = get(z, acquire);
		r[2] = get(x, relaxed);
	}
}

/* The order of two stores to y, and what a load after one of them sees (R). */
static void store_and_look(int i, memory_order order)
{
	if (i == 0) {
		set(x, 1, order);
		set(y, 1, order);
	} else if (i == 1) {
		set(y, 2, order);
		r[0] = get(x, order == release ? acquire : order);
	}
}

/* Each loads before it stores what the other loads. */
static void load_buffer(int i)
{
	if (i == 0) {
		r[0] = get(x, acquire);
		set(y, 1, release);
	} else if (i == 1) {
		r[1] = get(y, acquire);
		set(x, 1, release);
	}
}

/* Nothing orders the store before the load, which comes long after it. */
static void old(int i, uint64_t age)
{
	static _Atomic uint64_t stored = TIME_NEVER;
	uint64_t start = time_now(), now, then;

	if (i == 0) {
		set(x, 1, relaxed);
		set(stored, time_now(), relaxed);
	} else if (i == 1) {
		while ((now = time_now()) < start + age)
			;
		r[0] = get(x, relaxed);
		then = get(stored, relaxed);
		r[1] = then < now && now - then > age / 2;
	}
}

static void counted(void)
{
	for (int n = 0; n < 2; n++)
		atomic_fetch_add_explicit(&x, 1, relaxed);
}

static bool is(const char *name)
{
	return !strcmp(test, name);
}

static void run(int i)
{
	if (is("mp-relaxed"))
		mp(i, relaxed, relaxed);
	else if (is("mp-no-acquire"))
		mp(i, release, relaxed);
	else if (is("mp-no-release"))
		mp(i, relaxed, acquire);
	else if (is("mp"))
		mp(i, release, acquire);
	else if (is("mp-fences"))
		mp_fences(i, release, acquire);
	else if (is("mp-one-fence"))
		mp_fences(i, release, relaxed);
	else if (is("sb-relaxed"))
		sb(i, relaxed, relaxed);
	else if (is("sb-acquire-release"))
		sb(i, release, acquire);
	else if (is("sb"))
		sb(i, seq_cst, seq_cst);
	else if (is("sb-fences"))
		sb_fences(i, seq_cst);
	else if (is("sb-weak-fences"))
		sb_fences(i, memory_order_acq_rel);
	else if (is("iriw-relaxed"))
		iriw(i, relaxed, relaxed);
	else if (is("iriw-acquire-release"))
		iriw(i, release, acquire);
	else if (is("iriw"))
		iriw(i, seq_cst, seq_cst);
	else if (is("2+2w-relaxed"))
		two_writes(i, relaxed);
	else if (is("2+2w-release"))
		two_writes(i, release);
	else if (is("2+2w"))
		two_writes(i, seq_cst);
	else if (is("coherence"))
		coherence(i);
	else if (is("sequence-store"))
		sequence(i, false);
	else if (is("sequence"))
		sequence(i, true);
	else if (is("old"))
		old(i, 120 * NSEC_PER_USEC);
	else if (is("young"))
		old(i, 200);
	else if (is("counted"))
		counted();
	else if (is("compare") || is("compare-seen"))
		compare(i, release, acquire);
	else if (is("compare-old"))
		compare(i, relaxed, relaxed);
	else if (is("compare-relaxed"))
		compare(i, release, relaxed);
	else if (is("equal"))
		equal(i, false);
	else if (is("equal-weak"))
		equal(i, true);
	else if (is("causality"))
		causality(i, acquire, release);
	else if (is("causality-relaxed"))
		causality(i, relaxed, release);
	else if (is("r"))
		store_and_look(i, seq_cst);
	else if (is("r-acquire-release"))
		store_and_look(i, release);
	else if (is("lb"))
		load_buffer(i);
}

static bool seen(void)
{
	if (!strncmp(test, "mp", 2))
		return r[0] == 1 && r[1] == 0;
	if (!strncmp(test, "sb", 2))
		return r[0] == 0 && r[1] == 0;
	if (!strncmp(test, "iriw", 4))
		return r[0] == 1 && r[1] == 0 && r[2] == 1 && r[3] == 0;
	if (!strncmp(test, "2+2w", 4))
		return get(x, relaxed) == 1 && get(y, relaxed) == 1;
	if (is("coherence"))
		return r[1] < r[0] || r[2] != 2;
	if (!strncmp(test, "sequence", 8))
		return r[0] == 3 && r[1] == 0;
	if (is("compare") || is("compare-relaxed"))
		return r[0] == 1 && r[1] == 0;
	if (is("compare-seen") || is("compare-old"))
		return r[2] == 1 && r[3] == 0;
	if (!strncmp(test, "equal", 5))
		return !r[0];
	if (!strncmp(test, "causality", 9))
		return r[0] == 1 && r[1] == 1 && r[2] == 0;
	if (is("r") || is("r-acquire-release"))
		return get(y, relaxed) == 2 && r[0] == 0;
	if (is("lb"))
		return r[0] == 1 && r[1] == 1;
	if (is("old") || is("young"))
		return r[0] == 0 && r[1];
	return get(x, relaxed) != 8;
}

static void do_one(void *arg)
{
	run((int)(intptr_t)arg);
}

int main(int argc, char **argv)
{
	struct waitgroup wg = {0};

	test = argc > 1 ? argv[1] : "mp";
	for (intptr_t i = 0; i < 4; i++)
		waitgroup_go(&wg, do_one, (void *)i);
	waitgroup_wait(&wg);
	return seen();
}

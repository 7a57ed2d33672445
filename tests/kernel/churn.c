/* Coroutines of every kind come and go, for long: the memory that they take does not grow. */
#include "test.h"

enum { SPAWNERS = 8, AT_ONCE = 250, ROUNDS = 10, SLACK = 2 << 20 };

static _Atomic unsigned long ended;

/* Its need is known. */
static void small(void *arg)
{
	(void)arg;
	atomic_fetch_add_explicit(&ended, 1, memory_order_relaxed);
}

static __attribute__((noinline)) int descend(int depth)
{
	volatile char frame[200];

	frame[0] = (char)depth;
	return depth ? descend(depth - 1) + frame[0] : 0;
}

/* Its need is not. */
static void growing(void *arg)
{
	descend((int)(intptr_t)arg);
	small(NULL);
}

static void copied(void *arg)
{
	if (*(char *)arg == 7)
		small(NULL);
}

static int member(void *arg)
{
	small(arg);
	return 0;
}

static void cleans(void *arg)
{
	go_defer(small, arg);
}

static void start(struct waitgroup *wg, struct group *group, int i)
{
	char bytes[300] = {7};

	switch (i % 16) {
	case 0:
		expect_eq(go_with(&(struct go_options){.name = "named"}, small, NULL), 0);
		break;
	case 1:
		expect_eq(group_go(group, member, NULL), 0);
		break;
	case 2:
		expect_eq(go_copy(copied, bytes, sizeof bytes), 0);
		break;
	case 3:
		expect_eq(go(cleans, NULL), 0);
		break;
	case 4:
		expect_eq(waitgroup_go(wg, growing, (void *)(intptr_t)(i % 40)), 0);
		break;
	case 5:
		expect_eq(go_with(&(struct go_options){.stack = 1 << 20}, growing, (void *)30), 0);
		break;
	default:
		expect_eq(waitgroup_go(wg, small, NULL), 0);
	}
}

static void spawner(void *arg)
{
	for (long left = *(long *)arg; left > 0; left -= AT_ONCE) {
		struct waitgroup wg = {0};
		struct group group = {0};

		for (int i = 0; i < AT_ONCE; i++)
			start(&wg, &group, i);
		waitgroup_wait(&wg);
		group_wait(&group);
	}
}

int main(int argc, char **argv)
{
	struct runtime_stats first, last;

	test_begin(argc, argv, 2);

	long each = 1250L * test_scale;

	for (int round = 0; round < ROUNDS; round++) {
		struct waitgroup wg = {0};

		for (int i = 0; i < SPAWNERS; i++)
			waitgroup_go(&wg, spawner, &each);
		waitgroup_wait(&wg);
		while (ended < (unsigned long)((round + 1) * SPAWNERS * each))
			time_sleep(NSEC_PER_MSEC);
		runtime_stats(round == 1 ? &first : &last);
	}
	check(ended == (unsigned long)(ROUNDS * SPAWNERS * each), "all of them have run");
	/* What cores keep for later depends on how many were there at once. They are asked for it. */
	for (uint64_t start = time_now();
	     last.free_bytes + SLACK <= first.free_bytes && patience(start); runtime_stats(&last)) {
		void *volatile all = malloc(first.free_bytes);

		free(all);
		time_sleep(20 * NSEC_PER_MSEC);
	}
	printf("# %lu coroutines; free: %zu bytes, and after five times as many %zu\n", ended,
	       first.free_bytes, last.free_bytes);
	check(last.free_bytes + SLACK > first.free_bytes, "the memory is back");
	return test_end();
}

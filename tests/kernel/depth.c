/*
 * Coroutines that go as deep as they can, on stacks that fit exactly. What they write lies at the very
 * end of their stacks: with a bound that is short it would be somebody else's.
 */
#include "test.h"

#include <string.h>

enum { MANY = 200 };

static struct chan *go_on;
static struct waitgroup wg;

/* Fills a frame, down to its end. */
#define LEVEL(name, size, below) \
	static __attribute__((noinline)) long name(long x) \
	{ \
		volatile char frame[size]; \
\
		for (size_t i = 0; i < sizeof(frame); i++) \
			frame[i] = (char)x; \
		x = below; \
		for (size_t i = 0; i < sizeof(frame); i++) \
			x += frame[i]; \
		return x; \
	}

LEVEL(bottom, 400, x + 1)
LEVEL(middle, 1000, bottom(x) + 1)
LEVEL(upper, 300, middle(x) + 1)

static void small(void *arg)
{
	bottom((long)arg);
}

static void deep(void *arg)
{
	long before = upper((long)arg);
	char value;

	chan_recv(go_on, &value);
	if (upper((long)arg) != before)
		runtime_panic("a frame has changed");
}

static void wide(void *arg)
{
	char copy[64];

	memcpy(copy, arg, sizeof(copy));
	upper(copy[3]);
	if (memcmp(copy, arg, sizeof(copy)))
		runtime_panic("the copy has changed");
}

int main(int argc, char **argv)
{
	char value = 1, copy[64];

	test_begin(argc, argv, 4);

	for (int i = 0; i < MANY; i++)
		expect_eq(waitgroup_go(&wg, small, (void *)(long)i), 0);
	expect_eq(waitgroup_wait(&wg), 0);
	verdict("a leaf fills its frame");

	go_on = chan_of(char, 0);
	for (int i = 0; i < MANY; i++)
		expect_eq(waitgroup_go(&wg, deep, (void *)(long)i), 0);
	for (int i = 0; i < MANY; i++)
		chan_send(go_on, &value);
	expect_eq(waitgroup_wait(&wg), 0);
	verdict("three frames, a wait, and three frames");

	for (int i = 0; i < MANY; i++) {
		memset(copy, i, sizeof(copy));
		expect_eq(go_copy(wide, copy, sizeof(copy)), 0);
	}
	while (runtime_count() > 1)
		go_yield();
	verdict("the same with a copy of the argument");

	struct runtime_stats s;

	runtime_stats(&s);
	expect_eq(s.live, 1);
	verdict("all have ended");
	return test_end();
}

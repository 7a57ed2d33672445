/* Stacks: they grow in place, as far as the limit, and keep what is on them. */
#include "test.h"

static struct waitgroup all;

/* Each level takes about 300 bytes and finds them unchanged when the deeper ones have returned. */
__attribute__((noinline)) static unsigned deep(size_t bytes, unsigned salt, const char *top)
{
	volatile unsigned char mine[256];
	unsigned sum = 0;

	for (size_t i = 0; i < sizeof mine; i++)
		mine[i] = (unsigned char)(salt + i);
	if ((size_t)(top - (const char *)__builtin_frame_address(0)) < bytes)
		sum = deep(bytes, salt + 1, top);
	for (size_t i = 0; i < sizeof mine; i++)
		if (mine[i] != (unsigned char)(salt + i))
			sum |= 0x80000000;
	return sum + 1;
}

static void go_deep(void *arg)
{
	size_t bytes = (size_t)(uintptr_t)arg;
	unsigned levels = deep(bytes, (unsigned)go_id(), __builtin_frame_address(0));

	expect((levels & 0x80000000) == 0);
	expect(levels > bytes / 1024 && levels < bytes / 256 + 2);
	waitgroup_done(&all);
}

static void start(size_t limit, size_t bytes)
{
	waitgroup_add(&all, 1);
	expect_eq(go_with(&(struct go_options){.stack = limit}, go_deep, (void *)bytes), 0);
}

static void test_growth(void)
{
	start(0, 200 * 1024);
	waitgroup_wait(&all);
	verdict("the default stack grows to 200 KB");

	start(64 * 1024, 56 * 1024);
	start(1024 * 1024, 1000 * 1024);
	start(8 * 1024 * 1024, 8100 * 1024);
	waitgroup_wait(&all);
	verdict("stacks of 64 KB, 1 MB and 8 MB grow to their limit");

	/* ThreadSanitizer has room for 64 K levels. */
	start(1024 * 1024 * 1024, 16 * 1024 * 1024);
	waitgroup_wait(&all);
	verdict("a limit of 1 GB costs nothing until it is used");

	for (int i = 0; i < 40; i++)
		start(0, (size_t)(10 + i * 5) * 1024);
	waitgroup_wait(&all);
	verdict("many grow at once");
}

/* A limit below 4 KB means 4 KB. */
static void use_2k(void *arg)
{
	volatile char bytes[2048];

	(void)arg;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)i;
	for (size_t i = 0; i < sizeof bytes; i++)
		if (bytes[i] != (char)i)
			expect(!"bytes kept");
	go_yield();
	waitgroup_done(&all);
}

static void test_small(void)
{
	for (size_t limit = 1; limit <= 4096; limit *= 4) {
		waitgroup_add(&all, 1);
		expect_eq(go_with(&(struct go_options){.stack = limit}, use_2k, NULL), 0);
	}
	waitgroup_wait(&all);
	verdict("a limit below 4 KB means 4 KB");
}

/* Growing, yielding and sleeping at every depth, while being preempted. */
__attribute__((noinline)) static void wander(int depth, uint32_t *random)
{
	volatile uint32_t mine[100];
	uint32_t mark = test_random(random);

	for (int i = 0; i < 100; i++)
		mine[i] = mark + (uint32_t)i;
	if (mark % 64 == 0)
		time_sleep(20 * NSEC_PER_USEC);
	else if (mark % 4 == 0)
		go_yield();
	if (depth > 0)
		wander(depth - 1, random);
	for (int i = 0; i < 100; i++)
		if (mine[i] != mark + (uint32_t)i) {
			expect_eq(mine[i], mark + (uint32_t)i);
			break;
		}
}

static void wanderer(void *arg)
{
	uint32_t random = (uint32_t)(uintptr_t)arg;

	for (int i = 0; i < amount(3); i++)
		wander(20 + (int)(test_random(&random) % 150), &random);
	waitgroup_done(&all);
}

static void test_wander(void)
{
	uint64_t old = runtime_set_quantum(50 * NSEC_PER_USEC);

	waitgroup_add(&all, 50);
	for (uintptr_t i = 1; i <= 50; i++)
		go(wanderer, (void *)(i * 77777));
	waitgroup_wait(&all);
	runtime_set_quantum(old);
	verdict("stacks keep what is on them while their coroutines move and are preempted");
}

/* Stacks are used again: far more coroutines than memory could hold at once. */
static void touch_100k(void *arg)
{
	(void)arg;
	deep(100 * 1024, 1, __builtin_frame_address(0));
	waitgroup_done(&all);
}

static void test_reuse(void)
{
	struct runtime_stats before, after;

	until_alone();
	runtime_stats(&before);
	for (int round = 0; round < amount(100); round++) {
		waitgroup_add(&all, 20);
		for (int i = 0; i < 20; i++)
			expect_eq(go(touch_100k, NULL), 0);
		waitgroup_wait(&all);
	}
	until_alone();
	runtime_stats(&after);
	expect(after.free_bytes + 64 * 1024 * 1024 > before.free_bytes);
	expect(after.stack_bytes <= before.stack_bytes + 1024 * 1024);
	verdict("the memory of stacks is used again");
}

/* main has a stack like the others. */
int main(int argc, char **argv)
{
	test_begin(argc, argv, 8);
	check(deep(200 * 1024, 1, __builtin_frame_address(0)) < 0x80000000,
	      "main's stack grows too");
	test_growth();
	test_small();
	test_wander();
	test_reuse();
	return test_end();
}

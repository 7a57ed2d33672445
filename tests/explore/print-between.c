/*
 * What one coroutine writes another reads; both print in between, which orders nothing.
 * fault: race
 */
#include <stdatomic.h>
#include <stdio.h>
#include <vole.h>

static int result;
static atomic_bool done;

static void work(void *arg)
{
	(void)arg;
	result = 1;
	printf("done\n");
	atomic_store_explicit(&done, true, memory_order_relaxed);
}

int main(void)
{
	go(work, NULL);
	while (!atomic_load_explicit(&done, memory_order_relaxed))
		go_yield();
	printf("seen\n");
	return result == 1 ? 0 : 1;
}

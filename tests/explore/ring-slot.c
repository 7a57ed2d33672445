/*
 * A ring of two places that takes three values: the writer overtakes the reader.
 * fault: race or status
 */
#include <stdatomic.h>
#include <vole.h>

enum { PLACES = 2, VALUES = 6 };

static _Atomic unsigned written, read;
static int place[PLACES];

static void writer(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < VALUES; i++) {
		while (i - atomic_load_explicit(&read, memory_order_acquire) > PLACES)
			go_yield();
		place[i % PLACES] = (int)i;
		atomic_store_explicit(&written, i + 1, memory_order_release);
	}
}

int main(void)
{
	int wrong = 0;

	go(writer, NULL);
	for (unsigned i = 0; i < VALUES; i++) {
		while (atomic_load_explicit(&written, memory_order_acquire) == i)
			go_yield();
		wrong += place[i % PLACES] != (int)i;
		atomic_store_explicit(&read, i + 1, memory_order_release);
	}
	return wrong != 0;
}

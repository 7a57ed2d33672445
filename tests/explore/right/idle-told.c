/*
 * Two cores wake at the same time, again and again. One has nothing to do and goes back to sleep, while the
 * other finds work for both and does not stop: either the one sees the work, or the other sees it idle.
 */
#include <stdatomic.h>
#include <vole.h>

enum { TIMES = 40, SOON = 60 * NSEC_PER_USEC };

static _Atomic int ran;
static struct sema turn;
static _Atomic uint64_t when;

static void work(void *arg)
{
	(void)arg;
	atomic_fetch_add_explicit(&ran, 1, memory_order_relaxed);
}

static void wakes(void *arg)
{
	(void)arg;
	for (int i = 0; i < TIMES; i++) {
		sema_acquire(&turn);
		time_sleep_until(when);
	}
}

int main(void)
{
	struct go_options options = {.core = 1 + 1};

	runtime_set_quantum(60 * NSEC_PER_SEC);
	go_pin(0);
	go_with(&options, wakes, NULL);
	for (int i = 0; i < TIMES; i++) {
		when = time_now() + SOON;
		sema_release(&turn);
		time_sleep_until(when);
		ran = 0;
		go(work, NULL);
		go(work, NULL);
		while (ran < 2)
			;
	}
	return 0;
}

/*
 * A lock made by hand that lets a reader in whenever readers are inside. Here each reader stays
 * until the next one has come, so a writer that comes later never gets in.
 * fault: hang or starvation
 */
#include <stdatomic.h>
#include <vole.h>

static _Atomic int inside, visits;
static _Atomic bool written;

static void reader(void *arg)
{
	(void)arg;
	while (!written) {
		int n = inside, visit;

		while (n < 0 || !atomic_compare_exchange_strong(&inside, &n, n + 1))
			n = inside;
		visit = ++visits;
		while (visits == visit && !written)
			go_yield();
		inside--;
	}
}

static void writer(void *arg)
{
	int n = 0;

	(void)arg;
	while (!atomic_compare_exchange_strong(&inside, &n, -1)) {
		go_yield();
		n = 0;
	}
	written = true;
	inside = 0;
}

int main(void)
{
	struct waitgroup all = {0};

	waitgroup_go(&all, reader, NULL);
	waitgroup_go(&all, reader, NULL);
	waitgroup_go(&all, writer, NULL);
	waitgroup_wait(&all);
	return 0;
}

/* A spinlock made by hand, acquired and released. */
#include <stdatomic.h>
#include <vole.h>

static atomic_flag held = ATOMIC_FLAG_INIT;
static int count;

static void counter(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++) {
		while (atomic_flag_test_and_set_explicit(&held, memory_order_acquire))
			go_yield();
		count++;
		atomic_flag_clear_explicit(&held, memory_order_release);
	}
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, counter, NULL);
	waitgroup_go(&both, counter, NULL);
	waitgroup_wait(&both);
	return count != 6;
}

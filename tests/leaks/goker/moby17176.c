/* Nothing is to be cleaned up: the function returns, and leaves the devices locked. */
// leaks: 1 "use_devices" waiting for sema acquire
#include "goker.h"

struct devices {
	struct sema *mutex;
	int deleted;
	struct chan *done;
};

static int clean_up(struct devices *d)
{
	sema_acquire(d->mutex);
	if (d->deleted == 0)
		return 0; /* without giving it back */
	sema_release(d->mutex);
	return -1;
}

static void use_devices(void *arg)
{
	struct devices *d = arg;

	sema_acquire(d->mutex);
	sema_release(d->mutex);
	give(d->done);
}

static void test_devices(void)
{
	struct devices *d = make_new(struct devices);

	d->mutex = make_lock();
	d->done = signals(0);
	clean_up(d);
	go(use_devices, d);
	chan_recv_until(d->done, (void *)NULL, time_now() + NSEC_PER_MSEC);
}

int main(void)
{
	test_devices();
	return settled();
}

/* Two delete the same device: in between, the set is unlocked while the device is not. */
// leaks: 1 "delete_first" waiting for mutex lock
// leaks: 1 "delete_second" waiting for mutex lock
#include "goker.h"

struct devices {
	struct mutex set, device;
	struct sema unlocked, locked;
};

static void delete_second(void *arg)
{
	struct devices *d = arg;

	sema_acquire(&d->unlocked);
	mutex_lock(&d->set);
	sema_release(&d->locked);
	mutex_lock(&d->device);
	mutex_unlock(&d->device);
	mutex_unlock(&d->set);
}

static void delete_first(void *arg)
{
	struct devices *d = arg;

	mutex_lock(&d->set);
	mutex_lock(&d->device);
	mutex_unlock(&d->set);
	sema_release(&d->unlocked);
	sema_acquire(&d->locked);
	mutex_lock(&d->set);
	mutex_unlock(&d->device);
	mutex_unlock(&d->set);
}

int main(void)
{
	struct devices *d = make_new(struct devices);

	go(delete_first, d);
	go(delete_second, d);
	return settled();
}

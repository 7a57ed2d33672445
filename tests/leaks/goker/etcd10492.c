/* A lease is renewed under the lock, which calls back for a checkpoint, which takes the lock. */
// leaks: 1 "renew" waiting for sema acquire
#include "goker.h"

struct lessor {
	struct sema *mutex;
	void (*checkpoint)(struct lessor *le);
};

static void checkpoint(struct lessor *le)
{
	sema_acquire(le->mutex);
	sema_release(le->mutex);
}

static void renew(void *arg)
{
	struct lessor *le = arg;

	sema_acquire(le->mutex);
	if (le->checkpoint)
		le->checkpoint(le);
	sema_release(le->mutex);
}

int main(void)
{
	struct lessor *le = make_new(struct lessor);

	*le = (struct lessor){make_lock(), checkpoint};
	go(renew, le);
	return settled();
}

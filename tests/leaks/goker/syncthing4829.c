/* Addresses are cleared with the mapping locked, and who is told of it locks the mapping for reading. */
// leaks: 1 "remove_mapping" waiting for sema acquire
#include "goker.h"

struct service {
	struct mutex mutex;
	struct sema *mapping;
};

static void notify(struct service *s)
{
	sema_acquire(s->mapping);
	sema_release(s->mapping);
}

static void clear_addresses(struct service *s)
{
	sema_acquire(s->mapping);
	notify(s);
	sema_release(s->mapping);
}

static void remove_mapping(void *arg)
{
	struct service *s = arg;

	mutex_lock(&s->mutex);
	clear_addresses(s);
	mutex_unlock(&s->mutex);
}

int main(void)
{
	struct service *s = make_new(struct service);

	s->mapping = make_lock();
	go(remove_mapping, s);
	return settled();
}

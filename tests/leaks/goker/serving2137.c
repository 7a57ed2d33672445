/* Two requests at a breaker that lets one through; the one that is let in waits for its lock, which is given back
 * after the other's, which waits to be let in. */
// leaks: 1 "first_request" waiting for chan send
// leaks: 1 "second_request" waiting for mutex lock
// leaks: 1 "test_breaker" waiting for chan receive
#include "goker.h"

struct breaker {
	struct chan *pending, *active;
	struct mutex lock[2];
	struct chan *accepted[2];
	struct sema inside;
};

static void first_request(void *arg)
{
	struct breaker *b = arg;

	sema_acquire(&b->inside);
	give(b->pending);
	give(b->active);
	mutex_lock(&b->lock[0]);
	mutex_unlock(&b->lock[0]);
	take(b->active);
	take(b->pending);
	give(b->accepted[0]);
}

static void second_request(void *arg)
{
	struct breaker *b = arg;

	give(b->pending);
	give(b->active);
	sema_release(&b->inside);
	mutex_lock(&b->lock[1]);
	mutex_unlock(&b->lock[1]);
	take(b->active);
	take(b->pending);
	give(b->accepted[1]);
}

static void test_breaker(void *unused)
{
	struct breaker *b = make_new(struct breaker);

	(void)unused;
	b->pending = signals(2);
	b->active = signals(1);
	for (int i = 0; i < 2; i++) {
		b->accepted[i] = signals(1);
		mutex_lock(&b->lock[i]);
	}
	go(first_request, b);
	go(second_request, b);
	for (int i = 0; i < 2; i++) {
		mutex_unlock(&b->lock[i]);
		take(b->accepted[i]);
	}
}

int main(void)
{
	go(test_breaker, NULL);
	return settled();
}

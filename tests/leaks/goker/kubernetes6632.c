/* A frame is written with the lock held to a channel whose reader, told to close, waits for the lock. */
// leaks: 1 "monitor_idle" waiting for mutex lock
// leaks: 1 "write_frame" waiting for chan send
#include "goker.h"

struct framer {
	struct mutex write;
	struct chan *reset, *close;
	struct sema writing;
};

static void closer(void *c)
{
	give(c);
}

static void monitor_idle(void *arg)
{
	struct framer *f = arg;
	struct select_case cases[] = {RECEIVE(f->close)};

	chan_select(cases, 1);
	sema_acquire(&f->writing);
	mutex_lock(&f->write);
	chan_close(f->reset);
	mutex_unlock(&f->write);
}

static void write_frame(void *arg)
{
	struct framer *f = arg;

	mutex_lock(&f->write);
	sema_release(&f->writing);
	give(f->reset);
	mutex_unlock(&f->write);
}

int main(void)
{
	struct framer *f = make_new(struct framer);

	f->reset = signals(0);
	f->close = signals(0);
	go(closer, f->close);
	go(monitor_idle, f);
	go(write_frame, f);
	return settled();
}

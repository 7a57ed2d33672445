/* Who reads the configuration reads it once more, further down; in between one has come to write it. */
// leaks: 1 "update" waiting for rwmutex lock
// leaks: 1 "execute" waiting for rwmutex rlock
#include "goker.h"

static void update(void *m)
{
	rwmutex_lock(m);
	rwmutex_unlock(m);
}

static void get_cache(struct rwmutex *m)
{
	rwmutex_rlock(m);
	rwmutex_runlock(m);
}

static void execute(void *m)
{
	rwmutex_rlock(m);
	go(update, m);
	until_writer_waits(m);
	get_cache(m);
	rwmutex_runlock(m);
}

int main(void)
{
	go(execute, make_new(struct rwmutex));
	return settled();
}

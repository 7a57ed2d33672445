/* Who reads asks for the write lock of the same rwmutex; and others come for it. */
// leaks: 1 "reader" waiting for rwmutex lock
// leaks: 1 "late_reader" waiting for rwmutex rlock
#include <stdlib.h>
#include <vole.h>

static void reader(void *m)
{
	rwmutex_rlock(m);
	rwmutex_lock(m);
	rwmutex_unlock(m);
	rwmutex_runlock(m);
}

static void late_reader(void *m)
{
	time_sleep(5 * NSEC_PER_MSEC);
	rwmutex_rlock(m);
	rwmutex_runlock(m);
}

int main(void)
{
	struct rwmutex *m = calloc(1, sizeof *m);

	go(reader, m);
	go(late_reader, m);
	time_sleep(20 * NSEC_PER_MSEC);
	return 0;
}

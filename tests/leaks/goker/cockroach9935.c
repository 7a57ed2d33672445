/* An error while the log is locked is logged. */
// leaks: 1 "output_entry" waiting for sema acquire
#include "goker.h"

static int create_file(void)
{
	return -1;
}

static void log_exit(struct sema *mutex)
{
	sema_acquire(mutex);
	sema_release(mutex);
}

static void output_entry(void *mutex)
{
	sema_acquire(mutex);
	if (create_file() < 0)
		log_exit(mutex);
	sema_release(mutex);
}

int main(void)
{
	go(output_entry, make_lock());
	return settled();
}

/* A group whose parent is cancelled is so from its beginning. */
#include <errno.h>
#include <vole.h>

static struct group parent;
static int why;

static int part(void *arg)
{
	struct group *child = arg;

	(void)child;
	return time_sleep(NSEC_PER_SEC) == -ECANCELED && why != 1 ? 1 : 0;
}

static int maker(void *arg)
{
	struct group child;

	(void)arg;
	group_init(&child, TIME_NEVER);
	group_go(&child, part, &child);
	group_go(&child, part, &child);
	return group_wait(&child) && 0;
}

int main(void)
{
	group_init(&parent, TIME_NEVER);
	group_go(&parent, maker, NULL);
	group_go(&parent, maker, NULL);
	go_yield();
	why = 1;
	group_cancel(&parent, -EIO);
	return group_wait(&parent) != -EIO;
}

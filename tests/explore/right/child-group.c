/* A group in a member of a group, with a deadline of its own that does not end the outer one. */
#include <errno.h>
#include <vole.h>

static int slow(void *arg)
{
	(void)arg;
	return time_sleep(NSEC_PER_SEC);
}

static int outer(void *arg)
{
	struct group inner;

	group_init(&inner, time_now() + 10 * NSEC_PER_USEC);
	group_go(&inner, slow, NULL);
	group_go(&inner, slow, NULL);
	*(int *)arg = group_wait(&inner);
	return 0;
}

int main(void)
{
	struct group group;
	int inner = 0, error;

	group_init(&group, TIME_NEVER);
	group_go(&group, outer, &inner);
	error = group_wait(&group);
	return error != 0 || inner >= 0;
}

/*
 * A member fails; the others hear of it where they wait, see why, and end; then the group may go.
 */
#include <errno.h>
#include <vole.h>

static struct chan *never;
static const char *reason;
static int told[2];

static int waiter(void *arg)
{
	int value;

	if (chan_recv(never, &value) == -ECANCELED)
		*(int *)arg = reason != NULL;
	return 0;
}

static int fails(void *arg)
{
	struct group *group = arg;

	reason = "a part is missing";
	group_cancel(group, -EIO);
	return 0;
}

int main(void)
{
	struct group group;
	int error;

	never = chan_of(int, 0);
	group_init(&group, TIME_NEVER);
	group_go(&group, waiter, &told[0]);
	group_go(&group, waiter, &told[1]);
	group_go(&group, fails, &group);
	error = group_wait(&group);
	chan_free(never);
	return error != -EIO || !told[0] || !told[1];
}

/*
 * The sender holds a mutex while it sends; the receiver takes the same mutex before it receives.
 * fault: deadlock
 */
#include <vole.h>

static struct mutex lock;
static struct chan *values;
static int sent, expected;

static void sender(void *arg)
{
	(void)arg;
	mutex_lock(&lock);
	sent++;
	chan_send(values, &sent);
	mutex_unlock(&lock);
}

static void receiver(void *arg)
{
	int value;

	(void)arg;
	mutex_lock(&lock);
	expected = sent + 1;
	mutex_unlock(&lock);
	chan_recv(values, &value);
}

int main(void)
{
	struct waitgroup both = {0};

	values = chan_of(int, 0);
	waitgroup_go(&both, receiver, NULL);
	waitgroup_go(&both, sender, NULL);
	waitgroup_wait(&both);
	return 0;
}

/*
 * tests/explore/check-then-act.c, on which somebody has gone on working: a schedule of that one means the same here.
 */
#include <stdio.h>
#include <vole.h>

static struct mutex lock;
static int left = 1;
static struct chan *receipts;

static int look(void)
{
	int n;

	mutex_lock(&lock);
	n = left;
	mutex_unlock(&lock);
	return n;
}

static void customer(void *arg)
{
	int receipt[4] = {0};

	(void)arg;
	if (look() > 0) {
		mutex_lock(&lock);
		left--;
		if (left < 0)
			runtime_panic("sold twice");
		mutex_unlock(&lock);
		for (int i = 0; i < 4; i++)
			receipt[i] = i;
	}
	chan_send(receipts, &receipt);
}

int main(void)
{
	struct waitgroup both = {0};
	int receipt[4];

	receipts = chan_make(sizeof receipt, 2);
	printf("The shop is open.\n");
	waitgroup_go(&both, customer, NULL);
	waitgroup_go(&both, customer, NULL);
	waitgroup_wait(&both);
	for (int i = 0; i < 2; i++)
		chan_recv(receipts, &receipt);
	return 0;
}

/*
 * A function returns when it has its answer, and its group, which is on its stack, with members
 * that run.
 * fault: memory or race or panic
 */
#include <vole.h>

static struct chan *answers;

static int ask(void *arg)
{
	int answer = 1;

	(void)arg;
	return chan_send(answers, &answer);
}

static void first_answer(void *arg)
{
	struct group group;
	int answer;

	(void)arg;
	group_init(&group, TIME_NEVER);
	group_go(&group, ask, NULL);
	group_go(&group, ask, NULL);
	chan_recv(answers, &answer);
}

int main(void)
{
	answers = chan_of(int, 2);
	go(first_answer, NULL);
	time_sleep(NSEC_PER_SEC);
	return 0;
}

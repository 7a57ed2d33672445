/*
 * Who asks goes on when it has one answer, and frees the question with its group, of which a member
 * still runs.
 * fault: memory or race
 */
#include <stdlib.h>
#include <vole.h>

struct question {
	struct group group;
	struct chan *answers;
	_Atomic int asked;
};

static int ask(void *arg)
{
	struct question *question = arg;
	int answer = ++question->asked;

	return chan_send(question->answers, &answer);
}

int main(void)
{
	struct question *question = calloc(1, sizeof *question);
	int answer;

	question->answers = chan_of(int, 2);
	group_init(&question->group, TIME_NEVER);
	group_go(&question->group, ask, question);
	group_go(&question->group, ask, question);
	chan_recv(question->answers, &answer);
	free(question);
	time_sleep(NSEC_PER_SEC);
	return 0;
}

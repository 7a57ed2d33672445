/* A future whose function waits for ever and who awaits it; a generator that nobody has any more, begun and
 * not begun; a member of a group that is not cancelled. */
// leaks: 1 "stuck_function" waiting for chan receive
// leaks: 1 "awaits" waiting for future await
// leaks: 1 "numbers" waiting for generator
// leaks: 1 "gen_run" waiting for generator
// leaks: 1 "member" waiting for chan receive
// leaks: 1 "joins" waiting for group wait
#include <stdlib.h>
#include <vole.h>

static void *stuck_function(void *c)
{
	chan_recv((struct chan *)c, (int *)NULL);
	return NULL;
}

static void awaits(void *unused)
{
	struct future f;

	(void)unused;
	future_start(&f, stuck_function, chan_of(int, 0));
	future_await(&f, NULL);
}

static void numbers(struct gen *g, void *unused)
{
	(void)unused;
	for (int i = 0; !gen_yield(g, &i); i++)
		;
}

static void take_two(void)
{
	struct gen *g = gen_make(numbers, NULL, sizeof(int));
	int n;

	gen_make(numbers, NULL, sizeof(int));
	gen_next(g, &n);
	gen_next(g, &n);
}

static int member(void *c)
{
	return chan_recv((struct chan *)c, (int *)NULL);
}

static void joins(void *unused)
{
	struct group group;

	(void)unused;
	group_init(&group, TIME_NEVER);
	group_go(&group, member, chan_of(int, 0));
	group_wait(&group);
}

int main(void)
{
	go(awaits, NULL);
	take_two();
	go(joins, NULL);
	time_sleep(10 * NSEC_PER_MSEC);
	return 0;
}

/*
 * With preemption switched off, two coroutines spin for a flag. When they have both cores, who is
 * to set the flag gets no turn.
 * fault: starvation or hang
 */
#include <vole.h>

static _Atomic bool flag;

static void spin(void *arg)
{
	(void)arg;
	while (!flag)
		;
}

static void set(void *arg)
{
	(void)arg;
	flag = true;
}

int main(void)
{
	struct waitgroup all = {0};

	runtime_set_quantum(0);
	waitgroup_go(&all, spin, NULL);
	waitgroup_go(&all, set, NULL);
	waitgroup_go(&all, spin, NULL);
	waitgroup_wait(&all);
	return 0;
}

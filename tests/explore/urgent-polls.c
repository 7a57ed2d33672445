/*
 * Urgent coroutines look again and again for what a normal one does. When there is one on each
 * core, the normal one gets no turn.
 * fault: starvation or hang
 */
#include <vole.h>

static _Atomic bool done;

static void poll(void *arg)
{
	(void)arg;
	while (!done)
		go_yield();
}

static void work(void *arg)
{
	(void)arg;
	done = true;
}

static void start_poll(int core)
{
	struct go_options options = {.name = "poll", .core = 1 + core, .priority = 1};

	go_with(&options, poll, NULL);
}

int main(void)
{
	for (int core = 1; core < runtime_cores(); core++)
		start_poll(core);
	go(work, NULL);
	start_poll(0);
	while (runtime_count() > 1)
		time_sleep(NSEC_PER_MSEC);
	return 0;
}

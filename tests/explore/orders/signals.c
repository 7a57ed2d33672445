/* A signal's handler sees what was there before it was set. */
#include <signal.h>
#include <stdlib.h>
#include <vole.h>

static int told;

static void handler(int sig)
{
	(void)sig;
	if (told != 1)
		exit(1);
}

static void leave(int sig)
{
	(void)sig;
	exit(told != 1);
}

static void raiser(void *arg)
{
	(void)arg;
	for (int i = 0; i < 10; i++) {
		raise(SIGCHLD);
		go_yield();
	}
}

static void ender(void *arg)
{
	while (signal(SIGUSR1, SIG_DFL) != SIG_IGN)
		go_yield();
	(void)arg;
	abort();
}

int main(void)
{
	struct waitgroup all = {0};

	waitgroup_go(&all, raiser, NULL);
	go(ender, NULL);
	told = 1;
	signal(SIGCHLD, handler);
	signal(SIGABRT, leave);
	waitgroup_wait(&all);
	signal(SIGUSR1, SIG_IGN);
	time_sleep(NSEC_PER_SEC);
	return 1;
}

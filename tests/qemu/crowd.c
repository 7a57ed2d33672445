/* For debugger.py: many come by where one is stepped. */
#include <vole.h>

static struct mutex m;
static volatile int n;

static __attribute__((noinline)) void meet(void)
{
	mutex_lock(&m);
	n++;
	mutex_unlock(&m);
}

static void beside(void *arg)
{
	(void)arg;
	for (;;) {
		meet();
		n++;
		go_yield();
	}
}

int main(void)
{
	for (int i = 0; i < 6; i++)
		go(beside, NULL);
	time_sleep(TIME_NEVER);
}

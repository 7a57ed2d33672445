/* Blocks that nothing points to, of thirteen places: those with the most bytes are told of first. */
#include <stdlib.h>
#include <string.h>
#include <vole.h>

#define LOSE(n) \
	static __attribute__((noinline)) void lose_##n(void) \
	{ \
		char *volatile p = malloc(n); \
\
		memset(p, 1, n); \
	}

LOSE(100)
LOSE(200)
LOSE(300)
LOSE(400)
LOSE(500)
LOSE(600)
LOSE(700)
LOSE(800)
LOSE(900)
LOSE(1000)
LOSE(5000)
LOSE(10000)

static __attribute__((noinline)) void lose_channel(void)
{
	*(struct chan *volatile *)&(struct chan *){NULL} = chan_make(2000, 1);
}

static void lose(void *all)
{
	(void)all;
	lose_100();
	lose_200();
	lose_300();
	lose_400();
	for (volatile int i = 0; i < 3; i++)
		lose_500();
	lose_600();
	lose_700();
	lose_800();
	lose_900();
	lose_1000();
	lose_5000();
	lose_10000();
	lose_channel();
}

int main(void)
{
	struct waitgroup done = {0};

	waitgroup_go(&done, lose, NULL);
	waitgroup_wait(&done);
	return 0;
}

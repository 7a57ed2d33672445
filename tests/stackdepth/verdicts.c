/* Entry functions whose stacks have a bound, and others; what is right is in cases.py. */
#include <string.h>
#include <vole.h>

static struct chan *numbers;
static struct mutex mutex;
static struct once once;
static struct waitgroup all;
static volatile int limit = 3;
static go_fn *volatile anything;

static void leaf(void *arg)
{
	(void)arg;
	limit++;
}

static void receives(void *arg)
{
	int n;

	(void)arg;
	while (chan_recv(numbers, &n) == 0)
		limit += n;
}

static void sends(void *arg)
{
	(void)arg;
	for (int n = 0; n < limit; n++)
		chan_send(numbers, &n);
}

static void locks(void *arg)
{
	(void)arg;
	mutex_lock(&mutex);
	limit++;
	mutex_unlock(&mutex);
}

static void sleeps(void *arg)
{
	(void)arg;
	time_sleep(1000);
	go_yield();
}

static void joins(void *arg)
{
	struct waitgroup wg = {0};

	(void)arg;
	waitgroup_go(&wg, leaf, NULL);
	waitgroup_wait(&wg);
}

static void spawns(void *arg)
{
	(void)arg;
	go(leaf, NULL);
	go_copy(leaf, &limit, sizeof(limit));
}

static void chooses(void *arg)
{
	int n = 1;
	struct select_case cases[] = {
		{numbers, SELECT_RECV, &n},
		{numbers, SELECT_SEND, &n},
	};

	(void)arg;
	chan_select(cases, 2);
}

static void once_only(void *arg)
{
	char bytes[700];

	(void)arg;
	memset(bytes, limit, sizeof(bytes));
	*(volatile char *)bytes = 1;
}

static void starts_once(void *arg)
{
	(void)arg;
	once_do(&once, once_only, NULL);
}

static void at_the_end(void *arg)
{
	volatile char bytes[1500];

	(void)arg;
	bytes[limit] = 1;
}

static void defers(void *arg)
{
	(void)arg;
	go_defer(at_the_end, NULL);
}

/* depth: pointer verdicts.c chosen[limit % 2](arg) : leaf at_the_end */
static go_fn *const chosen[] = {leaf, at_the_end};

static void noted(void *arg)
{
	chosen[limit % 2](arg);
}

static void recursive(void *arg)
{
	volatile char here = 0;

	if (limit-- > 0)
		recursive((char *)arg + here);
	limit += here;
}

static void varies(void *arg)
{
	volatile char bytes[limit];

	(void)arg;
	bytes[0] = 1;
}

static void unknown_pointer(void *arg)
{
	anything(arg);
}

static void defers_unknown(void *arg)
{
	(void)arg;
	go_defer(anything, NULL);
}

int main(void)
{
	static go_fn *const entries[] = {
		leaf,      receives, sends,           locks,          sleeps, joins,
		spawns,    chooses,  starts_once,     defers,         noted,  once_only,
		recursive, varies,   unknown_pointer, defers_unknown,
	};

	anything = leaf;
	for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++)
		waitgroup_go(&all, entries[i], NULL);
	return 0;
}

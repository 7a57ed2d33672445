/*
 * Deadlocks, by the program's argument; tests/knots/cases.py says which coroutines are the knot. Their names begin
 * with "in", those of the others with "out".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vole.h>

static void start(const char *name, void (*fn)(void *), void *arg)
{
	if (!arg || go_with(&(struct go_options){.name = name}, fn, arg) < 0)
		abort();
}

/* Each is to be where it is before the next goes on. */
static struct waitgroup not_there;

static void there(void)
{
	waitgroup_done(&not_there);
	waitgroup_wait(&not_there);
}

/* ---- Mutexes ---- */

struct two {
	struct mutex *first, *second;
};

static struct two *two(struct mutex *first, struct mutex *second)
{
	struct two *t = malloc(sizeof *t);

	*t = (struct two){first, second};
	return t;
}

static void lock_two(void *arg)
{
	const struct two *t = arg;

	mutex_lock(t->first);
	there();
	mutex_lock(t->second);
}

static void lock_second(void *arg)
{
	const struct two *t = arg;

	there();
	mutex_lock(t->second);
}

static void mutexes(void)
{
	static struct mutex a, b, c, d;

	waitgroup_add(&not_there, 4);
	start("in a", lock_two, two(&a, &b));
	start("in b", lock_two, two(&b, &a));
	start("out c", lock_two, two(&c, &a));
	start("out d", lock_second, two(&d, &c));
}

static void two_knots(void)
{
	static struct mutex a, b, c, d;

	waitgroup_add(&not_there, 4);
	start("in a", lock_two, two(&a, &b));
	start("in b", lock_two, two(&b, &a));
	start("in c", lock_two, two(&c, &d));
	start("in d", lock_two, two(&d, &c));
}

/* ---- Channels ---- */

struct line {
	struct chan *in, *out, *also;
};

static struct line *line(struct chan *in, struct chan *out, struct chan *also)
{
	struct line *l = malloc(sizeof *l);

	*l = (struct line){in, out, also};
	return l;
}

static void hand_on(void *arg)
{
	const struct line *l = arg;
	int value;

	chan_recv(l->in, &value);
	chan_send(l->out, &value);
	if (l->also)
		chan_send(l->also, &value);
}

static void channels(void)
{
	struct chan *a = chan_of(int, 0), *b = chan_of(int, 0), *c = chan_of(int, 0);
	struct chan *result = chan_of(int, 0), *end = chan_of(int, 0);

	start("in a", hand_on, line(a, b, NULL));
	start("in b", hand_on, line(b, c, result));
	start("in c", hand_on, line(c, a, NULL));
	start("out result", hand_on, line(result, end, NULL));
	start("out end", hand_on, line(end, chan_of(int, 0), NULL));
}

/* They wait for the same: work. */
static void workers(void)
{
	struct chan *work = chan_of(int, 0), *done = chan_of(int, 0);

	for (int i = 0; i < 10; i++)
		start("out", hand_on, line(work, done, NULL));
}

static void serve(void *arg)
{
	struct line *l = arg;
	int value;
	struct select_case cases[] = {{l->in, SELECT_RECV, &value, 0},
				      {l->also, SELECT_RECV, &value, 0}};

	chan_select(cases, 2);
	chan_send(l->out, &value);
}

static void selects(void)
{
	struct chan *request = chan_of(int, 0), *quit = chan_of(int, 0), *reply = chan_of(int, 0);
	struct chan *log = chan_of(int, 0);

	start("in server", serve, line(request, reply, quit));
	start("in server", serve, line(request, reply, quit));
	start("in client", hand_on, line(reply, quit, log));
	start("out", serve, line(log, chan_of(int, 0), chan_of(int, 0)));
}

/* ---- Both ---- */

struct both {
	struct rwmutex lock;
	struct chan *values;
};

static void lock_and_receive(void *arg)
{
	struct both *both = arg;
	int value;

	rwmutex_lock(&both->lock);
	there();
	chan_recv(both->values, &value);
}

static void send_locked(void *arg)
{
	struct both *both = arg;
	struct chan *values = both->values;

	there();
	rwmutex_rlock(&both->lock);
	chan_send(values, &(int){1});
}

static void locked(void)
{
	struct both *both = calloc(1, sizeof *both);

	both->values = chan_of(int, 0);
	waitgroup_add(&not_there, 2);
	start("in receiver", lock_and_receive, both);
	start("in sender", send_locked, both);
}

/* ---- main, and what is on its stack ---- */

struct work {
	struct chan *values;
	struct waitgroup done;
};

static void take_work(void *arg)
{
	struct work *work = arg;
	int value;

	while (!chan_recv(work->values, &value))
		;
	waitgroup_done(&work->done);
}

static void forgotten_close(void)
{
	struct work work = {.values = chan_of(int, 0)};

	waitgroup_add(&work.done, 2);
	start("in worker", take_work, &work);
	start("in worker", take_work, &work);
	chan_send(work.values, &(int){1});
	waitgroup_wait(&work.done);
}

/* ---- With all the memory, or with many ---- */

static void short_of_memory(void)
{
	mutexes();
	for (size_t size = 1 << 30; size >= 4096; size /= 2)
		while (malloc(size))
			;
}

static void many(void)
{
	enum { MANY = 20000 };
	struct chan *first = chan_of(int, 0), *in = first, *end = chan_of(int, 0);

	for (int i = 1; i <= MANY; i++) {
		struct chan *out = i == MANY ? first : chan_of(int, 0);

		start("in", hand_on, line(in, out, end));
		in = out;
	}
	for (int i = 0; i < MANY; i++)
		start("out", hand_on, line(end, NULL, NULL));
}

static const struct {
	const char *name;
	void (*fn)(void);
} deadlocks[] = {
	{"mutexes", mutexes},      {"two", two_knots},         {"channels", channels},
	{"workers", workers},      {"selects", selects},       {"locked", locked},
	{"main", forgotten_close}, {"short", short_of_memory}, {"many", many},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof deadlocks / sizeof *deadlocks; i++)
		if (!strcmp(argv[1], deadlocks[i].name)) {
			deadlocks[i].fn();
			go_exit();
		}
	return 1;
}

/* Who waits can go on: by a variable, a timer, a pointer in the heap, one into the middle, or one that another
 * has who can go on. */
#include <stdlib.h>
#include <vole.h>

struct holder {
	struct holder *next;
	char text[100];
	struct chan *c;
	struct mutex mutex;
};

/* The compiler leaves out what nobody reads. */
static struct chan *volatile global;
static struct holder *volatile list;
static char *volatile middle;
static struct event event;

static void on_chan(void *c)
{
	chan_recv((struct chan *)c, (int *)NULL);
}

static void on_mutex(void *m)
{
	mutex_lock(m);
	mutex_unlock(m);
}

static void on_event(void *unused)
{
	(void)unused;
	event_wait(&event);
}

static void sleeps(void *c)
{
	time_sleep(60 * NSEC_PER_SEC);
	chan_close(c);
}

static void with_deadline(void *c)
{
	chan_recv_until((struct chan *)c, (int *)NULL, time_now() + 60 * NSEC_PER_SEC);
	chan_close(c);
}

/* Each but the first waits for the one before: all go on when the first does. */
static void chain(void *arg)
{
	struct chan **ends = arg;

	chan_recv(ends[0], (int *)NULL);
	chan_close(ends[1]);
}

static struct holder *held(void)
{
	struct holder *h = calloc(1, sizeof *h);

	h->c = chan_of(int, 0);
	mutex_lock(&h->mutex);
	go(on_chan, h->c);
	go(on_mutex, &h->mutex);
	return h;
}

static void all(void)
{
	struct chan *last;

	global = chan_of(int, 0);
	go(on_chan, global);
	list = held();
	list->next = held();
	middle = held()->text + 50;
	go(on_event, NULL);
	last = chan_of(int, 0);
	go(sleeps, last);
	for (int i = 0; i < 10; i++) {
		struct chan *ends[2] = {last, chan_of(int, 0)};

		go_copy(chain, ends, sizeof ends);
		last = ends[1];
	}
	go(on_chan, last);
	last = chan_of(int, 0);
	go(with_deadline, last);
	go(on_chan, last);
}

int main(void)
{
	all();
	time_sleep(10 * NSEC_PER_MSEC);
	return 0;
}

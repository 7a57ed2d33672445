/*
 * Work that a visitor starts, to see it on the page: POST /load?what=WHAT&n=N
 *
 *   sleepers  N coroutines that sleep, and end
 *   hogs      N endless loops, for some seconds: only the timer takes them off their core
 *   pairs     N pairs that pass a token to and fro, for some seconds
 *   burst     N short computations, all started on one core: the others steal them
 */
#include <stdlib.h>
#include <string.h>

#include "httpd.h"

enum { SECONDS = 8, SLEEPER_BYTES = 6 * 1024, MOST_AT_WORK = 150000 };

static _Atomic long at_work; /* coroutines that have not ended */

static uint64_t later(void)
{
	return time_now() + SECONDS * NSEC_PER_SEC;
}

static void compute_until(uint64_t deadline)
{
	while (time_now() < deadline)
		;
}

static void sleeper(void *arg)
{
	time_sleep((uint64_t)(uintptr_t)arg % 4000 * NSEC_PER_MSEC + NSEC_PER_SEC);
	at_work--;
}

static void hog(void *arg)
{
	(void)arg;
	compute_until(later());
	at_work--;
}

static void burst(void *arg)
{
	(void)arg;
	compute_until(time_now() + 2 * NSEC_PER_MSEC);
	at_work--;
}

struct pair {
	struct chan *to, *back;
};

static void pong(void *arg)
{
	struct pair *p = arg;
	int token;

	while (!chan_recv(p->to, &token))
		chan_send(p->back, &token);
	chan_free(p->to);
	chan_free(p->back);
	free(p);
	at_work--;
}

static void ping(void *arg)
{
	struct pair *p = arg;
	uint64_t end = later();
	int token = 0;

	while (time_now() < end) {
		chan_send(p->to, &token);
		chan_recv(p->back, &token);
	}
	chan_close(p->to); /* pong frees it */
	at_work--;
}

/* ---- Starting ---- */

static bool start(go_fn *fn, long i)
{
	at_work++;
	if (!go(fn, (void *)i))
		return true;
	at_work--;
	return false;
}

static bool start_pair(go_fn *unused, long i)
{
	struct pair *p = calloc(1, sizeof *p);

	(void)unused;
	(void)i;
	if (p && (p->to = chan_of(int, 0)) && (p->back = chan_of(int, 0))) {
		at_work += 2;
		if (!go(pong, p)) {
			if (!go(ping, p))
				return true;
			at_work--;
			chan_close(p->to);
			return false;
		}
		at_work -= 2;
	}
	if (p) {
		chan_free(p->to);
		chan_free(p->back);
		free(p);
	}
	return false;
}

static const struct kind {
	const char *name;
	go_fn *fn;
	bool (*start)(go_fn *fn, long i);
	long most;
} kinds[] = {
	{"sleepers", sleeper, start, 100000},
	{"hogs", hog, start, 1000},
	{"pairs", NULL, start_pair, 1000},
	{"burst", burst, start, 10000},
};

struct job {
	const struct kind *kind;
	long n;
};

static void starter(void *arg)
{
	const struct job *job = arg;

	for (long i = 0; i < job->n; i++)
		if (!job->kind->start(job->kind->fn, i))
			break;
	at_work--;
}

/* As many as leave an eighth of the memory free. */
static long that_fit(long n)
{
	struct runtime_stats s;
	size_t keep = runtime_memory() / 8;
	long fit;

	runtime_stats(&s);
	fit = s.free_bytes > keep ? (long)((s.free_bytes - keep) / SLEEPER_BYTES) : 0;
	return n < fit ? n : fit;
}

/* The value of name in a query, or NULL. */
static const char *value_of(const char *query, const char *name)
{
	size_t len = strlen(name);

	for (; *query; query += strcspn(query, "&"), query += *query == '&')
		if (!strncmp(query, name, len) && query[len] == '=')
			return query + len + 1;
	return NULL;
}

void load_serve(struct connection *c)
{
	const char *what = value_of(c->query, "what"), *n = value_of(c->query, "n");
	struct job job = {.n = n ? strtol(n, NULL, 10) : 0};
	struct text t = {0};

	for (size_t i = 0; config.demo && what && i < sizeof kinds / sizeof *kinds; i++)
		if (strcspn(what, "&") == strlen(kinds[i].name) &&
		    !strncmp(what, kinds[i].name, strlen(kinds[i].name)))
			job.kind = &kinds[i];
	if (!job.kind || job.n < 1 || job.n > job.kind->most) {
		answer_status(c, 404, NULL);
		return;
	}
	job.n = that_fit(job.n);
	at_work++;
	if (at_work > MOST_AT_WORK || go_copy(starter, &job, sizeof job)) {
		at_work--;
		answer_status(c, 503, NULL); /* let the others end first */
		return;
	}
	text_add(&t, "{\"started\":%ld}\n", job.n);
	answer_made(c, "application/json", NULL, &t);
}

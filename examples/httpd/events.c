/*
 * What the machine does, for the page: a sampler looks at the cores every TICK and sends what it
 * saw to all viewers every TICKS of them, as server-sent events. It is there while somebody looks.
 *
 * On the core where the sampler runs it would only ever see itself, so it goes from core to core.
 * It is urgent: the page stays alive when the cores are full. A viewer that does not take what it
 * gets at once is dropped, so no viewer holds up another.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "httpd.h"

enum { CORES_MAX = 64, TICKS = 5, STATS_EVERY = 5 };
#define TICK (20 * NSEC_PER_MSEC)

struct viewer {
	int fd;
	struct event dropped;
	struct viewer *next;
};

static struct mutex lock;
static struct viewer *viewers; /* guarded by lock, as the next */
static bool sampling;

/* The sampler's own. */
static struct {
	bool known;
	char name[sizeof((struct runtime_core_stats *)0)->name];
} seen[TICKS][CORES_MAX];
static struct runtime_core_stats before[CORES_MAX];

void stats_add(struct text *t)
{
	struct runtime_stats s;

	runtime_stats(&s);
	text_add(t,
		 "\"spawned\":%llu,\"switches\":%llu,\"preemptions\":%llu,\"steals\":%llu,"
		 "\"interrupts\":%llu,\"live\":%zu,\"parked\":%zu,\"runnable\":%zu,\"stacks\":%zu,"
		 "\"heap\":%zu,"
		 "\"free\":%zu,\"memory\":%zu,\"connections\":%ld,\"accepted\":%lu,"
		 "\"requests\":%lu,\"recording\":%s",
		 (unsigned long long)s.spawned, (unsigned long long)s.switches,
		 (unsigned long long)s.preemptions, (unsigned long long)s.steals,
		 (unsigned long long)s.ipis, s.live, s.parked, s.runnable, s.stack_bytes,
		 s.heap_bytes, s.free_bytes, runtime_memory(), (long)connections_now,
		 (unsigned long)connections_ever, (unsigned long)requests_ever,
		 trace_active() ? "true" : "false");
}

void stats_serve(struct connection *c)
{
	struct text t = {0};

	text_add(&t, "{\"cores\":%d,", runtime_cores());
	stats_add(&t);
	text_add(&t, "}\n");
	answer_made(c, "application/json", "Cache-Control: no-store\r\n", &t);
}

/* ---- The sampler ---- */

static int cores(void)
{
	return runtime_cores() < CORES_MAX ? runtime_cores() : CORES_MAX;
}

static void look(int tick)
{
	struct runtime_core_stats now;

	for (int i = 0; i < cores(); i++) {
		runtime_core_stats(i, &now);
		seen[tick][i].known = now.running != go_id();
		memcpy(seen[tick][i].name, now.name, sizeof now.name);
	}
}

static void add_core(struct text *t, int core)
{
	struct runtime_core_stats now, *old = &before[core];
	uint64_t idle;

	runtime_core_stats(core, &now);
	idle = now.idle_ns - old->idle_ns;
	text_add(t, "%s{\"run\":[", core ? "," : "");
	for (int tick = 0; tick < TICKS; tick++) {
		if (tick)
			text_add(t, ",");
		if (seen[tick][core].known)
			text_add_string(t, seen[tick][core].name);
		else
			text_add(t, "null");
	}
	text_add(t,
		 "],\"queue\":%zu,\"idle\":%llu,\"switches\":%llu,\"preemptions\":%llu,"
		 "\"steals\":%llu}",
		 now.queue, (unsigned long long)(idle * 1000 / (TICKS * TICK)),
		 (unsigned long long)(now.switches - old->switches),
		 (unsigned long long)(now.preemptions - old->preemptions),
		 (unsigned long long)(now.steals - old->steals));
	*old = now;
}

static void compose(struct text *t, unsigned long number)
{
	text_add(t, "data: {\"now\":%llu,\"tick\":%d,\"cores\":[",
		 (unsigned long long)(time_now() / NSEC_PER_MSEC), (int)(TICK / NSEC_PER_MSEC));
	for (int i = 0; i < cores(); i++)
		add_core(t, i);
	text_add(t, "]");
	if (number % STATS_EVERY == 0) { /* looks at every coroutine */
		text_add(t, ",\"stats\":{");
		stats_add(t);
		text_add(t, "}");
	}
	text_add(t, "}\n\n");
}

/* False: nobody looks any more. */
static bool publish(const struct text *t)
{
	struct viewer **link = &viewers, *v;
	bool any;

	mutex_lock(&lock);
	while ((v = *link)) {
		if (!t->failed && send(v->fd, t->data, t->size, MSG_DONTWAIT) != (ssize_t)t->size) {
			*link = v->next;
			event_post(&v->dropped);
		} else {
			link = &v->next;
		}
	}
	any = sampling = viewers != NULL;
	mutex_unlock(&lock);
	return any;
}

static void sampler(void *unused)
{
	uint64_t next = time_now();
	struct text t = {0};

	(void)unused;
	for (int i = 0; i < cores(); i++)
		runtime_core_stats(i, &before[i]);
	for (unsigned long number = 0, step = 0;; number++) {
		for (int tick = 0; tick < TICKS; tick++, step++) {
			go_pin((int)(step % (unsigned)cores()));
			next += TICK;
			time_sleep_until(next);
			look(tick);
		}
		if (time_now() > next + TICKS * TICK) /* held up: no burst afterwards */
			next = time_now();
		compose(&t, number);
		if (!publish(&t))
			break;
		t.size = 0;
		t.failed = false; /* without memory the viewers get less, not nothing */
	}
	text_free(&t);
}

/* True: it runs. */
static bool join(struct viewer *v)
{
	static const struct go_options urgent = {.name = "sampler", .priority = 1};
	bool there;

	mutex_lock(&lock);
	there = sampling || go_with(&urgent, sampler, NULL) == 0;
	if (there) {
		sampling = true;
		v->next = viewers;
		viewers = v;
	}
	mutex_unlock(&lock);
	return there;
}

void events_serve(struct connection *c)
{
	static const char retry[] = "retry: 1000\n\n";
	struct viewer v = {.fd = c->fd};

	answer_head(c, &(struct answer){.status = 200,
					.type = "text/event-stream",
					.extra = "Cache-Control: no-store\r\n",
					.length = UNTIL_CLOSE});
	answer_body(c, retry, sizeof retry - 1);
	answer_flush(c);
	if (c->method != HTTP_HEAD && !c->broken && join(&v))
		event_wait(&v.dropped);
}

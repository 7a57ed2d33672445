/*
 * Nothing is written to the rings while they are read here: in a panic all other cores have stopped, and for
 * trace_print the world stands still. Names are what the rings say: nothing else can be believed in a panic, and of
 * a coroutine that has ended there is nothing else. The lines are those of tools/timeline/story.py.
 */
#include "debug/recent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <vole/trace.h>

#include "debug/calls.h"
#include "debug/print.h"
#include "debug/symtab.h"
#include "debug/trace.h"
#include "debug/who.h"
#include "debug/world.h"
#include "kernel/heap.h"
#include "kernel/lock.h"

enum { PANIC_SHOWS = 50, MOST_SHOWN = 10000, NAME_LOOKS = 2000, NEAR = 100, LINE_SIZE = 256 };

struct recent {
	struct trace_event event;
	int core;
	char name[NAME_SIZE], peer_name[NAME_SIZE];
};

static enum trace_kind event_kind(const struct trace_event *event)
{
	return event->what & 0xff;
}

/* How many events each core's ring has had when the look began: handlers here may add to it. */
static uintptr_t had[MAX_CORES];

static bool is_in_ring(int core, uintptr_t back)
{
	return back <= had[core] && back <= timeline->events;
}

/* The event of a core that was written back events before; NULL: it is gone, or not complete. */
static const struct trace_event *event_before(int core, uintptr_t back)
{
	const struct trace_ring *ring = &timeline->ring[core];
	const struct trace_event *event = &ring->events[(had[core] - back) & ring->mask];

	return is_in_ring(core, back) && event_kind(event) ? event : NULL;
}

/* ---- Names ---- */

/* The second of a pair of events with a name: fills name. */
static void join_name(char name[NAME_SIZE], const struct trace_event *first,
		      const struct trace_event *second)
{
	memcpy(name, &first->a, NAME_SIZE / 2);
	memcpy(name + NAME_SIZE / 2, &second->a, NAME_SIZE / 2);
	name[NAME_SIZE - 1] = '\0';
}

static void name_by_events(uint64_t id, char name[NAME_SIZE])
{
	size_t offset;

	strcpy(name, id > 1 ? "?" : id ? "main" : "");
	if (id <= 1)
		return;
	for (uintptr_t back = 1; back < NAME_LOOKS; back++)
		for (int core = 0; core < (int)timeline->cores; core++) {
			const struct trace_event *event = event_before(core, back), *first;
			enum trace_kind kind = event ? event_kind(event) : TRACE_NONE;
			uintptr_t fn = 0;

			if (kind == TRACE_NAME_END && event->co == id &&
			    (first = event_before(core, back + 1))) {
				join_name(name, first, event);
				return;
			}
			if ((kind == TRACE_SWITCH || kind == TRACE_EXIT) && event->co == id)
				fn = event->a;
			else if ((kind == TRACE_READY || kind == TRACE_SPAWN) && event->a == id)
				fn = event->b;
			if (fn) {
				strncpy(name, symtab_find(fn, &offset), NAME_SIZE - 1);
				name[NAME_SIZE - 1] = '\0';
				return;
			}
		}
}

/* The name of list[i].event.co, or of whom else that is about. The looks are long, and the world stands still: an event
 * soon before may be about the same. */
static void find_name(const struct recent *list, int i, uint64_t id, char name[NAME_SIZE])
{
	for (const struct recent *r = list + i; r-- > list + (i > NEAR ? i - NEAR : 0);)
		if (r->event.co == id) {
			memcpy(name, r->name, NAME_SIZE);
			return;
		}
	name_by_events(id, name);
}

/* Whom else the event is about; 0: nobody. */
static uint64_t peer_of(const struct trace_event *event)
{
	switch (event_kind(event)) {
	case TRACE_SPAWN:
	case TRACE_READY:
		return event->a;
	case TRACE_SEND_TO:
	case TRACE_RECEIVE_FROM:
	case TRACE_RECEIVE_PUT:
		return event->b;
	default:
		return 0;
	}
}

/* ---- Events ---- */

/* Takes the last n of all cores, the oldest first; how many there are. */
static int take_last(struct recent *list, int n)
{
	static uintptr_t back[MAX_CORES]; /* of the next to look at, of each core */
	int taken = 0;

	for (int core = 0; core < (int)timeline->cores; core++) {
		had[core] = timeline->ring[core].next;
		back[core] = 1;
	}
	while (taken < n) {
		int latest = 0;
		const struct trace_event *event = NULL;

		for (int core = 0; core < (int)timeline->cores; core++) {
			const struct trace_event *its;

			/* A core may have been stopped before one was complete. */
			while (!(its = event_before(core, back[core])) &&
			       is_in_ring(core, back[core]))
				back[core]++;
			if (its && (!event || its->what > event->what)) {
				event = its;
				latest = core;
			}
		}
		if (!event)
			break;
		back[latest]++;
		if (event_kind(event) == TRACE_NAME || event_kind(event) == TRACE_NAME_END)
			continue;
		list[n - ++taken] = (struct recent){.event = *event, .core = latest};
	}
	memmove(list, list + n - taken, (size_t)taken * sizeof(*list));
	for (int i = 0; i < taken; i++) {
		find_name(list, i, list[i].event.co, list[i].name);
		find_name(list, i, peer_of(&list[i].event), list[i].peer_name);
	}
	return taken;
}

/* ---- Text ---- */

static const char *const event_words[TRACE_KINDS] = {
	[TRACE_SWITCH] = "switch",
	[TRACE_PARK] = "park",
	[TRACE_YIELD] = "yield",
	[TRACE_EXIT] = "exit",
	[TRACE_SPAWN] = "spawn",
	[TRACE_READY] = "ready",
	[TRACE_INTERRUPT] = "interrupt",
	[TRACE_TIMER] = "timer",
	[TRACE_IDLE] = "idle",
	[TRACE_STEAL] = "steal",
	[TRACE_FAULT] = "fault",
	[TRACE_SEND] = "send",
	[TRACE_SEND_TO] = "send",
	[TRACE_RECEIVE] = "receive",
	[TRACE_RECEIVE_FROM] = "receive",
	[TRACE_RECEIVE_PUT] = "receive",
	[TRACE_CALL] = "call",
	[TRACE_RETURN] = "return",
	[TRACE_MARK] = "mark",
	[TRACE_BEGIN] = "begin",
	[TRACE_END] = "end",
	[TRACE_COUNT] = "count",
	[TRACE_SAMPLE] = "sample",
};

/* Appends to the line. */
static void line_add(char *line, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void line_add(char *line, const char *fmt, ...)
{
	size_t used = strlen(line);
	va_list args;

	va_start(args, fmt);
	vformat(line + used, LINE_SIZE - used, fmt, args);
	va_end(args);
}

static void add_detail(char *line, const struct recent *r)
{
	const struct trace_event *event = &r->event;
	enum trace_kind kind = event_kind(event);

	line_add(line, "%s", event_words[kind]);
	switch (kind) {
	case TRACE_PARK:
		line_add(line, " %s", event->a < WAIT_REASONS ? wait_reason_names[event->a] : "?");
		if (event->b)
			line_add(line, " 0x%lx", event->b);
		break;
	case TRACE_SPAWN:
	case TRACE_READY:
		line_add(line, " %lu \"%s\"", event->a, r->peer_name);
		break;
	case TRACE_INTERRUPT:
		if (event->a <= INT64_MAX)
			line_add(line, " %lu", event->a);
		break;
	case TRACE_STEAL:
		line_add(line, " %lu from core %lu", event->b, event->a);
		break;
	case TRACE_FAULT:
		line_add(line, " 0x%lx", event->a);
		break;
	case TRACE_SEND:
	case TRACE_RECEIVE:
		line_add(line, " 0x%lx buffered %lu", event->a, event->b);
		break;
	case TRACE_SEND_TO:
	case TRACE_RECEIVE_FROM:
	case TRACE_RECEIVE_PUT:
		line_add(line, " 0x%lx %s %lu \"%s\"", event->a,
			 kind == TRACE_SEND_TO        ? "to"
			 : kind == TRACE_RECEIVE_FROM ? "from"
						      : "and put from",
			 event->b, r->peer_name);
		break;
	case TRACE_CALL:
	case TRACE_RETURN:
	case TRACE_COUNT:
		line_add(line, " %s %ld", (const char *)event->a, (int64_t)event->b);
		break;
	case TRACE_MARK:
	case TRACE_BEGIN:
		line_add(line, " %s", (const char *)event->a);
		break;
	case TRACE_SAMPLE:
		line_add(line, " live %lu free %lu", event->a, event->b);
		break;
	default:
		break;
	}
}

/* Who began to run on each core, and has not stopped by itself: what runs next has preempted that. */
struct running {
	const struct recent *on[MAX_CORES];
};

/* Calls put for each of n events. */
static void put_events(const struct recent *list, int n, void (*put)(const char *line, void *to),
		       void *to, struct running *running)
{
	char line[LINE_SIZE];

	memset(running, 0, sizeof(*running));
	for (const struct recent *r = list; r < list + n; r++) {
		const struct recent **on = &running->on[r->core];
		enum trace_kind kind = event_kind(&r->event);

		line[0] = '\0';
		if (kind == TRACE_SWITCH) {
			if (*on && (*on)->event.co == r->event.co)
				continue;
			if (*on)
				line_add(line, "%lu core %d co %lu \"%s\" preempt\n",
					 r->event.what >> 8, r->core, (*on)->event.co, (*on)->name);
			*on = r;
		} else if (kind == TRACE_PARK || kind == TRACE_YIELD || kind == TRACE_EXIT) {
			*on = NULL;
		}
		if (line[0])
			put(line, to);
		line[0] = '\0';
		line_add(line, "%lu core %d co %lu \"%s\" ", r->event.what >> 8, r->core,
			 r->event.co, r->name);
		add_detail(line, r);
		line_add(line, "\n");
		put(line, to);
	}
}

/* ---- Who asks ---- */

static void recent_to_console(const char *line, void *)
{
	print("%s", line);
}

void recent_panic(void)
{
	static struct recent list[PANIC_SHOWS];
	static struct running running;
	int n = take_last(list, PANIC_SHOWS);

	print("the last %d events:\n", n);
	put_events(list, n, recent_to_console, NULL, &running);
}

static void recent_to_file(const char *line, void *to)
{
	fputs(line, to);
}

int trace_print(FILE *to, int n)
{
	struct recent *list;
	struct running *running;
	bool stopped;

	call_may_wait("trace_print");
	if (!to || n < 0)
		return -EINVAL;
	if (!shared_get(timeline))
		return -ENODATA;
	if (n > MOST_SHOWN)
		n = MOST_SHOWN;
	list = heap_alloc(sizeof(*running) + (size_t)n * sizeof(*list));
	if (!list)
		return -ENOMEM;
	running = (struct running *)(list + n);
	mutex_lock(&world_lock);
	preempt_disable();
	stopped = world_stop();
	if (stopped) {
		n = take_last(list, n);
		world_go_on();
	}
	preempt_enable();
	mutex_unlock(&world_lock);
	if (stopped)
		put_events(list, n, recent_to_file, to, running);
	heap_free(list);
	return stopped ? n : -EBUSY;
}

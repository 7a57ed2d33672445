/*
 * Fan-in: weather stations report when they have something to say, each into a channel of its own;
 * main listens to all of them with one select. Two stations say goodbye (close); the third breaks
 * down, and the select's deadline tells. Try `make run APP=examples/fanin.c`.
 */
#include <stdio.h>
#include <vole.h>

#define STATIONS 3
#define PATIENCE NSEC_PER_SEC /* for how long all may be silent */

struct station {
	const char *name;
	int reports;
	bool breaks_down;
	uint64_t pause;
	struct chan *out; /* of int: the temperature */
};

static void report(void *arg)
{
	struct station *s = arg;

	for (int i = 0; i < s->reports; i++) {
		int celsius = 10 + i;

		time_sleep(s->pause);
		chan_send(s->out, &celsius);
	}
	if (!s->breaks_down)
		chan_close(s->out);
}

int main(void)
{
	struct station stations[STATIONS] = {
		{.name = "Athens", .reports = 9, .pause = 3 * NSEC_PER_MSEC},
		{.name = "Bergen", .reports = 4, .pause = 7 * NSEC_PER_MSEC},
		{.name = "Cairo", .reports = 2, .pause = 5 * NSEC_PER_MSEC, .breaks_down = true},
	};
	struct select_case cases[STATIONS];
	int celsius, heard[STATIONS] = {0}, open = STATIONS;

	for (int i = 0; i < STATIONS; i++) {
		stations[i].out = chan_of(int, 0);
		cases[i] = (struct select_case){stations[i].out, SELECT_RECV, &celsius};
		if (!stations[i].out || go(report, &stations[i]) < 0) {
			fprintf(stderr, "fanin: no memory\n");
			return 1;
		}
	}
	while (open > 0) {
		int i = chan_select_until(cases, STATIONS, time_now() + PATIENCE);

		if (i < 0) /* -ETIMEDOUT */
			break;
		if (cases[i].status == 0) {
			printf("%s: %d degrees\n", stations[i].name, celsius);
			heard[i]++;
		} else { /* -EPIPE: closed. A case without a channel is never ready. */
			printf("%s: that was all\n", stations[i].name);
			cases[i].chan = NULL;
			open--;
		}
	}
	for (int i = 0; i < STATIONS; i++)
		printf("%-6s  %d reports%s\n", stations[i].name, heard[i],
		       cases[i].chan ? ", then silence" : "");
	return 0;
}

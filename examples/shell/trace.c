/* trace: what has happened lately, as the kernel's recorder has it. */
#include <errno.h>
#include <string.h>

#include "shell.h"

static bool started; /* by trace on */

static void trace_on(void)
{
	if (trace_active()) {
		printf("trace: it is on\n");
		return;
	}
	trace_start();
	started = trace_active();
	if (started) {
		printf("trace: on; trace shows the last events, trace off ends it\n");
		return;
	}
	trace_stop();
	printf("trace: there is no memory for it\n");
}

static void trace_off(void)
{
	if (started)
		trace_stop();
	started = false;
	printf("trace: %s\n", trace_active() ? "TRACE= records until the machine stops" : "off");
}

void trace(int argc, char **argv)
{
	uint64_t n = 20;
	int shown;

	if (argc == 2 && strcmp(argv[1], "on") == 0) {
		trace_on();
		return;
	}
	if (argc == 2 && strcmp(argv[1], "off") == 0) {
		trace_off();
		return;
	}
	if (!take_number(argc, argv, 1, 10000, &n))
		return;
	shown = trace_print(stdout, (int)n);
	if (shown == -ENODATA)
		printf("trace: nothing is recorded; trace on begins\n");
	else if (shown < 0)
		printf("trace: %s\n", shown == -ENOMEM ? "out of memory" : "a core does not stop");
}

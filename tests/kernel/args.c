/* Prints its arguments, each in brackets; or, for the words date and random, these. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Whether the three clocks have one date; it, as it is in Greenwich and, by TZ, in Berlin; and whether an
 * hour that has passed is waited for. */
static void tell_date(void)
{
	time_t now = time(NULL);
	struct timeval tv;
	struct timespec ts;
	char text[40];

	gettimeofday(&tv, NULL);
	clock_gettime(CLOCK_REALTIME, &ts);
	/* Whatever time passes between two calls: what comes later is later. */
	printf("%d %d ", tv.tv_sec >= now && ts.tv_sec >= tv.tv_sec, time(NULL) >= ts.tv_sec);
	strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", gmtime(&now));
	printf("%s ", text);
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	strftime(text, sizeof text, "%d %H:%M %Z", localtime(&now));
	ts.tv_sec -= 3600;
	printf("%s %d\n", text, clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL));
}

/* The first numbers that there are. */
static void tell_random(void)
{
	uint64_t n[2];

	for (int i = 0; i < 2; i++)
		if (getentropy(&n[i], sizeof n[i]))
			exit(1);
	printf("%016" PRIx64 " %016" PRIx64 "\n", n[0], n[1]);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "random") == 0) {
		tell_random();
		return 0;
	}
	if (argc > 1 && strcmp(argv[1], "date") == 0) {
		tell_date();
		return 0;
	}
	for (int i = 1; i < argc; i++)
		printf("[%s]", argv[i]);
	printf(" %d %s\n", argc, argv[argc] == NULL ? "NULL" : "?");
	printf("argv[0] is %s\n", argv[0]);
	return 0;
}

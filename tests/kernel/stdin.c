/*
 * Standard input. tests/qemu writes it, and compares what this prints.
 *	stdin lines	each line in brackets, then "end of file"
 *	stdin sum	how many bytes came, and a sum over them
 *	stdin wait	prints "ticking" when another coroutine has run while main waits for input
 *	stdin two	two coroutines share the lines
 */
#include <fcntl.h>
#include <unistd.h>

#include "test.h"

static void read_lines(const char *who)
{
	char line[300];

	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = '\0';
		printf("%s[%s]\n", who, line);
	}
	printf("%send of file %d\n", who, feof(stdin) != 0);
}

static void sum_all(void)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	long count = 0;
	int c;

	while ((c = getchar()) != EOF) {
		hash = (hash ^ (unsigned)c) * 16777619u;
		count++;
	}
	printf("%ld bytes, sum %08lx\n", count, (unsigned long)hash);
}

static void tick(void *arg)
{
	(void)arg;
	for (int i = 0; i < 20; i++)
		time_sleep(NSEC_PER_MSEC);
	printf("ticking\n");
	fflush(stdout);
}

static void read_nothing(void)
{
	int flags = fcntl(STDIN_FILENO, F_GETFL);
	char byte;

	fcntl(STDIN_FILENO, F_SETFL, flags | O_NONBLOCK);
	errno = 0;
	if (read(STDIN_FILENO, &byte, 1) == -1 && errno == EAGAIN)
		tick(NULL);
	fcntl(STDIN_FILENO, F_SETFL, flags);
}

static struct waitgroup readers;

static void reader(void *arg)
{
	read_lines(arg);
	waitgroup_done(&readers);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "lines";

	printf("ready\n");
	fflush(stdout);
	if (strcmp(mode, "sum") == 0) {
		sum_all();
	} else if (strcmp(mode, "two") == 0) {
		waitgroup_add(&readers, 2);
		go(reader, "a");
		go(reader, "b");
		waitgroup_wait(&readers);
	} else {
		if (strcmp(mode, "wait") == 0)
			go(tick, NULL);
		if (strcmp(mode, "now") == 0)
			read_nothing();
		read_lines("");
	}
	return 0;
}

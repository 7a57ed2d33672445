/* The table of commands, those of a few lines, and what finds a command for a line. */
#include <stdlib.h>
#include <string.h>

#include "shell.h"

enum { MAX_WORDS = 64 };

static void help(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (const struct command *c = commands; c->name; c++) {
		char call[32];

		snprintf(call, sizeof call, "%s %s", c->name, c->arguments);
		printf("  %-16s %s\n", call, c->what);
	}
	printf("A line may hold several commands, with ';' between them.\n");
}

static void echo(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		printf("%s%s", argv[i], i + 1 < argc ? " " : "");
	printf("\n");
}

static void quit(int argc, char **argv)
{
	uint64_t status = 0;

	if (take_number(argc, argv, 0, 255, &status))
		exit((int)status);
}

const struct command commands[] = {
	{"tour", "", "what Vole does, in a minute", tour},
	{"ps", "[MOST]", "the coroutines: what they do, what they wait for", ps},
	{"cores", "", "the cores: how busy since the last time, and with what", core_table},
	{"top", "[SECONDS]", "who uses the processors: in a second, or again and again", top},
	{"prof", "[SECONDS]", "which functions take the time, and what is waited for", prof},
	{"trace", "[on|off|N]", "records what happens; shows the last N events (20)", trace},
	{"sieve", "[N]", "the N-th prime (300th), by a chain of channels", sieve},
	{"skynet", "[N]", "N coroutines (10000) summed up by a tree of others", skynet},
	{"hog", "[SECONDS]", "an endless loop on each core; go on typing", hog},
	{"ls", "[PATH]", "the files packed with FILES=", ls},
	{"cat", "PATH...", "a file's contents", cat},
	{"wc", "[PATH...]", "lines, words and bytes, one coroutine a file", wc},
	{"echo", "[WORD...]", "says it", echo},
	{"help", "", "this list", help},
	{"quit", "[STATUS]", "powers off, with an exit status", quit},
	{0},
};

static void run_command(char *text)
{
	char *argv[MAX_WORDS + 1];
	int argc = 0;

	for (char *word = strtok(text, " \t"); word; word = strtok(NULL, " \t")) {
		if (argc == MAX_WORDS) {
			printf("%s: more than %d words\n", argv[0], MAX_WORDS);
			return;
		}
		argv[argc++] = word;
	}
	argv[argc] = NULL;
	if (argc == 0)
		return;
	for (const struct command *c = commands; c->name; c++) {
		if (strcmp(c->name, argv[0]) == 0) {
			c->run(argc, argv);
			return;
		}
	}
	printf("%s: no such command; help lists them\n", argv[0]);
}

void run_line(char *line)
{
	while (line) {
		char *next = strchr(line, ';');

		if (next)
			*next++ = '\0';
		run_command(line);
		line = next;
	}
}

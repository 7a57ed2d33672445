/*
 * The shell that `make run` boots: greets with the machine, then runs commands, from a person, a
 * pipe, or the arguments (-c 'tour; quit 3').
 */
#include <string.h>

#include "shell.h"

enum { LINE_SIZE = 1024 };

static void greet(uint64_t started)
{
	int cores = runtime_cores();

	printf("Vole on %s\n", runtime_processor());
	printf("%d core%s, %s of memory; main began %s after power-on\n", cores,
	       cores == 1 ? "" : "s", show_bytes(runtime_memory()).s, show_time(started).s);
	printf("Type tour for a guided minute, help for the commands.\n\n");
}

/*
 * The words from argv[0] on, as one line. The kernel groups words by double quotes only: a line in
 * single quotes, which are handier in ARGS="-c 'tour; quit 3'", arrives in pieces.
 */
static void join(char *line, size_t size, char **argv)
{
	size_t used = 0;

	line[0] = '\0';
	for (; *argv && used < size; argv++)
		used += snprintf(line + used, size - used, "%s%s", used ? " " : "", *argv);
	used = strlen(line);
	if (used >= 2 && line[0] == '\'' && line[used - 1] == '\'') {
		line[used - 1] = '\0';
		memmove(line, line + 1, used - 1);
	}
}

int main(int argc, char **argv)
{
	uint64_t started = time_now();
	static char line[LINE_SIZE];

	if (argc > 2 && strcmp(argv[1], "-c") == 0) {
		join(line, sizeof line, argv + 2);
		run_line(line);
		return 0;
	}
	if (argc > 1) {
		fprintf(stderr, "%s: unknown option\nusage: shell [-c 'COMMAND; COMMAND...']\n",
			argv[1]);
		return 2;
	}
	greet(started);
	while (read_line("vole> ", line, sizeof line))
		run_line(line);
	return 0;
}

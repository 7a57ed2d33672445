#include <stdbool.h>
#include <string.h>

#include "arch/arch.h"
#include "debug/panic.h"
#include "debug/print.h"
#include "kernel/start.h"

enum { WORDS_MAX = COMMAND_LINE_SIZE / 2, VALUES = 8 };

struct options options;

static const char *const names[VALUES] = {"log", "stdin", "stdout", "name",
					  "ip",  "trace", "leaks",  "profile"};
static const char *values[VALUES];

static char line_copy[COMMAND_LINE_SIZE];
static char *words[WORDS_MAX + 1];

const char *option(const char *name)
{
	for (int i = 0; i < VALUES; i++)
		if (!strcmp(names[i], name))
			return values[i];
	return NULL;
}

/* Takes NAME=VALUE. */
static void take_option(const char *text)
{
	for (int i = 0; i < VALUES; i++) {
		size_t length = strlen(names[i]);

		if (!strncmp(text, names[i], length) && text[length] == '=') {
			values[i] = text + length + 1;
			return;
		}
	}
	log_warn("unknown option vole.%s (there are vole.log=, vole.stdin=, vole.stdout=, "
		 "vole.name=, vole.ip=, vole.trace=, vole.leaks=, vole.profile=)\n",
		 text);
}

/* Ends the word that begins at from, with its quotes taken out; returns what is behind it. */
static char *word_end(char *from)
{
	char *to = from;
	bool quoted = false;

	for (; *from && (quoted || (*from != ' ' && *from != '\t' && *from != '\n')); from++) {
		if (*from == '"')
			quoted = !quoted;
		else
			*to++ = *from;
	}
	if (*from)
		from++;
	*to = '\0';
	return from;
}

void options_parse(const char *line)
{
	char *at = line_copy;

	options.argv = words;
	options.argc = 1;
	if (machine.command_line_cut)
		panic("the command line is too long: at most %d bytes are taken",
		      COMMAND_LINE_SIZE - 1);
	strncpy(line_copy, line, sizeof(line_copy) - 1);
	for (;;) {
		while (*at == ' ' || *at == '\t' || *at == '\n')
			at++;
		if (!*at)
			break;

		char *word = at;

		at = word_end(at);
		if (!strncmp(word, "vole.", 5))
			take_option(word + 5);
		else
			words[options.argc++] = word;
	}
	words[0] = (char *)(option("name") ? option("name") : "vole");

	const char *level = option("log");

	if (level && !strcmp(level, "info"))
		log_level = LOG_INFO;
	else if (level && !strcmp(level, "debug"))
		log_level = LOG_DEBUG;
	else if (level && strcmp(level, "warn"))
		log_warn("vole.log=%s: not one of warn, info, debug\n", level);
}

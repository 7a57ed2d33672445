/*
 * A line editor, which has the terminal's own switched off, from the first line to the program's end.
 *
 * A line that is only typed, not edited, is echoed byte for byte: what a pipe sends looks in a log
 * as if somebody had typed it. Everything else changes the text first and marks the screen stale;
 * it is drawn anew, with escape sequences, only when there is nothing left to read.
 * One coroutine at a time reads lines.
 */
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "shell.h"

enum {
	CTRL_A = 1,
	CTRL_B,
	CTRL_C,
	CTRL_D,
	CTRL_E,
	CTRL_F,
	CTRL_H = 8,
	TAB,
	NEWLINE,
	CTRL_K,
	CTRL_L
};
enum { CTRL_N = 14, CTRL_P = 16, CTRL_U = 21, CTRL_W = 23, ESCAPE = 27, DELETE = 127 };
enum { HISTORY_SIZE = 50, SCREEN_COLUMNS = 80 };

static struct {
	const char *prompt;
	char *text;
	size_t size, length, cursor; /* in bytes */
	bool stale;                  /* the screen does not show the text */
	int browsed;                 /* the place in history that text came from */
	char *draft;                 /* what was typed before going up in it */
} line;

static char *history[HISTORY_SIZE];
static int history_count;

/* The later bytes of a character in UTF-8 take no column. */
static bool is_continuation(char byte)
{
	return (byte & 0xc0) == 0x80;
}

static int columns(size_t from, size_t to)
{
	int count = 0;

	for (; from < to; from++)
		count += !is_continuation(line.text[from]);
	return count;
}

/* Shows as much of a long line as fits, with the cursor in it. */
static void draw(void)
{
	int prompt_columns = (int)strlen(line.prompt);
	int room = SCREEN_COLUMNS - 1 - prompt_columns;
	size_t from = 0, to = line.length;

	while (columns(from, line.cursor) > room)
		from++;
	while (columns(from, to) > room)
		to--;
	while (from < to && is_continuation(line.text[from]))
		from++;
	printf("\r%s%.*s\033[K\r\033[%dC", line.prompt, (int)(to - from), line.text + from,
	       prompt_columns + columns(from, line.cursor));
	line.stale = false;
}

static struct termios as_it_was;

static void set_terminal_back(void)
{
	tcsetattr(STDIN_FILENO, TCSADRAIN, &as_it_was);
}

/* Every key is for us, but for those that end the program or have it dumped. */
static void take_terminal(void)
{
	static bool asked;
	struct termios ours;

	if (asked)
		return;
	asked = true;
	if (tcgetattr(STDIN_FILENO, &as_it_was) < 0)
		return; /* a pipe */
	ours = as_it_was;
	ours.c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN);
	ours.c_iflag |= ICRNL;
	ours.c_cc[VMIN] = 1;
	ours.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &ours);
	atexit(set_terminal_back);
}

/* -1: the input has ended, and stays so. */
static int read_byte(void)
{
	static unsigned char buffer[128];
	static ssize_t have, used;
	static bool ended;

	if (used == have && !ended) {
		if (line.stale)
			draw();
		fflush(stdout);
		have = read(STDIN_FILENO, buffer, sizeof buffer);
		used = 0;
		ended = have <= 0;
	}
	return ended ? -1 : buffer[used++];
}

static void insert(char byte)
{
	if (line.length + 1 == line.size) {
		putchar('\a');
		return;
	}
	memmove(line.text + line.cursor + 1, line.text + line.cursor, line.length - line.cursor);
	line.text[line.cursor++] = byte;
	line.length++;
	if (line.cursor == line.length && !line.stale)
		putchar(byte);
	else
		line.stale = true;
}

static void erase(size_t from, size_t to)
{
	memmove(line.text + from, line.text + to, line.length - to);
	line.length -= to - from;
	line.cursor = from;
	line.stale = true;
}

static void move(size_t to)
{
	line.stale = line.stale || to != line.cursor;
	line.cursor = to;
}

static size_t character_before(size_t at)
{
	do {
		at -= at > 0;
	} while (at > 0 && is_continuation(line.text[at]));
	return at;
}

static size_t character_after(size_t at)
{
	do {
		at += at < line.length;
	} while (at < line.length && is_continuation(line.text[at]));
	return at;
}

static size_t word_before(size_t at)
{
	while (at > 0 && line.text[at - 1] == ' ')
		at--;
	while (at > 0 && line.text[at - 1] != ' ')
		at--;
	return at;
}

static void replace(const char *text)
{
	line.length = strlen(text);
	if (line.length >= line.size)
		line.length = line.size - 1;
	memcpy(line.text, text, line.length);
	line.cursor = line.length;
	line.stale = true;
}

/* To another place in history; behind the last is what was typed. */
static void browse(int place)
{
	if (place < 0 || place > history_count)
		return;
	if (line.browsed == history_count) {
		free(line.draft);
		line.draft = strndup(line.text, line.length);
	}
	line.browsed = place;
	if (place < history_count)
		replace(history[place]);
	else
		replace(line.draft ? line.draft : "");
}

static void remember(const char *text)
{
	char *copy;

	if (*text == '\0' || (history_count && strcmp(history[history_count - 1], text) == 0))
		return;
	copy = strdup(text);
	if (!copy)
		return; /* one line less to go back to */
	if (history_count == HISTORY_SIZE) {
		free(history[0]);
		memmove(history, history + 1, sizeof history - sizeof *history);
		history_count--;
	}
	history[history_count++] = copy;
}

/* Completes the name of a command as far as it is certain; lists them where it is not. */
static void complete(void)
{
	const char *known = NULL;
	size_t start = line.length, typed, certain = 0;
	int matches = 0;

	while (start > 0 && !strchr("; ", line.text[start - 1]))
		start--;
	for (size_t i = start; i > 0 && line.text[i - 1] != ';'; i--) {
		if (line.text[i - 1] != ' ')
			return; /* not the first word of a command */
	}
	typed = line.length - start;
	for (const struct command *c = commands; c->name; c++) {
		if (strncmp(c->name, line.text + start, typed) != 0)
			continue;
		if (matches++ == 0) {
			known = c->name;
			certain = strlen(known);
		}
		while (strncmp(c->name, known, certain) != 0)
			certain--;
	}
	if (line.cursor != line.length || matches == 0)
		return;
	for (size_t i = typed; i < certain; i++)
		insert(known[i]);
	if (matches == 1) {
		insert(' ');
	} else if (certain == typed) {
		printf("\n");
		for (const struct command *c = commands; c->name; c++) {
			if (strncmp(c->name, known, certain) == 0)
				printf("%s ", c->name);
		}
		printf("\n");
		line.stale = true;
	}
}

/* ESC [ or ESC O, parameters, and a letter; keys of editing pads: ESC [ number ~. */
static void escape_sequence(void)
{
	int c = read_byte(), number = 0;

	if (c != '[' && c != 'O')
		return;
	while ((c = read_byte()) >= ' ' && c < '@')
		number = c == ';' ? 0 : number * 10 + (c & 15);
	switch (c == '~' ? number : c) {
	case 'A':
		browse(line.browsed - 1);
		break;
	case 'B':
		browse(line.browsed + 1);
		break;
	case 'C':
		move(character_after(line.cursor));
		break;
	case 'D':
		move(character_before(line.cursor));
		break;
	case 'H':
	case 1:
	case 7:
		move(0);
		break;
	case 'F':
	case 4:
	case 8:
		move(line.length);
		break;
	case 3:
		erase(line.cursor, character_after(line.cursor));
		break;
	}
}

static void edit(int c)
{
	switch (c) {
	case CTRL_A:
		move(0);
		break;
	case CTRL_E:
		move(line.length);
		break;
	case CTRL_B:
		move(character_before(line.cursor));
		break;
	case CTRL_F:
		move(character_after(line.cursor));
		break;
	case CTRL_D:
		erase(line.cursor, character_after(line.cursor));
		break;
	case CTRL_H:
	case DELETE:
		erase(character_before(line.cursor), line.cursor);
		break;
	case CTRL_U:
		erase(0, line.cursor);
		break;
	case CTRL_K:
		erase(line.cursor, line.length);
		break;
	case CTRL_W:
		erase(word_before(line.cursor), line.cursor);
		break;
	case CTRL_L:
		printf("\033[H\033[2J");
		line.stale = true;
		break;
	case CTRL_P:
		browse(line.browsed - 1);
		break;
	case CTRL_N:
		browse(line.browsed + 1);
		break;
	case TAB:
		complete();
		break;
	case ESCAPE:
		escape_sequence();
		break;
	default:
		if (c >= ' ')
			insert((char)c);
		break;
	}
}

static void begin(void)
{
	free(line.draft);
	line.draft = NULL;
	line.length = line.cursor = 0;
	line.browsed = history_count;
	line.stale = false;
	printf("%s", line.prompt);
}

bool read_line(const char *prompt, char *text, size_t size)
{
	int c;

	take_terminal();
	line.prompt = prompt;
	line.text = text;
	line.size = size;
	begin();
	while ((c = read_byte()) != NEWLINE && c != -1) {
		if (c == CTRL_D && line.length == 0)
			break;
		if (c == CTRL_C) {
			printf("^C\n");
			begin();
		} else {
			edit(c);
		}
	}
	if (line.stale)
		draw();
	printf("\n");
	text[line.length] = '\0';
	remember(text);
	return c == NEWLINE || line.length > 0;
}

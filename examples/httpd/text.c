#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "httpd.h"

enum { FIRST_ROOM = 2048 };

void text_add(struct text *t, const char *fmt, ...)
{
	va_list args;
	int n;

	for (;;) {
		size_t left = t->room - t->size;

		va_start(args, fmt);
		n = vsnprintf(t->data ? t->data + t->size : NULL, left, fmt, args);
		va_end(args);
		if (n < 0 || t->failed)
			return;
		if ((size_t)n < left)
			break;

		size_t room = 2 * t->room + (size_t)n + FIRST_ROOM;
		char *data = realloc(t->data, room);

		if (!data) {
			t->failed = true;
			return;
		}
		t->data = data;
		t->room = room;
	}
	t->size += (size_t)n;
}

void text_add_string(struct text *t, const char *s)
{
	text_add(t, "\"");
	for (; *s; s++)
		text_add(t, *s == '"' || *s == '\\' ? "\\%c" : "%c",
			 *(const unsigned char *)s < ' ' ? '?' : *s);
	text_add(t, "\"");
}

void text_free(struct text *t)
{
	free(t->data);
	*t = (struct text){0};
}

int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

bool is_token_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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

void text_free(struct text *t)
{
	free(t->data);
	*t = (struct text){0};
}

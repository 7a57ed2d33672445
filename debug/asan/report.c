/* What is said of an access that may not be: a panic. */
#include <string.h>

#include "debug/asan/asan.h"
#include "debug/asan/shadow.h"
#include "debug/panic.h"
#include "debug/print.h"
#include "debug/symtab.h"

/* Written after asan_report_begins. */
static struct {
	uintptr_t at, bad;
	size_t size;
	bool write;
} wrong;

static const char *kind_of(uintptr_t bad)
{
	uint8_t shadow = *asan_shadow_of(bad);

	if (shadow < 8) /* the end of something: what is behind it */
		shadow = *asan_shadow_of(bad + 8);
	switch (shadow) {
	case ASAN_HEAP_FREED:
		return "heap-use-after-free";
	case ASAN_STACK_ENDED:
		return "stack-use-after-end";
	case ASAN_STACK_LEFT:
	case ASAN_STACK_MIDDLE:
	case ASAN_STACK_RIGHT:
	case ASAN_ALLOCA_LEFT:
	case ASAN_ALLOCA_RIGHT:
		return "stack-buffer-overflow";
	case ASAN_STACK_SCOPE:
		return "stack-use-after-scope";
	case ASAN_GLOBAL:
		return "global-buffer-overflow";
	default:
		return asan_is_window(bad) ? "stack-buffer-overflow" : "heap-buffer-overflow";
	}
}

/* A number in the text at *text, which goes on behind it. */
static unsigned long number_at(const char **text)
{
	unsigned long n = 0;

	while (**text == ' ')
		++*text;
	for (; **text >= '0' && **text <= '9'; ++*text)
		n = n * 10 + (unsigned long)(**text - '0');
	return n;
}

/* The compiler describes a frame at its lower end, below which is the left zone: a mark, then a text that has how
 * many variables there are, and of each where it is, its size, the length of its name, and the name. */
static void tell_variable(uintptr_t bad)
{
	enum { MOST = 1 << 16, MARK = 0x41b58ab3 };
	uintptr_t at = bad & ~(uintptr_t)7, end = at - MOST;
	const uintptr_t *frame;
	const char *text, *name = NULL;
	unsigned long length = 0, size = 0, nearest = MOST;
	size_t offset;

	while (at > end && asan_has_shadow(at) && *asan_shadow_of(at) != ASAN_STACK_LEFT)
		at -= 8;
	while (at > end && asan_has_shadow(at - 8) && *asan_shadow_of(at - 8) == ASAN_STACK_LEFT)
		at -= 8;
	frame = (const uintptr_t *)at;
	if (at <= end || frame[0] != MARK)
		return;
	text = (const char *)frame[1];
	for (unsigned long n = number_at(&text); n; n--) {
		uintptr_t start = at + number_at(&text);
		unsigned long bytes = number_at(&text), letters = number_at(&text);
		unsigned long far = bad < start ? start - bad : bad - start - bytes;

		text++;
		if (far < nearest) {
			nearest = far;
			name = text;
			length = letters;
			size = bytes;
		}
		text += letters;
	}
	if (name)
		print("beside \"%.*s\" of %s, which has %lu bytes\n", (int)length, name,
		      symtab_find(frame[2], &offset), size);
}

static void tell_more(void)
{
	const struct asan_global *g = asan_find_global(wrong.bad);

	if (strcmp(kind_of(wrong.bad), "stack-buffer-overflow") == 0) {
		tell_variable(wrong.bad);
		return;
	}
	if (asan_tell_block(wrong.bad) || asan_tell_stack(wrong.bad))
		return;
	if (g)
		print("%lu bytes from the beginning of \"%s\", which has %zu bytes (%s)\n",
		      wrong.bad - g->at, g->name, g->size, g->file);
}

static void *report_touch(void *unused, void *unused2)
{
	char place[64];

	(void)unused;
	(void)unused2;
	panic_more = tell_more;
	asan_place_in_block(wrong.bad, place, sizeof place);
	panic("%s: %s of %zu bytes at %p%s", kind_of(wrong.bad), wrong.write ? "write" : "read",
	      wrong.size, (void *)wrong.at, place);
}

_Noreturn void asan_report(uintptr_t at, uintptr_t bad, size_t size, bool write)
{
	asan_report_begins();
	wrong.at = at;
	wrong.bad = bad;
	wrong.size = size;
	wrong.write = write;
	core_report(report_touch, NULL, NULL);
}

/* What is said of an access that may not be: a panic. */
#include "debug/asan/asan.h"
#include "debug/asan/shadow.h"
#include "debug/panic.h"
#include "debug/print.h"
#include "debug/symtab.h"

/* Of who reports first: see panic_plain. */
static struct {
	uintptr_t at, bad;
	size_t size;
	const void *pc;
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

static void tell_more(void)
{
	const struct asan_global *g = asan_find_global(wrong.bad);

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

_Noreturn void asan_report(uintptr_t at, uintptr_t bad, size_t size, bool write, const void *pc)
{
	wrong.at = at;
	wrong.bad = bad;
	wrong.size = size;
	wrong.write = write;
	wrong.pc = pc;
	core_report(report_touch, NULL, NULL);
}

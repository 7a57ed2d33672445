#include "debug/places.h"

#include <string.h>

#include "debug/callers.h"
#include "debug/order.h"
#include "debug/print.h"
#include "debug/symtab.h"
#include "kernel/core.h"
#include "kernel/start.h"

enum { DEEP = 12, PLACES = 512, SHOWN = 10, FRAMES_PUT = 5 };

/* Behind a block: what calls return to, the innermost first; 0: no more. */
struct place {
	uint32_t pc[DEEP];
};

_Static_assert(sizeof(struct place) % 16 == 0, "what is in front of it is aligned");

/* By a hash of the place. */
static struct counted {
	struct place place;
	size_t blocks, bytes;
} counted[PLACES];
static size_t uncounted; /* blocks for which there was no room */
static bool wanted;

size_t places_room(void)
{
	const char *text = option("leaks");

	wanted = text && !strcmp(text, "1") && !ORDER_KEPT;
	return wanted ? sizeof(struct place) : 0;
}

static void *note_callers(void *room, void *)
{
	struct place *place = room;
	uint64_t pc[DEEP];
	unsigned n = callers_here(pc, DEEP);

	for (unsigned i = 0; i < DEEP; i++)
		place->pc[i] = i < n ? (uint32_t)pc[i] : 0;
	return NULL;
}

void place_note(void *room)
{
	core_call(note_callers, room, NULL);
}

/* ---- The report ---- */

void places_begin(void)
{
	memset(counted, 0, sizeof(counted));
	uncounted = 0;
}

void place_count(const void *room, size_t bytes)
{
	const struct place *place = room;
	uint32_t hash = 0;

	if (!wanted || !bytes)
		return;
	for (int i = 0; i < DEEP; i++)
		hash = (hash ^ place->pc[i]) * 0x9e3779b1;
	for (uint32_t i = 0; i < PLACES; i++) {
		struct counted *c = &counted[(hash / PLACES + i) % PLACES];

#ifdef PLANT_ONE_PLACE
		c = counted; /* the fault */
#else
		if (c->blocks && memcmp(&c->place, place, sizeof(*place)) != 0)
			continue;
#endif
		c->place = *place;
		c->blocks++;
		c->bytes += bytes;
		return;
	}
	uncounted++;
}

static const char *function_called_from(uint32_t pc, size_t *offset)
{
	const char *name = symtab_find(pc - 1, offset);

	++*offset;
	return name;
}

/* How many frames are of the heap itself. */
static unsigned frames_of_heap(const struct place *place)
{
	static const char *const names[] = {
		"place_note",  "heap_alloc_aligned",        "heap_alloc",
		"block_alloc", "__wrap_heap_alloc_aligned", "__wrap_heap_alloc"};
	unsigned skipped = 0;
	size_t offset;

	for (unsigned i = 0; i < DEEP && place->pc[i]; i++)
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
			if (!strcmp(function_called_from(place->pc[i], &offset), names[k]))
				skipped = i + 1;
	return skipped;
}

static void put_place(const struct counted *c, void (*put)(void *to, const char *text), void *to)
{
	unsigned from = frames_of_heap(&c->place);
	char line[160];

	format(line, sizeof(line), "  %zu block%s, %zu byte%s, allocated at\n", c->blocks,
	       c->blocks == 1 ? "" : "s", c->bytes, c->bytes == 1 ? "" : "s");
	put(to, line);
	for (unsigned i = from; i < DEEP && i < from + FRAMES_PUT && c->place.pc[i]; i++) {
		size_t offset;
		const char *name = function_called_from(c->place.pc[i], &offset);

		format(line, sizeof(line), "    #%u 0x%016lx %s+0x%zx\n", i - from,
		       (unsigned long)c->place.pc[i], name, offset);
		put(to, line);
	}
}

static struct counted *most_bytes(void)
{
	struct counted *most = NULL;

	for (int i = 0; i < PLACES; i++)
		if (counted[i].blocks && (!most || counted[i].bytes > most->bytes))
			most = &counted[i];
	return most;
}

void places_put(void (*put)(void *to, const char *text), void *to)
{
	struct counted *most;
	size_t more = 0;
	char line[80];

	for (int n = 0; n < SHOWN && (most = most_bytes()); n++) {
		put_place(most, put, to);
		most->blocks = 0;
	}
	for (int i = 0; i < PLACES; i++)
		more += counted[i].blocks != 0;
	if (more || uncounted) {
		format(line, sizeof(line), "  and %zu more\n", more + uncounted);
		put(to, line);
	}
}

/* With vole.leaks=1: where blocks of the heap were allocated, and those that leaked together. */
#ifndef DEBUG_PLACES_H
#define DEBUG_PLACES_H

#include <stddef.h>

/* At boot: how many bytes behind each block are for place_note; 0 without the option. */
size_t places_room(void);

/* There go those who have called the heap. nopreempt > 0. */
void place_note(void *room);

/* While the world stands still: after places_begin, counts a block of so many bytes with the others of its place. */
void places_begin(void);
void place_count(const void *room, size_t bytes);

/* What was counted, by put_line: the most bytes first. Nothing without the option. */
void places_put(void (*put)(void *to, const char *text), void *to);

#endif

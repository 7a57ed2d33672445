/* Which coroutines wait for each other in a deadlock. */
#ifndef DEBUG_KNOT_H
#define DEBUG_KNOT_H

/* Prints them; nothing where there are none. In a panic. */
void knot_print(void);

#endif

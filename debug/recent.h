/* The last events of a timeline as text, in the lines of TRACE=FILE.txt: in a panic, and for trace_print. */
#ifndef DEBUG_RECENT_H
#define DEBUG_RECENT_H

/* To the console, in a panic: all other cores have stopped, and nothing is recorded any more. */
void recent_panic(void);

#endif

/*
 * The timeline (docs/timeline.md): what each core and each coroutine did when. `make run TRACE=FILE` records
 * all of a run; a program may record parts, and leave marks. While nothing records, a mark costs a
 * load and a branch. Names are string constants: their address is kept, not their text.
 * Any coroutine may call, and a function of irq_defer.
 */
#ifndef VOLE_TRACE_H
#define VOLE_TRACE_H

#include <bits/types/FILE.h>

#include <vole/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Records until trace_stop has been called as often. TRACE= and vole.trace= record on their own, all the time. */
void trace_start(void);
void trace_stop(void);

/* Whether events are recorded now: not after a trace_start that had no memory for them. */
bool trace_active(void);

/* Writes the last n events (10000 at most) to `to`, the oldest first, in the lines of TRACE=FILE.txt. They may be of
 * a recording that has ended. All cores stand still while they are looked for. How many; -ENODATA: nothing has been
 * recorded; -ENOMEM; -EBUSY: a core does not stop; -EINVAL. */
int trace_print(FILE *to, int n);

/* An instant of the calling coroutine. */
void trace_mark(const char *name);

/* A part of the time of the calling coroutine: between trace_begin and its trace_end. They nest. */
void trace_begin(const char *name);
void trace_end(void);

/* From now on the counter with this name has this value. */
void trace_count(const char *name, int64_t value);

#ifdef __cplusplus
}
#endif

#endif

/*
 * The timeline (docs/timeline.md): what each core and each coroutine did when. `make run TRACE=FILE` records
 * all of a run; a program may record parts, and leave marks. While nothing records, a mark costs a
 * load and a branch. Names are string constants: their address is kept, not their text.
 * Any coroutine may call, and a function of irq_defer.
 */
#ifndef VOLE_TRACE_H
#define VOLE_TRACE_H

#include <vole/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Records until trace_stop has been called as often. TRACE= and vole.trace= record on their own, all the time. */
void trace_start(void);
void trace_stop(void);

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

/* Streams whose waiting parks the coroutine: what the files of this port tell each other about them. */
#ifndef HOST_STREAMS_H
#define HOST_STREAMS_H

#include <stdio.h>

/* Before main: standard input becomes such a stream. */
void streams_init(void);

/* Around a call of the library on a stream: only one coroutine is in it. What enter returns is for
 * leave; NULL: the stream is the library's alone, and has its lock. */
struct stream *stream_enter(FILE *file);
void stream_leave(struct stream *stream);

#endif

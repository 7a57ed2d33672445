/* What the files of libc/ tell each other about newlib's state. */
#ifndef LIBC_STATE_H
#define LIBC_STATE_H

#include <reent.h>
#include <stdbool.h>
#include <sys/lock.h>

/* What rand48 and its like keep: the program's, not each coroutine's. */
extern struct _rand48 libc_random;

/* The program has said what this signal does. */
bool libc_signal_handled(int sig);

/* The locks of the standard streams are static: they outlive fclose. Standard output and standard
 * error have one together. */
extern struct __lock libc_lock_in, libc_lock_out;

/* The date, from the machine's clock: before main. */
void libc_date_init(void);

/* The standard streams, when newlib has made them. */
void libc_streams_init(void);

/* Sends what standard error has buffered; by who is about to give up libc_lock_out. */
void libc_stderr_flush(void);

/* A standard stream that was closed is not made another's: who still prints to it gets EBADF. By
 * fclose, with the list of streams locked. */
void libc_streams_closed(void);

/* The same of any other stream, which had this lock: it leads no more to what is free now. For who looks
 * for leaks that memory would be in use, and so would what it is used for later. */
void libc_stream_closed(_LOCK_T lock);

#endif

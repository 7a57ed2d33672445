/*
 * The C library is not compiled with calls at its accesses (see access.c). What a program gives to these
 * functions is looked at here, as accesses of the program; and so is what other functions of the library
 * read by them, as printf does for "%s". The linker sends calls of NAME to __wrap_NAME.
 *
 * What the library itself writes is looked at only where a program gives the memory: its own, such as the
 * buffers of files, is kept by locks that order nothing of the program.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "debug/order.h"
#include "sim.h"

extern char __text_libc_start[], __text_libc_end[];

static inline __attribute__((always_inline)) bool in_libc(const void *place)
{
	return (uintptr_t)place - (uintptr_t)__text_libc_start <
	       (uintptr_t)(__text_libc_end - __text_libc_start);
}

static inline __attribute__((always_inline)) void reads(const void *p, size_t size,
							const void *place)
{
	if (sim_in_app(place))
		sim_access((uintptr_t)p, size, 0, place);
	else if (in_libc(place))
		order_reads_at(p, size, place);
}

static inline __attribute__((always_inline)) void writes(const void *p, size_t size,
							 const void *place)
{
	if (sim_in_app(place))
		sim_access((uintptr_t)p, size, SIM_WRITE, place);
}

#include "debug/string_calls.h"

WRAP(void *, memmove, void *to, const void *from, size_t size)
{
	if (sim_in_app(PLACE))
		reads(from, size, PLACE);
	writes(to, size, PLACE);
	return __real_memmove(to, from, size);
}

/* ---- What is printed, read and sorted ---- */

/* What sprintf and its like call; no header has it. */
int _svfprintf_r(struct _reent *reent, FILE *to, const char *format, va_list words);

/* All that they write, the 0 behind it included. Where there is room for that 0 at most, the library is told of none;
 * a block that grows is the library's own until its caller has it. */
WRAP(int, _svfprintf_r, struct _reent *reent, FILE *to, const char *format, va_list words)
{
	const unsigned char *from = to->_p;
	bool given = to->_bf._size > 0 && !(to->_flags & __SMBF);
	int n = __real__svfprintf_r(reent, to, format, words);

	if (given && in_libc(PLACE))
		order_writes_at(from, (size_t)(to->_p - from) + 1, PLACE);
	return n;
}

WRAP(size_t, fread, void *to, size_t size, size_t count, FILE *file)
{
	size_t n = __real_fread(to, size, count, file);

	writes(to, size * n, PLACE);
	return n;
}

WRAP(size_t, fwrite, const void *from, size_t size, size_t count, FILE *file)
{
	reads(from, size * count, PLACE);
	return __real_fwrite(from, size, count, file);
}

WRAP(char *, fgets, char *to, int size, FILE *file)
{
	char *line = __real_fgets(to, size, file);

	if (line)
		writes(line, __real_strlen(line) + 1, PLACE);
	return line;
}

/* All of it, and once: each comparison is the program's own. */
WRAP(void, qsort, void *p, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	writes(p, count * size, PLACE);
	__real_qsort(p, count, size, compare);
}

/* ---- Files and sockets ---- */

WRAP(_READ_WRITE_RETURN_TYPE, read, int fd, void *to, size_t size)
{
	_READ_WRITE_RETURN_TYPE n = __real_read(fd, to, size);

	if (n > 0)
		writes(to, (size_t)n, PLACE);
	return n;
}

WRAP(ssize_t, recv, int fd, void *to, size_t size, int flags)
{
	ssize_t n = __real_recv(fd, to, size, flags);

	if (n > 0)
		writes(to, (size_t)n < size ? (size_t)n : size,
		       PLACE); /* MSG_TRUNC tells of more */
	return n;
}

WRAP(ssize_t, recvfrom, int fd, void *restrict to, size_t size, int flags,
     struct sockaddr *restrict from, socklen_t *restrict length)
{
	ssize_t n = __real_recvfrom(fd, to, size, flags, from, length);

	if (n > 0)
		writes(to, (size_t)n < size ? (size_t)n : size, PLACE);
	return n;
}

/* These may read less. */
WRAP(_READ_WRITE_RETURN_TYPE, write, int fd, const void *from, size_t size)
{
	_READ_WRITE_RETURN_TYPE n = __real_write(fd, from, size);

	if (n > 0)
		reads(from, (size_t)n, PLACE);
	return n;
}

WRAP(ssize_t, send, int fd, const void *from, size_t size, int flags)
{
	ssize_t n = __real_send(fd, from, size, flags);

	if (n > 0)
		reads(from, (size_t)n, PLACE);
	return n;
}

WRAP(ssize_t, sendto, int fd, const void *from, size_t size, int flags, const struct sockaddr *to,
     socklen_t length)
{
	ssize_t n = __real_sendto(fd, from, size, flags, to, length);

	if (n > 0)
		reads(from, (size_t)n, PLACE);
	return n;
}

/*
 * What a program calls of the C library's stdio: each call takes the lock of a stream that has one
 * of ours (streams.h), and has the coroutine's errno (errno.c). The linker sends calls of NAME to
 * __wrap_NAME; arch.mk takes the names from here: the first word of each LOCKED.
 */
#include "host.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "arch/host/streams.h"

#undef getc
#undef putc
#undef getchar
#undef putchar
#undef feof
#undef ferror
#undef clearerr

/* A function with these parameters, that the library's is called with the arguments of, on file. */
#define LOCKED(name, type, parameters, arguments, file) \
	type __real_##name parameters; \
	type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		struct stream *stream_ = stream_enter(file); \
		type result_; \
\
		host_library_begins(); \
		result_ = __real_##name arguments; \
		host_library_ends(); \
		stream_leave(stream_); \
		return result_; \
	}

/* The same without a result. */
#define LOCKED_VOID(name, parameters, arguments, file) \
	void __real_##name parameters; \
	void __wrap_##name parameters; \
	void __wrap_##name parameters \
	{ \
		struct stream *stream_ = stream_enter(file); \
\
		host_library_begins(); \
		__real_##name arguments; \
		host_library_ends(); \
		stream_leave(stream_); \
	}

/* The same with more arguments: the function vname takes them as a list. */
#define LOCKED_MORE(name, vname, type, parameters, arguments) \
	type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		va_list list_; \
		type result_; \
\
		va_start(list_, format); \
		result_ = __wrap_##vname arguments; \
		va_end(list_); \
		return result_; \
	}

#define LOCKED_VOID_MORE(name, vname, parameters, arguments) \
	void __wrap_##name parameters; \
	void __wrap_##name parameters \
	{ \
		va_list list_; \
\
		va_start(list_, format); \
		__wrap_##vname arguments; \
		va_end(list_); \
	}

#define LIST va_list list_

/* ---- Reading ---- */

LOCKED(getc, int, (FILE * file), (file), file)
LOCKED(fgetc, int, (FILE * file), (file), file)
LOCKED(_IO_getc, int, (FILE * file), (file), file)
LOCKED(getchar, int, (void), (), stdin)
LOCKED(getw, int, (FILE * file), (file), file)
LOCKED(ungetc, int, (int c, FILE *file), (c, file), file)
LOCKED(fgets, char *, (char *to, int size, FILE *file), (to, size, file), file)
LOCKED(fread, size_t, (void *to, size_t size, size_t n, FILE *file), (to, size, n, file), file)

LOCKED(vscanf, int, (const char *format, LIST), (format, list_), stdin)
LOCKED(vfscanf, int, (FILE * file, const char *format, LIST), (file, format, list_), file)
LOCKED(__isoc99_vscanf, int, (const char *format, LIST), (format, list_), stdin)
LOCKED(__isoc99_vfscanf, int, (FILE * file, const char *format, LIST), (file, format, list_), file)
LOCKED_MORE(scanf, vscanf, int, (const char *format, ...), (format, list_))
LOCKED_MORE(fscanf, vfscanf, int, (FILE * file, const char *format, ...), (file, format, list_))
LOCKED_MORE(__isoc99_scanf, __isoc99_vscanf, int, (const char *format, ...), (format, list_))
LOCKED_MORE(__isoc99_fscanf, __isoc99_vfscanf, int, (FILE * file, const char *format, ...),
	    (file, format, list_))

LOCKED(getwc, wint_t, (FILE * file), (file), file)
LOCKED(fgetwc, wint_t, (FILE * file), (file), file)
LOCKED(getwchar, wint_t, (void), (), stdin)
LOCKED(ungetwc, wint_t, (wint_t c, FILE *file), (c, file), file)
LOCKED(fgetws, wchar_t *, (wchar_t * to, int size, FILE *file), (to, size, file), file)
LOCKED(__isoc99_vwscanf, int, (const wchar_t *format, LIST), (format, list_), stdin)
LOCKED(__isoc99_vfwscanf, int, (FILE * file, const wchar_t *format, LIST), (file, format, list_),
       file)
LOCKED_MORE(__isoc99_wscanf, __isoc99_vwscanf, int, (const wchar_t *format, ...), (format, list_))
LOCKED_MORE(__isoc99_fwscanf, __isoc99_vfwscanf, int, (FILE * file, const wchar_t *format, ...),
	    (file, format, list_))

/* The library's block is not one for the program to enlarge: the line goes on into one of malloc's.
 * */
ssize_t __real_getdelim(char **line, size_t *size, int end, FILE *file);
ssize_t __wrap_getdelim(char **line, size_t *size, int end, FILE *file);
ssize_t __wrap___getdelim(char **line, size_t *size, int end, FILE *file);
ssize_t __wrap_getline(char **line, size_t *size, FILE *file);
void __real_free(void *p);

ssize_t __wrap_getdelim(char **line, size_t *size, int end, FILE *file)
{
	char *text = NULL, *to;
	size_t room = 0;
	struct stream *stream;
	ssize_t n;

	if (!line || !size) {
		errno = EINVAL;
		return -1;
	}
	stream = stream_enter(file);
	host_library_begins();
	n = __real_getdelim(&text, &room, end, file);
	host_library_ends();
	stream_leave(stream);
	if (n >= 0) {
		to = *line && *size > (size_t)n ? *line : realloc(*line, room);
		if (!to)
			n = -1;
		else if (to != *line || *size <= (size_t)n)
			*size = room;
		if (to)
			*line = memcpy(to, text, (size_t)n + 1);
	}
	__real_free(text);
	return n;
}

ssize_t __wrap___getdelim(char **line, size_t *size, int end, FILE *file)
{
	return __wrap_getdelim(line, size, end, file);
}

ssize_t __wrap_getline(char **line, size_t *size, FILE *file)
{
	return __wrap_getdelim(line, size, '\n', file);
}

/* ---- Writing ---- */

LOCKED(putc, int, (int c, FILE *file), (c, file), file)
LOCKED(fputc, int, (int c, FILE *file), (c, file), file)
LOCKED(_IO_putc, int, (int c, FILE *file), (c, file), file)
LOCKED(putchar, int, (int c), (c), stdout)
LOCKED(putw, int, (int word, FILE *file), (word, file), file)
LOCKED(fputs, int, (const char *text, FILE *file), (text, file), file)
LOCKED(puts, int, (const char *text), (text), stdout)
LOCKED(fwrite, size_t, (const void *from, size_t size, size_t n, FILE *file), (from, size, n, file),
       file)
LOCKED(vprintf, int, (const char *format, LIST), (format, list_), stdout)
LOCKED(vfprintf, int, (FILE * file, const char *format, LIST), (file, format, list_), file)
LOCKED_MORE(printf, vprintf, int, (const char *format, ...), (format, list_))
LOCKED_MORE(fprintf, vfprintf, int, (FILE * file, const char *format, ...), (file, format, list_))

LOCKED(putwc, wint_t, (wchar_t c, FILE *file), (c, file), file)
LOCKED(fputwc, wint_t, (wchar_t c, FILE *file), (c, file), file)
LOCKED(putwchar, wint_t, (wchar_t c), (c), stdout)
LOCKED(fputws, int, (const wchar_t *text, FILE *file), (text, file), file)
LOCKED(vwprintf, int, (const wchar_t *format, LIST), (format, list_), stdout)
LOCKED(vfwprintf, int, (FILE * file, const wchar_t *format, LIST), (file, format, list_), file)
LOCKED_MORE(wprintf, vwprintf, int, (const wchar_t *format, ...), (format, list_))
LOCKED_MORE(fwprintf, vfwprintf, int, (FILE * file, const wchar_t *format, ...),
	    (file, format, list_))

/* ---- Both ---- */

LOCKED(fseek, int, (FILE * file, long at, int whence), (file, at, whence), file)
LOCKED(fseeko, int, (FILE * file, off_t at, int whence), (file, at, whence), file)
LOCKED(ftell, long, (FILE * file), (file), file)
LOCKED(ftello, off_t, (FILE * file), (file), file)
LOCKED(fgetpos, int, (FILE * file, fpos_t *at), (file, at), file)
LOCKED(fsetpos, int, (FILE * file, const fpos_t *at), (file, at), file)
LOCKED(feof, int, (FILE * file), (file), file)
LOCKED(ferror, int, (FILE * file), (file), file)
LOCKED(fwide, int, (FILE * file, int mode), (file, mode), file)
LOCKED(setvbuf, int, (FILE * file, char *room, int mode, size_t size), (file, room, mode, size),
       file)
LOCKED_VOID(setbuf, (FILE * file, char *room), (file, room), file)
LOCKED_VOID(setbuffer, (FILE * file, char *room, size_t size), (file, room, size), file)
LOCKED_VOID(setlinebuf, (FILE * file), (file), file)
LOCKED_VOID(rewind, (FILE * file), (file), file)
LOCKED_VOID(clearerr, (FILE * file), (file), file)

/* ---- Without a stream ---- */

LOCKED_VOID(perror, (const char *text), (text), stderr)
LOCKED(vsnprintf, int, (char *to, size_t size, const char *format, LIST), (to, size, format, list_),
       NULL)
LOCKED(vsprintf, int, (char *to, const char *format, LIST), (to, format, list_), NULL)
LOCKED(vasprintf, int, (char **to, const char *format, LIST), (to, format, list_), NULL)
LOCKED(vsscanf, int, (const char *from, const char *format, LIST), (from, format, list_), NULL)
LOCKED(__isoc99_vsscanf, int, (const char *from, const char *format, LIST), (from, format, list_),
       NULL)
LOCKED(vswprintf, int, (wchar_t * to, size_t size, const wchar_t *format, LIST),
       (to, size, format, list_), NULL)
LOCKED(__isoc99_vswscanf, int, (const wchar_t *from, const wchar_t *format, LIST),
       (from, format, list_), NULL)
LOCKED_MORE(snprintf, vsnprintf, int, (char *to, size_t size, const char *format, ...),
	    (to, size, format, list_))
LOCKED_MORE(sprintf, vsprintf, int, (char *to, const char *format, ...), (to, format, list_))
LOCKED_MORE(asprintf, vasprintf, int, (char **to, const char *format, ...), (to, format, list_))
LOCKED_MORE(sscanf, vsscanf, int, (const char *from, const char *format, ...),
	    (from, format, list_))
LOCKED_MORE(__isoc99_sscanf, __isoc99_vsscanf, int, (const char *from, const char *format, ...),
	    (from, format, list_))
LOCKED_MORE(swprintf, vswprintf, int, (wchar_t * to, size_t size, const wchar_t *format, ...),
	    (to, size, format, list_))
LOCKED_MORE(__isoc99_swscanf, __isoc99_vswscanf, int,
	    (const wchar_t *from, const wchar_t *format, ...), (from, format, list_))

LOCKED_VOID(vsyslog, (int priority, const char *format, LIST), (priority, format, list_), NULL)
LOCKED_VOID(vwarn, (const char *format, LIST), (format, list_), stderr)
LOCKED_VOID(verr, (int status, const char *format, LIST), (status, format, list_), stderr)
LOCKED_VOID_MORE(syslog, vsyslog, (int priority, const char *format, ...),
		 (priority, format, list_))
LOCKED_VOID_MORE(warn, vwarn, (const char *format, ...), (format, list_))
LOCKED_VOID_MORE(err, verr, (int status, const char *format, ...), (status, format, list_))

/* To a descriptor, which may be a socket: what the library writes itself would not wait. */
int __wrap_vdprintf(int fd, const char *format, LIST);

int __wrap_vdprintf(int fd, const char *format, LIST)
{
	char *text;
	int size = __wrap_vasprintf(&text, format, list_);
	ssize_t n = 0;

	if (size < 0)
		return -1;
	for (int done = 0; done < size && n >= 0; done += (int)n)
		n = write(fd, text + done, (size_t)(size - done));
	free(text);
	return n < 0 ? -1 : size;
}

LOCKED_MORE(dprintf, vdprintf, int, (int fd, const char *format, ...), (fd, format, list_))

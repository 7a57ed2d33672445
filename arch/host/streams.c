/*
 * Streams whose waiting parks the coroutine. The C library reads and writes them by functions of ours
 * (fopencookie). A lock of the library belongs to a thread, and a coroutine that parks may go on in
 * another: so it takes none for these (__fsetlocking). Their lock is here, and what a program calls
 * takes it (stdio.c). It is behind the library's unused one, which the stream points to.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>
#include <vole/sync.h>

#include "arch/host/streams.h"
#include "kernel/co.h"

enum { LIBRARY_LOCK = 64 }; /* bytes; glibc's has 16 */

struct stream {
	_Alignas(16) char library_lock[LIBRARY_LOCK];
	const void *mark; /* streams: it is one */
	struct mutex mutex;
	_Atomic uint64_t owner; /* a holder; compared with oneself only, so any order will do */
	uint32_t depth;         /* the owner's */
	_Atomic bool reading;   /* the owner waits for input, or may */
	int fd;
	FILE *file;
	struct stream *next; /* guarded by opened_lock */
};

/* Those that fdopen has made. */
static struct mutex opened_lock;
static struct stream *opened; /* guarded by it */

off_t __real_lseek(int fd, off_t offset, int whence);
int __real_fclose(FILE *file);
int __wrap_fclose(FILE *file);
FILE *__real_fdopen(int fd, const char *mode);
FILE *__wrap_fdopen(int fd, const char *mode);
int __real_fflush(FILE *file);
int __wrap_fflush(FILE *file);
void __real_flockfile(FILE *file);
void __wrap_flockfile(FILE *file);
int __real_ftrylockfile(FILE *file);
int __wrap_ftrylockfile(FILE *file);
void __real_funlockfile(FILE *file);
void __wrap_funlockfile(FILE *file);

static const char streams;
static struct stream input = {.mark = &streams, .fd = STDIN_FILENO};

static struct stream *stream_of(const FILE *file)
{
	struct stream *s;

	if (!file || !(file->_flags & _IO_USER_LOCK))
		return NULL;
	s = (struct stream *)file->_lock;
	return s->mark == &streams ? s : NULL;
}

static bool stream_try(struct stream *s)
{
	uint64_t self = arch_current()->holder;

	if (atomic_load_explicit(&s->owner, memory_order_relaxed) != self) {
		if (!mutex_try_lock(&s->mutex))
			return false;
		atomic_store_explicit(&s->owner, self, memory_order_relaxed);
	}
	s->depth++;
	return true;
}

struct stream *stream_enter(FILE *file)
{
	struct stream *s = stream_of(file);

	if (s && !stream_try(s)) {
		mutex_lock(&s->mutex);
		atomic_store_explicit(&s->owner, arch_current()->holder, memory_order_relaxed);
		s->depth = 1;
	}
	return s;
}

void stream_leave(struct stream *s)
{
	if (!s || --s->depth > 0)
		return;
	atomic_store_explicit(&s->owner, 0, memory_order_relaxed);
	mutex_unlock(&s->mutex);
}

static ssize_t stream_read(void *cookie, char *to, size_t size)
{
	struct stream *s = cookie;
	ssize_t n;

	host_library_ends();
	atomic_store_explicit(&s->reading, true, memory_order_relaxed);
	n = read(s->fd, to, size);
	atomic_store_explicit(&s->reading, false, memory_order_relaxed);
	host_library_begins();
	return n;
}

static ssize_t stream_write(void *cookie, const char *from, size_t size)
{
	const struct stream *s = cookie;
	ssize_t n;

	host_library_ends();
	n = write(s->fd, from, size);
	host_library_begins();
	return n < 0 ? 0 : n; /* the library takes fewer for an error */
}

static int stream_seek(void *cookie, off64_t *offset, int whence)
{
	const struct stream *s = cookie;

	*offset = __real_lseek(s->fd, *offset, whence);
	return *offset < 0 ? -1 : 0;
}

static int stream_close(void *cookie)
{
	const struct stream *s = cookie;
	int error;

	host_library_ends();
	error = close(s->fd);
	host_library_begins();
	return error;
}

/* NULL, with errno. */
static FILE *stream_open(struct stream *s, const char *mode)
{
	static const cookie_io_functions_t functions = {stream_read, stream_write, stream_seek,
							stream_close};
	FILE *file = fopencookie(s, mode, functions);
	struct termios terminal;

	if (!file)
		return NULL;
	s->file = file;
	file->_lock = s->library_lock;
	file->_fileno = s->fd;
	__fsetlocking(file, FSETLOCKING_BYCALLER);
	if (host_call(SYS_ioctl, s->fd, TCGETS, (long)&terminal, 0, 0, 0) == 0)
		setvbuf(file, NULL, _IOLBF, BUFSIZ);
	return file;
}

void streams_init(void)
{
	FILE *file = stream_open(&input, "r");

	if (!file)
		host_die("standard input");
	stdin = file;
}

/* ---- Calls of the program that are not as others: those are in stdio.c ---- */

/* A descriptor that may be waited for gets a stream of ours. */
FILE *__wrap_fdopen(int fd, const char *mode)
{
	int flags = fcntl(fd, F_GETFL), access = flags & O_ACCMODE;
	struct stream *s;
	struct stat st;
	FILE *file;

	if (flags < 0 || fstat(fd, &st))
		return NULL;
	if (S_ISREG(st.st_mode)) {
		host_library_begins();
		file = __real_fdopen(fd, mode);
		host_library_ends();
		return file;
	}
	if (!strchr("rwa", *mode) || (access == O_RDONLY && (*mode != 'r' || strchr(mode, '+'))) ||
	    (access == O_WRONLY && (*mode == 'r' || strchr(mode, '+')))) {
		errno = EINVAL;
		return NULL;
	}
	s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->mark = &streams;
	s->fd = fd;
	host_library_begins();
	file = stream_open(s, mode);
	host_library_ends();
	if (!file) {
		free(s);
		return NULL;
	}
	mutex_lock(&opened_lock);
	s->next = opened;
	opened = s;
	mutex_unlock(&opened_lock);
	return file;
}

static void forget(const struct stream *s)
{
	struct stream **link = &opened;

	mutex_lock(&opened_lock);
	while (*link && *link != s)
		link = &(*link)->next;
	if (*link)
		*link = s->next;
	mutex_unlock(&opened_lock);
}

static int library_fflush(FILE *file)
{
	int error;

	host_library_begins();
	error = __real_fflush(file);
	host_library_ends();
	return error;
}

/* Standard input stays: who reads it later is told that it is closed. */
static int close_input(struct stream *s, FILE *file)
{
	int error = library_fflush(file);

	__fpurge(file);
	error |= close(s->fd);
	s->fd = file->_fileno = -1;
	return error ? EOF : 0;
}

int __wrap_fclose(FILE *file)
{
	struct stream *s = stream_of(file);
	int error;

	if (s && s != &input)
		forget(s);
	stream_enter(file);
	if (s == &input) {
		error = close_input(s, file);
	} else {
		host_library_begins();
		error = __real_fclose(file);
		host_library_ends();
	}
	stream_leave(s);
	if (s != &input)
		free(s);
	return error;
}

/* All: ours first, for the library would have a lock of its own while it writes them. One in which a
 * coroutine waits for input has nothing to be written. */
int __wrap_fflush(FILE *file)
{
	struct stream *s = stream_enter(file);
	int error = 0;

	if (!file) {
		mutex_lock(&opened_lock);
		for (struct stream *each = opened; each; each = each->next) {
			if (atomic_load_explicit(&each->reading, memory_order_relaxed))
				continue;
			stream_enter(each->file);
			error |= library_fflush(each->file);
			stream_leave(each);
		}
		mutex_unlock(&opened_lock);
	}
	error |= library_fflush(file);
	stream_leave(s);
	return error ? EOF : 0;
}

void __wrap_flockfile(FILE *file)
{
	if (!stream_enter(file))
		__real_flockfile(file);
}

int __wrap_ftrylockfile(FILE *file)
{
	struct stream *s = stream_of(file);

	return s ? !stream_try(s) : __real_ftrylockfile(file);
}

void __wrap_funlockfile(FILE *file)
{
	struct stream *s = stream_of(file);

	if (s)
		stream_leave(s);
	else
		__real_funlockfile(file);
}

/*
 * System calls: under the reentrant names that newlib calls, which set the errno of the reent they
 * get, and under the names that programs call, which newlib has on one of the two processors only.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <reent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vole/runtime.h>

#include "arch/arch.h"
#include "libc/file.h"

/* Not in newlib's headers for this target. */
int _rename_r(struct _reent *r, const char *from, const char *to);
int symlink(const char *target, const char *path);
ssize_t readlink(const char *path, char *buf, size_t size);
int truncate(const char *path, off_t size);
int ftruncate(int fd, off_t size);
int fsync(int fd);
int getpagesize(void);
char *getcwd(char *buf, size_t size);

/* A result of file.h as C programs expect it. */
static long newlib_result_r(struct _reent *r, long result)
{
	if (result >= 0)
		return result;
	r->_errno = (int)-result;
	return -1;
}

static long newlib_result(long value)
{
	if (value >= 0)
		return value;
	errno = (int)-value;
	return -1;
}

/* ---- What newlib calls ---------------------------------------------------------------------- */

int _open_r(struct _reent *r, const char *path, int flags, int mode)
{
	(void)mode;
	return (int)newlib_result_r(r, file_open(path, flags));
}

int _close_r(struct _reent *r, int fd)
{
	return (int)newlib_result_r(r, file_close(fd));
}

_ssize_t _read_r(struct _reent *r, int fd, void *buf, size_t n)
{
	return newlib_result_r(r, file_read(fd, buf, n));
}

_ssize_t _write_r(struct _reent *r, int fd, const void *buf, size_t n)
{
	return newlib_result_r(r, file_write(fd, buf, n));
}

_off_t _lseek_r(struct _reent *r, int fd, _off_t offset, int whence)
{
	return newlib_result_r(r, file_seek(fd, offset, whence));
}

int _fstat_r(struct _reent *r, int fd, struct stat *st)
{
	return (int)newlib_result_r(r, file_stat(fd, st));
}

int _stat_r(struct _reent *r, const char *path, struct stat *st)
{
	return (int)newlib_result_r(r, file_stat_path(path, st));
}

int _isatty_r(struct _reent *r, int fd)
{
	return newlib_result_r(r, file_is_terminal(fd)) == 1;
}

int _unlink_r(struct _reent *r, const char *path)
{
	return (int)newlib_result_r(r, file_change(path));
}

int _link_r(struct _reent *r, const char *from, const char *to)
{
	int error = file_change(from);

	return (int)newlib_result_r(r, error == -EROFS ? file_create(to) : error);
}

int _rename_r(struct _reent *r, const char *from, const char *to)
{
	(void)to;
	return (int)newlib_result_r(r, file_change(from));
}

int _mkdir_r(struct _reent *r, const char *path, int mode)
{
	(void)mode;
	return (int)newlib_result_r(r, file_create(path));
}

int _fcntl_r(struct _reent *r, int fd, int command, int arg)
{
	int flags = file_flags(fd);

	if (flags < 0)
		return (int)newlib_result_r(r, flags);
	switch (command) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		fd = file_dup(fd, arg);
		if (fd >= 0 && command == F_DUPFD_CLOEXEC)
			file_set_descriptor_flags(fd, FD_CLOEXEC);
		return (int)newlib_result_r(r, fd);
	case F_GETFL:
		return flags;
	case F_SETFL:
		return (int)newlib_result_r(r, file_set_flags(fd, arg));
	case F_GETFD:
		return (int)newlib_result_r(r, file_descriptor_flags(fd));
	case F_SETFD:
		return (int)newlib_result_r(r, file_set_descriptor_flags(fd, arg));
	default:
		return (int)newlib_result_r(r, -EINVAL);
	}
}

int _getpid_r(struct _reent *r)
{
	(void)r;
	return 1;
}

/* There are no processes. */

int _fork_r(struct _reent *r)
{
	return (int)newlib_result_r(r, -ENOSYS);
}

int _wait_r(struct _reent *r, int *status)
{
	(void)status;
	return (int)newlib_result_r(r, -ECHILD);
}

int _execve_r(struct _reent *r, const char *path, char *const argv[], char *const envp[])
{
	(void)path, (void)argv, (void)envp;
	return (int)newlib_result_r(r, -ENOSYS);
}

/* ---- What programs call --------------------------------------------------------------------- */

int open(const char *path, int flags, ...)
{
	return (int)newlib_result(
		file_open(path, flags)); /* the mode is for files that are created */
}

int creat(const char *path, mode_t mode)
{
	(void)mode;
	return (int)newlib_result(file_open(path, O_WRONLY | O_CREAT | O_TRUNC));
}

int close(int fd)
{
	return (int)newlib_result(file_close(fd));
}

_READ_WRITE_RETURN_TYPE read(int fd, void *buf, size_t n)
{
	return newlib_result(file_read(fd, buf, n));
}

ssize_t pread(int fd, void *buf, size_t n, off_t offset)
{
	return newlib_result(file_read_at(fd, buf, n, offset));
}

_READ_WRITE_RETURN_TYPE write(int fd, const void *buf, size_t n)
{
	return newlib_result(file_write(fd, buf, n));
}

ssize_t readv(int fd, const struct iovec *parts, int count)
{
	return newlib_result(file_read_parts(fd, parts, count));
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
	return newlib_result(file_write_parts(fd, parts, count));
}

int ioctl(int fd, unsigned long request, ...)
{
	ssize_t n;
	int *value;
	va_list args;

	va_start(args, request);
	value = va_arg(args, int *);
	va_end(args);
	switch (request) {
	case FIONREAD:
		n = file_readable(fd);
		if (n >= 0)
			*value = (int)n;
		return (int)newlib_result(n < 0 ? n : 0);
	case FIONBIO:
		n = file_flags(fd);
		if (n >= 0)
			n = file_set_flags(fd, ((int)n & ~O_NONBLOCK) | (*value ? O_NONBLOCK : 0));
		return (int)newlib_result(n);
	default:
		return (int)newlib_result(file_flags(fd) < 0 ? -EBADF : -ENOTTY);
	}
}

off_t lseek(int fd, off_t offset, int whence)
{
	return newlib_result(file_seek(fd, offset, whence));
}

int fstat(int fd, struct stat *st)
{
	return (int)newlib_result(file_stat(fd, st));
}

int stat(const char *restrict path, struct stat *restrict st)
{
	return (int)newlib_result(file_stat_path(path, st));
}

int lstat(const char *restrict path, struct stat *restrict st)
{
	return stat(path, st); /* no call shows a symbolic link */
}

int isatty(int fd)
{
	return newlib_result(file_is_terminal(fd)) == 1;
}

int dup(int fd)
{
	return (int)newlib_result(file_dup(fd, 0));
}

int dup2(int fd, int new_fd)
{
	return (int)newlib_result(file_dup_to(fd, new_fd));
}

int fcntl(int fd, int command, ...)
{
	va_list args;

	va_start(args, command);
	int arg = command == F_DUPFD || command == F_DUPFD_CLOEXEC || command == F_SETFL ||
				  command == F_SETFD
			  ? va_arg(args, int)
			  : 0;
	va_end(args);
	return _fcntl_r(_REENT, fd, command, arg);
}

int access(const char *path, int mode)
{
	struct stat st;
	int error = file_stat_path(path, &st);

	if (error == 0 && (mode & W_OK))
		error = -EROFS;
	if (error == 0 && (mode & X_OK) && !(st.st_mode & 0111))
		error = -EACCES;
	return (int)newlib_result(error);
}

int unlink(const char *path)
{
	return (int)newlib_result(file_change(path));
}

int rmdir(const char *path)
{
	return (int)newlib_result(file_change(path));
}

int link(const char *from, const char *to)
{
	return _link_r(_REENT, from, to);
}

int symlink(const char *target, const char *path)
{
	(void)target;
	return (int)newlib_result(file_create(path));
}

ssize_t readlink(const char *path, char *buf, size_t size)
{
	int error = file_change(path);

	(void)buf, (void)size;
	return newlib_result(error == -EROFS ? -EINVAL : error); /* not a symbolic link */
}

int mkdir(const char *path, mode_t mode)
{
	(void)mode;
	return (int)newlib_result(file_create(path));
}

int chmod(const char *path, mode_t mode)
{
	(void)mode;
	return (int)newlib_result(file_change(path));
}

int truncate(const char *path, off_t size)
{
	(void)size;
	return (int)newlib_result(file_change(path));
}

int ftruncate(int fd, off_t size)
{
	int flags = file_flags(fd);

	(void)size;
	return (int)newlib_result(flags < 0 ? flags : -EINVAL); /* no file is open for writing */
}

int fsync(int fd)
{
	int flags = file_flags(fd);

	return (int)newlib_result(flags < 0 ? flags : 0);
}

/* The working folder is always the root. */

int chdir(const char *path)
{
	struct stat st;
	int error = file_stat_path(path, &st);

	if (error == 0 && !S_ISDIR(st.st_mode))
		error = -ENOTDIR;
	if (error == 0 && st.st_ino != 1)
		error = -ENOSYS;
	return (int)newlib_result(error);
}

char *getcwd(char *buf, size_t size)
{
	if (buf && size < 2) {
		errno = size ? ERANGE : EINVAL;
		return NULL;
	}
	if (!buf)
		buf = malloc(size > 2 ? size : 2);
	return buf ? strcpy(buf, "/") : NULL;
}

pid_t getpid(void)
{
	return 1;
}

int getpagesize(void)
{
	return PAGE_SIZE;
}

long sysconf(int name)
{
	switch (name) {
	case _SC_NPROCESSORS_CONF:
	case _SC_NPROCESSORS_ONLN:
		return runtime_cores();
	case _SC_PAGESIZE:
		return PAGE_SIZE;
	case _SC_PHYS_PAGES:
		return (long)(runtime_memory() / PAGE_SIZE);
	case _SC_OPEN_MAX:
		return MAX_FILES;
	case _SC_CLK_TCK:
		return CLOCKS_PER_SEC;
	default:
		return newlib_result(-EINVAL);
	}
}

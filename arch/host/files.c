/*
 * FILES=: the program sees the files of that folder under / and can only read them, as on a machine,
 * and none of the host's. For Linux the folder is the root of each path (openat2), of what ".." is above it
 * and of links, too: what they name on the host outside of it is not there. calls.S sends calls of NAME here, to files_NAME, where there is such a
 * folder; those that a machine does not have, to host_refuse.
 */
#include "host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arch/host/net.h"
#include "arch/host/streams.h"
#include "debug/print.h"

enum { NAME_OF_FD = 32, MODES = 0111 };

bool host_has_files; /* also in calls.S */
static int root;
static char root_path[PATH_MAX]; /* as Linux writes it */

int __real_scandir(const char *path, struct dirent ***list, int (*choose)(const struct dirent *),
		   int (*compare)(const struct dirent **, const struct dirent **));
int __wrap_scandir(const char *path, struct dirent ***list, int (*choose)(const struct dirent *),
		   int (*compare)(const struct dirent **, const struct dirent **));
int __real_glob(const char *pattern, int flags, int (*failed)(const char *path, int error),
		glob_t *found);
int __wrap_glob(const char *pattern, int flags, int (*failed)(const char *path, int error),
		glob_t *found);
int __real_ftw(const char *path, __ftw_func_t each, int most);
int __wrap_ftw(const char *path, __ftw_func_t each, int most);
int __real_nftw(const char *path, __nftw_func_t each, int most, int flags);
int __wrap_nftw(const char *path, __nftw_func_t each, int most, int flags);
FILE *__real_freopen(const char *path, const char *mode, FILE *file);
FILE *__wrap_freopen(const char *path, const char *mode, FILE *file);

/* ---- Looking up ---- */

/* A descriptor, or a negative errno value. */
static long look_up(const char *path, int flags)
{
	struct open_how how = {.flags = (unsigned)flags | O_LARGEFILE,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	long fd;

	do {
		fd = host_call(SYS_openat2, root, (long)path, (long)&how, sizeof how, 0, 0);
	} while (fd == -EAGAIN); /* something was renamed while Linux followed a ".." */
	return fd;
}

static long status_of(const char *path, struct stat *st)
{
	long fd = look_up(path, O_PATH | O_CLOEXEC), error;

	if (fd < 0)
		return fd;
	error = host_call(SYS_fstat, fd, (long)st, 0, 0, 0, 0);
	host_call(SYS_close, fd, 0, 0, 0, 0, 0);
	return error;
}

/* What changing the file at path fails with. */
static long change(const char *path)
{
	struct stat st;
	long error = status_of(path, &st);

	return error < 0 ? error : -EROFS;
}

/* And what creating it does: the folder for it is there, or not. */
static long create(const char *path)
{
	long error = change(path);
	size_t n = strlen(path);
	char *folder;

	if (error != -ENOENT || !n)
		return error == -EROFS ? -EEXIST : error;
	while (n && path[n - 1] == '/')
		n--;
	while (n && path[n - 1] != '/')
		n--;
	folder = n ? strndup(path, n) : strdup("/");
	if (!folder)
		return -ENOMEM;
	error = change(folder);
	free(folder);
	return error;
}

static long open_to_read(const char *path, int flags)
{
	struct stat st;
	long error;

	if (!(flags & (O_CREAT | O_TRUNC)) && (flags & O_ACCMODE) == O_RDONLY)
		return look_up(path, flags);
	error = status_of(path, &st);
	if (error == -ENOENT && flags & O_CREAT)
		return create(path);
	if (error < 0)
		return error;
	if (flags & O_CREAT && flags & O_EXCL)
		return -EEXIST;
	if (flags & O_TRUNC || (flags & O_ACCMODE) != O_RDONLY)
		return S_ISDIR(st.st_mode) ? -EISDIR : -EROFS;
	return look_up(path, flags & ~O_CREAT);
}

/* What fopen's mode asks of open. */
static int flags_of(const char *mode)
{
	int flags = *mode == 'w' ? O_CREAT | O_TRUNC : *mode == 'a' ? O_CREAT : 0;

	flags |= strchr(mode, '+') ? O_RDWR : *mode == 'r' ? O_RDONLY : O_WRONLY;
	return flags | (strchr(mode, 'x') ? O_EXCL : 0) | (strchr(mode, 'e') ? O_CLOEXEC : 0);
}

/* ---- Calls of the program, from calls.S ---- */

#define SAME(type, name, other, parameters) type other parameters __attribute__((alias(#name)))

/* The result of name(path, ...) is that of `value`. */
#define CALL(name, parameters, value) \
	int name parameters; \
	int name parameters \
	{ \
		return (int)net_result(value); \
	}

CALL(files_open, (const char *path, int flags), open_to_read(path, flags))
CALL(files_creat, (const char *path), open_to_read(path, O_WRONLY | O_CREAT | O_TRUNC))
CALL(files_stat, (const char *path, struct stat *st), status_of(path, st))
CALL(files_unlink, (const char *path), change(path))
CALL(files_link, (const char *from, const char *to),
     change(from) == -EROFS ? create(to) : change(from))
CALL(files_symlink, (const char *target, const char *path), ((void)target, create(path)))
CALL(files_mkdir, (const char *path), create(path))
SAME(int, files_open, files_open64, (const char *path, int flags));
SAME(int, files_creat, files_creat64, (const char *path));
SAME(int, files_stat, files_stat64, (const char *path, struct stat *st));
SAME(int, files_stat, files_lstat, (const char *path, struct stat *st)); /* shows no links */
SAME(int, files_stat, files_lstat64, (const char *path, struct stat *st));
SAME(int, files_unlink, files_remove, (const char *path));
SAME(int, files_unlink, files_rename, (const char *path));
SAME(int, files_unlink, files_rmdir, (const char *path));
SAME(int, files_unlink, files_chmod, (const char *path));
SAME(int, files_unlink, files_truncate, (const char *path));
SAME(int, files_unlink, files_truncate64, (const char *path));

int files_access(const char *path, int mode);

int files_access(const char *path, int mode)
{
	struct stat st;
	long error = status_of(path, &st);

	if (!error && mode & W_OK)
		error = -EROFS;
	if (!error && mode & X_OK && !(st.st_mode & MODES))
		error = -EACCES;
	return (int)net_result(error);
}

ssize_t files_readlink(const char *path);

ssize_t files_readlink(const char *path)
{
	long error = change(path);

	return net_result(error == -EROFS ? -EINVAL : error); /* not a link */
}

/* The working folder is always the root. */

int files_chdir(const char *path);

int files_chdir(const char *path)
{
	struct stat st, of_root;
	long error = status_of(path, &st);

	if (!error && !S_ISDIR(st.st_mode))
		error = -ENOTDIR;
	if (!error && (status_of("/", &of_root) || st.st_ino != of_root.st_ino ||
		       st.st_dev != of_root.st_dev))
		error = -ENOSYS;
	return (int)net_result(error);
}

char *files_getcwd(char *to, size_t size);

char *files_getcwd(char *to, size_t size)
{
	if (to && size < 2) {
		errno = size ? ERANGE : EINVAL;
		return NULL;
	}
	if (!to)
		to = malloc(size > 2 ? size : 2);
	return to ? strcpy(to, "/") : NULL;
}

char *files_get_current_dir_name(void);

char *files_get_current_dir_name(void)
{
	return files_getcwd(NULL, 0);
}

/* ---- What the library does with a path: it gets the name of a descriptor for it ---- */

static const char *name_of(long fd, char name[NAME_OF_FD])
{
	snprintf(name, NAME_OF_FD, "/proc/self/fd/%ld", fd);
	return name;
}

char *files_realpath(const char *path, char *to);

char *files_realpath(const char *path, char *to)
{
	char name[NAME_OF_FD], *real;
	long fd = look_up(path, O_PATH | O_CLOEXEC), n;
	size_t above = strlen(root_path);

	if (net_result(fd) < 0)
		return NULL;
	real = to ? to : malloc(PATH_MAX);
	n = real ? host_call(SYS_readlink, (long)name_of(fd, name), (long)real, PATH_MAX - 1, 0, 0,
			     0)
		 : -ENOMEM;
	host_call(SYS_close, fd, 0, 0, 0, 0, 0);
	if (net_result(n) < 0) {
		if (!to)
			free(real);
		return NULL;
	}
	real[n] = '\0';
	if ((size_t)n <= above)
		return strcpy(real, "/");
	return memmove(real, real + above, (size_t)n - above + 1);
}

char *files_canonicalize_file_name(const char *path);

char *files_canonicalize_file_name(const char *path)
{
	return files_realpath(path, NULL);
}

char *files_mkdtemp(const char *path);

char *files_mkdtemp(const char *path)
{
	errno = path ? EROFS : EINVAL;
	return NULL;
}

DIR *files_opendir(const char *path);

DIR *files_opendir(const char *path)
{
	int fd = files_open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !dir)
		host_call(SYS_close, fd, 0, 0, 0, 0, 0);
	return dir;
}

FILE *files_fopen(const char *path, const char *mode);
SAME(FILE *, files_fopen, files_fopen64, (const char *path, const char *mode));

FILE *files_fopen(const char *path, const char *mode)
{
	FILE *file;
	int fd;

	if (!strchr("rwa", *mode)) {
		errno = EINVAL;
		return NULL;
	}
	fd = files_open(path, flags_of(mode));
	file = fd < 0 ? NULL : fdopen(fd, mode);
	if (fd >= 0 && !file)
		host_call(SYS_close, fd, 0, 0, 0, 0, 0);
	return file;
}

FILE *__wrap_freopen(const char *path, const char *mode, FILE *file)
{
	struct stream *stream = stream_enter(file);
	char name[NAME_OF_FD];
	long fd = host_has_files && path ? open_to_read(path, flags_of(mode)) : -EINVAL;

	if (host_has_files && path)
		path = fd < 0 ? "" : name_of(fd, name);
	host_library_begins();
	file = __real_freopen(path, mode, file);
	host_library_ends();
	stream_leave(stream);
	if (fd >= 0)
		host_call(SYS_close, fd, 0, 0, 0, 0, 0);
	else if (host_has_files && path)
		errno = (int)-fd;
	return file;
}

int __wrap_scandir(const char *path, struct dirent ***list, int (*choose)(const struct dirent *),
		   int (*compare)(const struct dirent **, const struct dirent **))
{
	char name[NAME_OF_FD];
	long fd = host_has_files ? look_up(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : 0;
	int n;

	if (net_result(fd) < 0)
		return -1;
	n = __real_scandir(host_has_files ? name_of(fd, name) : path, list, choose, compare);
	if (host_has_files)
		host_call(SYS_close, fd, 0, 0, 0, 0, 0);
	return n;
}

static void close_dir(void *dir)
{
	closedir(dir);
}

static struct dirent *read_dir(void *dir)
{
	return readdir(dir);
}

static void *open_dir(const char *path)
{
	return opendir(path);
}

int __wrap_glob(const char *pattern, int flags, int (*failed)(const char *path, int error),
		glob_t *found)
{
	if (host_has_files && !(flags & GLOB_ALTDIRFUNC)) {
		flags |= GLOB_ALTDIRFUNC;
		found->gl_closedir = close_dir;
		found->gl_readdir = read_dir;
		found->gl_opendir = open_dir;
		found->gl_stat = stat;
		found->gl_lstat = lstat;
	}
	return __real_glob(pattern, flags, failed, found);
}

/* ---- What is not there ---- */

/* The host's shell has the host's files. */

int files_system(const char *command);

int files_system(const char *command)
{
	return command ? (int)net_result(-ENOSYS) : 0;
}

FILE *files_popen(const char *command);

FILE *files_popen(const char *command)
{
	errno = command ? ENOSYS : EINVAL;
	return NULL;
}

long host_refuse(const char *name);

long host_refuse(const char *name)
{
	print("vole: %s: this call does not know FILES=, and fails\n", name);
	return net_result(-ENOSYS);
}

int __wrap_ftw(const char *path, __ftw_func_t each, int most)
{
	return host_has_files ? (int)host_refuse("ftw") : __real_ftw(path, each, most);
}

int __wrap_nftw(const char *path, __nftw_func_t each, int most, int flags)
{
	return host_has_files ? (int)host_refuse("nftw") : __real_nftw(path, each, most, flags);
}

/* Before main, and before anything that waits. */
void host_files_init(void)
{
	const char *folder = getenv("FILES");

	char name[NAME_OF_FD];
	long fd, n;

	if (!folder || !*folder)
		return;
	fd = host_call(SYS_open, (long)folder, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, 0, 0, 0);
	n = fd < 0 ? fd
		   : host_call(SYS_readlink, (long)name_of(fd, name), (long)root_path,
			       sizeof root_path - 1, 0, 0, 0);
	root = (int)fd;
	if (n >= 0)
		n = look_up("/", O_PATH | O_CLOEXEC); /* Linux 5.6 has openat2 */
	if (n < 0) {
		fprintf(stderr, "vole: FILES=%s: %s\n", folder, strerror((int)-n));
		_exit(1);
	}
	host_call(SYS_close, n, 0, 0, 0, 0, 0);
	if (!root_path[1]) /* the host's own root */
		*root_path = '\0';
	host_has_files = true;
}

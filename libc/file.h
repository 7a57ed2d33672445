/*
 * Files and their descriptors, shared by all coroutines. These return 0 or more, or a negative errno
 * value; the names that programs and newlib call are in syscalls.c.
 */
#ifndef LIBC_FILE_H
#define LIBC_FILE_H

#include <stdatomic.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <vole/sync.h>

struct ramdisk_node;
struct wait_node;

enum { MAX_FILES = 65536 }; /* descriptors */

/* What can be done with a file that is neither the console nor on the RAM disk. Without waiting
 * where that is not wanted (-EAGAIN). */
struct file_ops {
	ssize_t (*read)(void *object, const struct iovec *parts, int count, bool may_wait);
	ssize_t (*write)(void *object, const struct iovec *parts, int count, bool may_wait);
	/* POLLIN and the others that hold now. A node is put into a queue that is claimed when that
	 * may have changed, until unpoll. */
	int (*poll)(void *object, struct wait_node *node);
	void (*unpoll)(void *object, struct wait_node *node);
	ssize_t (*readable)(void *object); /* bytes: FIONREAD */
	void (*close)(void *object); /* its last descriptor has gone; calls may be under way */
	void (*free)(void *object);  /* and they have ended */
};

struct file {
	_Atomic unsigned refs, descriptors;
	_Atomic int flags; /* of open and fcntl */
	/* Constant. */
	const struct file_ops *ops;      /* NULL: the console, or of the RAM disk: */
	const struct ramdisk_node *node; /* NULL: the console */
	void *object;                    /* for ops */
	/* guarded by lock */
	struct mutex lock;
	off_t offset;
};

/* The file of fd, with a reference for the caller; NULL: there is none. */
struct file *file_get(int fd);
void file_put(struct file *file);

extern struct file console_in, console_out;

/* A descriptor for a file that has none yet; on failure the file is the caller's still. */
int file_give(struct file *file);

/* A new descriptor for object; on failure that is the caller's still. */
int file_add(const struct file_ops *ops, void *object, int flags);

int file_open(const char *path, int flags);
int file_close(int fd);
ssize_t file_read(int fd, void *buf, size_t n);
ssize_t file_read_at(int fd, void *buf, size_t n, off_t offset);
ssize_t file_write(int fd, const void *buf, size_t n);
ssize_t file_read_parts(int fd, const struct iovec *parts, int count);
ssize_t file_write_parts(int fd, const struct iovec *parts, int count);
off_t file_seek(int fd, off_t offset, int whence);
int file_stat(int fd, struct stat *st);
int file_stat_path(const char *path, struct stat *st);
int file_is_terminal(int fd); /* 1, -ENOTTY, -EBADF */
int file_flags(int fd);       /* those that fcntl tells */
int file_set_flags(int fd, int flags);
int file_descriptor_flags(int fd); /* FD_CLOEXEC or 0 */
int file_set_descriptor_flags(int fd, int flags);
ssize_t file_readable(int fd); /* FIONREAD */

/* What of poll's events holds now. A node (NULL: none) is put into a queue that is claimed when that
 * may have changed, until file_unpoll. */
int file_poll(struct file *file, struct wait_node *node);
void file_unpoll(struct file *file, struct wait_node *node);

/* Another descriptor of the same file, with the same offset: the lowest free one from least on, or
 * new_fd, whatever that was before. */
int file_dup(int fd, int least);
int file_dup_to(int fd, int new_fd);

/* What a program would change if the file system were not read-only: -EROFS, or why it could not
 * even be tried. */
int file_change(const char *path);
int file_create(const char *path);

/* The folder behind a descriptor, in node. */
int file_folder(int fd, const struct ramdisk_node **node);

#endif

/*
 * Files and their descriptors, shared by all coroutines. These return 0 or more, or a negative errno
 * value; the names that programs and newlib call are in syscalls.c.
 */
#ifndef LIBC_FILE_H
#define LIBC_FILE_H

#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

struct ramdisk_node;

enum { MAX_FILES = 1024 }; /* descriptors */

int file_open(const char *path, int flags);
int file_close(int fd);
ssize_t file_read(int fd, void *buf, size_t n);
ssize_t file_read_at(int fd, void *buf, size_t n, off_t offset);
ssize_t file_write(int fd, const void *buf, size_t n);
off_t file_seek(int fd, off_t offset, int whence);
int file_stat(int fd, struct stat *st);
int file_stat_path(const char *path, struct stat *st);
int file_is_terminal(int fd); /* 1, -ENOTTY, -EBADF */
int file_flags(int fd);       /* those of file_open that fcntl tells */

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

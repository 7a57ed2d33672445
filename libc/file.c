/*
 * What descriptors lead to: the console (0 to 2), files and folders of the initial RAM disk, which
 * are read-only, and what others bring (struct file_ops).
 */
#include "libc/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "debug/trace.h"
#include "drivers/console.h"
#include "drivers/ramdisk.h"
#include "kernel/heap.h"

/* ---- Opening -------------------------------------------------------------------------------- */

/* 0 where the folder of path, in which something shall be created, is there. */
static int folder_exists(const char *path)
{
	const struct ramdisk_node *folder;
	size_t size = strlen(path);
	char *copy;
	int error;

	while (size > 0 && path[size - 1] == '/')
		size--;
	while (size > 0 && path[size - 1] != '/')
		size--;
	if (size == 0)
		return ramdisk_lookup("/", &folder);
	copy = heap_alloc(size + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, path, size);
	copy[size] = '\0';
	error = ramdisk_lookup(copy, &folder); /* ends in a slash: must be a folder */
	heap_free(copy);
	return error;
}

int file_create(const char *path)
{
	const struct ramdisk_node *node;
	int error = ramdisk_lookup(path, &node);

	if (error == 0)
		return -EEXIST;
	if (error != -ENOENT || path[0] == '\0')
		return error;
	error = folder_exists(path);
	return error < 0 ? error : -EROFS;
}

int file_change(const char *path)
{
	const struct ramdisk_node *node;
	int error = ramdisk_lookup(path, &node);

	return error < 0 ? error : -EROFS;
}

static int find_to_open(const char *path, int flags, const struct ramdisk_node **node)
{
	int error = ramdisk_lookup(path, node);

	if (error == -ENOENT && (flags & O_CREAT))
		return file_create(path);
	if (error < 0)
		return error;
	if ((flags & O_CREAT) && (flags & O_EXCL))
		return -EEXIST;
	if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC))
		return (*node)->type == RAMDISK_FOLDER ? -EISDIR : -EROFS;
#ifdef O_DIRECTORY
	if ((flags & O_DIRECTORY) && (*node)->type != RAMDISK_FOLDER)
		return -ENOTDIR;
#endif
	return 0;
}

int file_open(const char *path, int flags)
{
	const struct ramdisk_node *node;
	struct file *file;
	int fd = find_to_open(path, flags, &node);

	if (fd < 0)
		return fd;
	file = heap_alloc(sizeof(*file));
	if (!file)
		return -ENOMEM;
	*file = (struct file){.refs = 1, .descriptors = 1, .node = node, .flags = flags};
	fd = file_give(file);
	if (fd < 0)
		heap_free(file);
	return fd;
}

/* ---- Reading and writing -------------------------------------------------------------------- */

static size_t copy_out(const struct ramdisk_node *node, void *buf, size_t n, off_t offset)
{
	size_t left = (uint64_t)offset < node->size ? node->size - (size_t)offset : 0;

	if (n > left)
		n = left;
	if (n > 0)
		memcpy(buf, node->data + offset, n);
	return n;
}

static bool input_may_wait(struct file *file)
{
	return !(atomic_load_explicit(&file->flags, memory_order_relaxed) & O_NONBLOCK);
}

static ssize_t read_at(struct file *file, void *buf, size_t n, off_t offset)
{
	if (!file->node)
		return -ESPIPE;
	if (file->node->type == RAMDISK_FOLDER)
		return -EISDIR;
	return offset < 0 ? -EINVAL : (ssize_t)copy_out(file->node, buf, n, offset);
}

static ssize_t read_next(struct file *file, void *buf, size_t n)
{
	ssize_t got;

	if (file->ops)
		return file->ops->read(file->object, &(struct iovec){buf, n}, 1,
				       input_may_wait(file));
	if (file == &console_in)
		return console_read(buf, n, input_may_wait(file));
	if (file == &console_out)
		return -EBADF;
	mutex_lock(&file->lock);
	got = read_at(file, buf, n, file->offset);
	if (got > 0)
		file->offset += got;
	mutex_unlock(&file->lock);
	return got;
}

ssize_t file_read(int fd, void *buf, size_t n)
{
	struct file *file = file_get(fd);
	ssize_t got;

	if (!file)
		return -EBADF;
	trace_called("read", fd);
	got = trace_returned("read", read_next(file, buf, n));
	file_put(file);
	return got;
}

ssize_t file_read_at(int fd, void *buf, size_t n, off_t offset)
{
	struct file *file = file_get(fd);
	ssize_t got;

	if (!file)
		return -EBADF;
	got = read_at(file, buf, n, offset);
	file_put(file);
	return got;
}

static ssize_t write_next(struct file *file, const void *buf, size_t n)
{
	if (file->ops)
		return file->ops->write(file->object, &(struct iovec){(void *)buf, n}, 1,
					input_may_wait(file));
	return file == &console_out ? console_write(buf, n) : -EBADF;
}

ssize_t file_write(int fd, const void *buf, size_t n)
{
	struct file *file = file_get(fd);
	ssize_t written;

	if (!file)
		return -EBADF;
	trace_called("write", fd);
	written = trace_returned("write", write_next(file, buf, n));
	file_put(file);
	return written;
}

/* One after the other, until one is cut short. */
static ssize_t each_part(struct file *file, const struct iovec *parts, int count, bool write)
{
	ssize_t sum = 0;

	for (int i = 0; i < count; i++) {
		ssize_t n = write ? write_next(file, parts[i].iov_base, parts[i].iov_len)
				  : read_next(file, parts[i].iov_base, parts[i].iov_len);

		if (n < 0)
			return sum ? sum : n;
		sum += n;
		if ((size_t)n < parts[i].iov_len)
			break;
	}
	return sum;
}

static bool parts_are_sound(const struct iovec *parts, int count)
{
	size_t sum = 0;

	if (count < 0 || count > IOV_MAX)
		return false;
	for (int i = 0; i < count; i++)
		if (__builtin_add_overflow(sum, parts[i].iov_len, &sum) || sum > PTRDIFF_MAX)
			return false;
	return true;
}

static ssize_t move_parts(int fd, const struct iovec *parts, int count, bool write)
{
	struct file *file = parts_are_sound(parts, count) ? file_get(fd) : NULL;
	ssize_t n;

	if (!file)
		return parts_are_sound(parts, count) ? -EBADF : -EINVAL;
	if (!file->ops)
		n = each_part(file, parts, count, write);
	else
		n = (write ? file->ops->write : file->ops->read)(file->object, parts, count,
								 input_may_wait(file));
	file_put(file);
	return n;
}

ssize_t file_read_parts(int fd, const struct iovec *parts, int count)
{
	return move_parts(fd, parts, count, false);
}

ssize_t file_write_parts(int fd, const struct iovec *parts, int count)
{
	return move_parts(fd, parts, count, true);
}

ssize_t file_readable(int fd)
{
	struct file *file = file_get(fd);
	ssize_t n = -ENOTTY;

	if (!file)
		return -EBADF;
	if (file->ops)
		n = file->ops->readable(file->object);
	else if (file == &console_in)
		n = (ssize_t)console_readable();
	file_put(file);
	return n;
}

int file_poll(struct file *file, struct wait_node *node)
{
	bool ended;

	if (file->ops)
		return file->ops->poll(file->object, node);
	if (file == &console_in)
		return (console_poll(node, &ended) ? POLLIN | POLLRDNORM : 0) |
		       (ended ? POLLHUP : 0);
	return (file == &console_out ? 0 : POLLIN | POLLRDNORM) | POLLOUT | POLLWRNORM;
}

void file_unpoll(struct file *file, struct wait_node *node)
{
	if (file->ops)
		file->ops->unpoll(file->object, node);
	else if (file == &console_in)
		console_unpoll(node);
}

static off_t seek(struct file *file, off_t offset, int whence)
{
	off_t from, to;

	switch (whence) {
	case SEEK_SET:
		from = 0;
		break;
	case SEEK_CUR:
		from = file->offset;
		break;
	case SEEK_END:
		from = (off_t)file->node->size;
		break;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(from, offset, &to))
		return -EOVERFLOW;
	if (to < 0)
		return -EINVAL;
	return file->offset = to;
}

off_t file_seek(int fd, off_t offset, int whence)
{
	struct file *file = file_get(fd);
	off_t result = -ESPIPE;

	if (!file)
		return -EBADF;
	if (file->node) {
		mutex_lock(&file->lock);
		result = seek(file, offset, whence);
		mutex_unlock(&file->lock);
	}
	file_put(file);
	return result;
}

/* ---- What files are ------------------------------------------------------------------------- */

static void fill_stat(const struct ramdisk_node *node, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_nlink = 1;
	st->st_blksize = 4096; /* also the size of newlib's buffers */
	if (!node) {
		st->st_mode = S_IFCHR | 0620;
		return;
	}
	st->st_ino = (ino_t)node->inode;
	st->st_mode = (node->type == RAMDISK_FOLDER ? S_IFDIR : S_IFREG) | node->mode;
	st->st_size = (off_t)node->size;
	st->st_blocks = (blkcnt_t)((node->size + 511) / 512);
	st->st_atim.tv_sec = st->st_mtim.tv_sec = st->st_ctim.tv_sec = node->mtime;
}

int file_stat(int fd, struct stat *st)
{
	struct file *file = file_get(fd);

	if (!file)
		return -EBADF;
	fill_stat(file->node, st);
	if (file->ops)
		st->st_mode = S_IFSOCK | 0666;
	file_put(file);
	return 0;
}

int file_stat_path(const char *path, struct stat *st)
{
	const struct ramdisk_node *node;
	int error = ramdisk_lookup(path, &node);

	if (error == 0)
		fill_stat(node, st);
	return error;
}

int file_is_terminal(int fd)
{
	struct file *file = file_get(fd);
	int result = -ENOTTY;

	if (!file)
		return -EBADF;
	if ((file == &console_out && console_shows()) ||
	    (file == &console_in && console_is_terminal()))
		result = 1;
	file_put(file);
	return result;
}

enum { CHANGEABLE = O_APPEND | O_NONBLOCK };

int file_flags(int fd)
{
	struct file *file = file_get(fd);
	int flags;

	if (!file)
		return -EBADF;
	flags = atomic_load_explicit(&file->flags, memory_order_relaxed) & (O_ACCMODE | CHANGEABLE);
	file_put(file);
	return flags;
}

int file_set_flags(int fd, int flags)
{
	struct file *file = file_get(fd);

	if (!file)
		return -EBADF;
	atomic_fetch_and_explicit(&file->flags, flags | ~CHANGEABLE, memory_order_relaxed);
	atomic_fetch_or_explicit(&file->flags, flags & CHANGEABLE, memory_order_relaxed);
	file_put(file);
	return 0;
}

int file_folder(int fd, const struct ramdisk_node **node)
{
	struct file *file = file_get(fd);
	int error = 0;

	if (!file)
		return -EBADF;
	*node = file->node;
	if (!*node || (*node)->type != RAMDISK_FOLDER)
		error = -ENOTDIR;
	file_put(file);
	return error;
}

/*
 * Descriptors 0 to 2 are the console; others are files and folders of the initial RAM disk, which
 * are read-only. Invariant: a file lives while refs > 0; the table has one reference, every call
 * that is at work on the file another, so that close never takes it away from a reader.
 */
#include "libc/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <vole/sync.h>

#include "drivers/console.h"
#include "drivers/ramdisk.h"
#include "kernel/heap.h"

struct file {
	_Atomic unsigned refs;
	/* Constant. */
	const struct ramdisk_node *node; /* NULL: the console */
	int flags;
	struct mutex lock;
	/* guarded by lock */
	off_t offset;
};

static struct file console_in = {.refs = 1, .flags = O_RDONLY};
static struct file console_out = {.refs = 2, .flags = O_WRONLY};

static struct mutex table_lock;
/* guarded by table_lock */
static struct file *table[MAX_FILES] = {&console_in, &console_out, &console_out};

/* ---- Descriptors ---------------------------------------------------------------------------- */

/* The file of fd, with a reference for the caller; NULL: there is none. */
static struct file *file_get(int fd)
{
	struct file *file = NULL;

	if (fd < 0 || fd >= MAX_FILES)
		return NULL;
	mutex_lock(&table_lock);
	file = table[fd];
	if (file)
		atomic_fetch_add_explicit(&file->refs, 1, memory_order_relaxed);
	mutex_unlock(&table_lock);
	return file;
}

static void file_put(struct file *file)
{
	/* release and acquire: all use of the file comes before it is freed. */
	if (atomic_fetch_sub_explicit(&file->refs, 1, memory_order_acq_rel) > 1)
		return;
	if (file != &console_in && file != &console_out)
		heap_free(file);
}

/* Gives file the lowest free descriptor from least on. */
static int table_add(struct file *file, int least)
{
	int fd = least;

	mutex_lock(&table_lock);
	while (fd < MAX_FILES && table[fd])
		fd++;
	if (fd < MAX_FILES)
		table[fd] = file;
	mutex_unlock(&table_lock);
	return fd < MAX_FILES ? fd : -EMFILE;
}

/* Puts file (NULL: none) in the place of fd; what was there. */
static struct file *table_swap(int fd, struct file *file)
{
	mutex_lock(&table_lock);
	struct file *old = table[fd];
	table[fd] = file;
	mutex_unlock(&table_lock);
	return old;
}

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
	*file = (struct file){.refs = 1, .node = node, .flags = flags};
	fd = table_add(file, 0);
	if (fd < 0)
		heap_free(file);
	return fd;
}

int file_close(int fd)
{
	struct file *file = fd >= 0 && fd < MAX_FILES ? table_swap(fd, NULL) : NULL;

	if (!file)
		return -EBADF;
	file_put(file);
	return 0;
}

int file_dup(int fd, int least)
{
	struct file *file;
	int new_fd;

	if (least < 0 || least >= MAX_FILES)
		return -EINVAL;
	file = file_get(fd);
	if (!file)
		return -EBADF;
	new_fd = table_add(file, least);
	if (new_fd < 0)
		file_put(file);
	return new_fd;
}

int file_dup_to(int fd, int new_fd)
{
	struct file *file = file_get(fd), *old;

	if (!file)
		return -EBADF;
	if (fd == new_fd || new_fd < 0 || new_fd >= MAX_FILES) {
		file_put(file);
		return fd == new_fd ? fd : -EBADF;
	}
	old = table_swap(new_fd, file);
	if (old)
		file_put(old);
	return new_fd;
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

	if (file == &console_in)
		return console_read(buf, n);
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
	got = read_next(file, buf, n);
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

ssize_t file_write(int fd, const void *buf, size_t n)
{
	struct file *file = file_get(fd);
	ssize_t written = -EBADF;

	if (!file)
		return -EBADF;
	if (file == &console_out)
		written = console_write(buf, n);
	file_put(file);
	return written;
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
	if (file == &console_out || (file == &console_in && console_is_terminal()))
		result = 1;
	file_put(file);
	return result;
}

int file_flags(int fd)
{
	struct file *file = file_get(fd);
	int flags;

	if (!file)
		return -EBADF;
	flags = file->flags & (O_ACCMODE | O_APPEND | O_NONBLOCK);
	file_put(file);
	return flags;
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

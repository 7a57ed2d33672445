/*
 * The table of descriptors. Invariant: a file lives while refs > 0; each descriptor has one
 * reference, and every call that is at work on the file another, so that close never takes it away
 * from a reader.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "kernel/heap.h"
#include "kernel/lock.h"
#include "libc/file.h"

struct file console_in = {.refs = 1, .descriptors = 1, .flags = O_RDONLY};
struct file console_out = {.refs = 2, .descriptors = 2, .flags = O_WRONLY};

/* The table is in chunks, which stay when they are there; used has a bit for each descriptor. */
enum { CHUNK = 512, CHUNKS = MAX_FILES / CHUNK, WORD = 64 };

static struct file *first_files[CHUNK] = {&console_in, &console_out, &console_out};

static struct spinlock table_lock;
/* guarded by table_lock */
static struct file **chunks[CHUNKS] = {first_files};
static uint64_t used[MAX_FILES / WORD] = {7};
static uint64_t close_on_exec[MAX_FILES / WORD]; /* FD_CLOEXEC: kept, and of no use */
static int lowest = 3;                           /* all below are used */

/* Where the file of fd is kept; NULL: it never was in use. table_lock is held. */
static struct file **descriptor_at(int fd)
{
	assert_locked(&table_lock);
	if (fd < 0 || fd >= MAX_FILES || !chunks[fd / CHUNK])
		return NULL;
	return &chunks[fd / CHUNK][fd % CHUNK];
}

struct file *file_get(int fd)
{
	struct file *file, **at;

	lock(&table_lock);
	at = descriptor_at(fd);
	file = at ? *at : NULL;
	if (file)
		atomic_fetch_add_explicit(&file->refs, 1, memory_order_relaxed);
	unlock(&table_lock);
	return file;
}

void file_put(struct file *file)
{
	/* acq_rel: with the same of all others: all use of the file comes before it is freed. */
	if (atomic_fetch_sub_explicit(&file->refs, 1, memory_order_acq_rel) > 1)
		return;
	if (file->ops)
		file->ops->free(file->object);
	if (file != &console_in && file != &console_out)
		heap_free(file);
}

/* A descriptor of file has gone, and its reference. */
static void file_drop(struct file *file)
{
	/* Whoever has file open still may use it while it is closed: its object has locks of its own. */
	if (atomic_fetch_sub_explicit(&file->descriptors, 1, memory_order_relaxed) == 1 &&
	    file->ops)
		file->ops->close(file->object);
	file_put(file);
}

static bool is_used(int fd)
{
	return used[fd / WORD] >> (fd % WORD) & 1;
}

/* The lowest free descriptor from least on, or -EMFILE. */
static int descriptor_find(int least)
{
	int fd = least > lowest ? least : lowest;

	while (fd < MAX_FILES && is_used(fd)) {
		uint64_t above = ~used[fd / WORD] & (~UINT64_C(0) << (fd % WORD));

		fd = above ? fd / WORD * WORD + __builtin_ctzll(above) : (fd / WORD + 1) * WORD;
	}
	return fd < MAX_FILES ? fd : -EMFILE;
}

/* Puts file (NULL: none) in the place of fd, whose chunk is there; what was there. */
static struct file *descriptor_set(int fd, struct file *file)
{
	struct file **at = descriptor_at(fd), *old = *at;

	*at = file;
	close_on_exec[fd / WORD] &= ~(UINT64_C(1) << (fd % WORD));
	if (file) {
		used[fd / WORD] |= UINT64_C(1) << (fd % WORD);
		if (fd == lowest)
			lowest++;
	} else {
		used[fd / WORD] &= ~(UINT64_C(1) << (fd % WORD));
		if (fd < lowest)
			lowest = fd;
	}
	return old;
}

/* Makes sure that the chunk of fd is there. Without the lock. */
static bool descriptors_grow(int fd)
{
	struct file **chunk = heap_alloc(CHUNK * sizeof(struct file *));

	if (!chunk)
		return false;
	memset(chunk, 0, CHUNK * sizeof(struct file *));
	lock(&table_lock);
	if (!chunks[fd / CHUNK]) {
		chunks[fd / CHUNK] = chunk;
		chunk = NULL;
	}
	unlock(&table_lock);
	heap_free(chunk); /* another was faster */
	return true;
}

/* Gives file the lowest free descriptor from least on. */
static int descriptor_add(struct file *file, int least)
{
	for (;;) {
		lock(&table_lock);

		int fd = descriptor_find(least);
		bool there = fd < 0 || descriptor_at(fd);

		if (fd >= 0 && there)
			descriptor_set(fd, file);
		unlock(&table_lock);
		if (there)
			return fd;
		if (!descriptors_grow(fd))
			return -ENOMEM;
	}
}

int file_add(const struct file_ops *ops, void *object, int flags)
{
	struct file *file = heap_alloc(sizeof(*file));
	int fd;

	if (!file)
		return -ENOMEM;
	*file = (struct file){
		.refs = 1, .descriptors = 1, .flags = flags, .ops = ops, .object = object};
	fd = descriptor_add(file, 0);
	if (fd < 0)
		heap_free(file);
	return fd;
}

int file_give(struct file *file)
{
	return descriptor_add(file, 0);
}

int file_descriptor_flags(int fd)
{
	struct file **at;
	int flags = -EBADF;

	lock(&table_lock);
	at = descriptor_at(fd);
	if (at && *at)
		flags = close_on_exec[fd / WORD] >> (fd % WORD) & 1 ? FD_CLOEXEC : 0;
	unlock(&table_lock);
	return flags;
}

int file_set_descriptor_flags(int fd, int flags)
{
	uint64_t bit = UINT64_C(1) << (fd & (WORD - 1));
	struct file **at;
	int error = -EBADF;

	lock(&table_lock);
	at = descriptor_at(fd);
	if (at && *at) {
		uint64_t *word = &close_on_exec[fd / WORD];

		*word = flags & FD_CLOEXEC ? *word | bit : *word & ~bit;
		error = 0;
	}
	unlock(&table_lock);
	return error;
}

int file_close(int fd)
{
	struct file **at, *file;

	lock(&table_lock);
	at = descriptor_at(fd);
	file = at && *at ? descriptor_set(fd, NULL) : NULL;
	unlock(&table_lock);
	if (!file)
		return -EBADF;
	file_drop(file);
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
	atomic_fetch_add_explicit(&file->descriptors, 1, memory_order_relaxed);
	new_fd = descriptor_add(file, least);
	if (new_fd < 0)
		file_drop(file);
	return new_fd;
}

int file_dup_to(int fd, int new_fd)
{
	struct file *file = file_get(fd), *old = NULL;
	bool there;

	if (!file)
		return -EBADF;
	if (fd == new_fd || new_fd < 0 || new_fd >= MAX_FILES) {
		file_put(file);
		return fd == new_fd ? fd : -EBADF;
	}
	atomic_fetch_add_explicit(&file->descriptors, 1, memory_order_relaxed);
	do {
		lock(&table_lock);
		there = descriptor_at(new_fd);
		if (there)
			old = descriptor_set(new_fd, file);
		unlock(&table_lock);
	} while (!there && descriptors_grow(new_fd));
	if (!there)
		file_drop(file);
	if (old)
		file_drop(old);
	return there ? new_fd : -ENOMEM;
}

/* Reading folders. A DIR is used by one coroutine at a time; "." and ".." are not listed. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/ramdisk.h"
#include "kernel/heap.h"
#include "libc/file.h"

struct dir {
	const struct ramdisk_node *folder, *next;
	long position; /* how many have been read */
	int fd;        /* of fdopendir; -1: none */
	struct dirent entry;
};

static DIR *make_dir(const struct ramdisk_node *folder, int fd)
{
	DIR *dir = heap_alloc(sizeof(*dir));

	if (!dir) {
		errno = ENOMEM;
		return NULL;
	}
	dir->folder = folder;
	dir->fd = fd;
	rewinddir(dir);
	return dir;
}

DIR *opendir(const char *path)
{
	const struct ramdisk_node *folder;
	int error = ramdisk_lookup(path, &folder);

	if (error == 0 && folder->type != RAMDISK_FOLDER)
		error = -ENOTDIR;
	if (error < 0) {
		errno = -error;
		return NULL;
	}
	return make_dir(folder, -1);
}

DIR *fdopendir(int fd)
{
	const struct ramdisk_node *folder;
	int error = file_folder(fd, &folder);

	if (error < 0) {
		errno = -error;
		return NULL;
	}
	return make_dir(folder, fd);
}

int closedir(DIR *dir)
{
	int error = dir->fd >= 0 ? file_close(dir->fd) : 0;

	heap_free(dir);
	if (error < 0) {
		errno = -error;
		return -1;
	}
	return 0;
}

int dirfd(DIR *dir)
{
	if (dir->fd < 0)
		errno = ENOTSUP;
	return dir->fd;
}

static void fill_entry(const struct ramdisk_node *node, struct dirent *entry)
{
	size_t size = node->name_size <= MAXNAMLEN ? node->name_size : MAXNAMLEN;

	entry->d_ino = (ino_t)node->inode;
	entry->d_type = node->type == RAMDISK_FOLDER ? DT_DIR
			: node->type == RAMDISK_FILE ? DT_REG
						     : DT_UNKNOWN;
	memcpy(entry->d_name, node->name, size);
	entry->d_name[size] = '\0';
}

struct dirent *readdir(DIR *dir)
{
	if (!dir->next)
		return NULL;
	fill_entry(dir->next, &dir->entry);
	dir->next = dir->next->next;
	dir->position++;
	return &dir->entry;
}

int readdir_r(DIR *restrict dir, struct dirent *restrict entry, struct dirent **restrict result)
{
	struct dirent *next = readdir(dir);

	if (next)
		*entry = *next;
	*result = next ? entry : NULL;
	return 0;
}

void rewinddir(DIR *dir)
{
	dir->next = dir->folder->first;
	dir->position = 0;
}

long telldir(DIR *dir)
{
	return dir->position;
}

void seekdir(DIR *dir, long position)
{
	rewinddir(dir);
	while (dir->position < position && dir->next) {
		dir->next = dir->next->next;
		dir->position++;
	}
}

int alphasort(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void free_entries(struct dirent **list, int n)
{
	while (n > 0)
		free(list[--n]);
	free(list);
}

/* Those that choose (NULL: all) wants, in the order of compare (NULL: the folder's). */
int scandir(const char *path, struct dirent ***result, int (*choose)(const struct dirent *),
	    int (*compare)(const struct dirent **, const struct dirent **))
{
	DIR *dir = opendir(path);
	struct dirent **list = NULL;
	int n = 0;

	if (!dir)
		return -1;
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (choose && !choose(entry))
			continue;

		struct dirent **longer = realloc(list, (size_t)(n + 1) * sizeof(*list));
		struct dirent *copy = longer ? malloc(sizeof(*copy)) : NULL;

		list = longer ? longer : list;
		if (!copy) {
			free_entries(list, n);
			closedir(dir);
			errno = ENOMEM;
			return -1;
		}
		*copy = *entry;
		list[n++] = copy;
	}
	closedir(dir);
	if (n > 1 && compare)
		qsort(list, (size_t)n, sizeof(*list), (int (*)(const void *, const void *))compare);
	*result = list;
	return n;
}

/*
 * The initial RAM disk: a ustar archive (POSIX.1-1988), read where it lies. Read-only: a node never
 * changes once it can be found, so looking needs no lock.
 */
#ifndef DRIVERS_RAMDISK_H
#define DRIVERS_RAMDISK_H

#include <stddef.h>
#include <stdint.h>

enum ramdisk_type { RAMDISK_FILE, RAMDISK_FOLDER, RAMDISK_SYMLINK };

struct ramdisk_node {
	const char *name; /* not NUL-terminated */
	size_t name_size;
	enum ramdisk_type type;
	uint32_t mode;  /* permissions only */
	uint32_t inode; /* the root is 1 */
	int64_t mtime;
	const uint8_t *data; /* a file's bytes, a symbolic link's target */
	size_t size;

	struct ramdisk_node *parent;       /* the root's is itself */
	struct ramdisk_node *first, *last; /* of a folder's nodes, in the archive's order */
	struct ramdisk_node *next;         /* in the same folder */
	struct ramdisk_node *next_same_hash;
};

/*
 * Finds path, from the root whether or not it begins with a slash; follows symbolic links. From
 * coroutines. 0; -ENOENT, -ENOTDIR, -ELOOP, -ENOMEM. Without a RAM disk all is -ENOENT, and a line
 * on the console says so once.
 */
int ramdisk_lookup(const char *path, const struct ramdisk_node **node);

#endif

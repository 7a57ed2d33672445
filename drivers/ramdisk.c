/*
 * The index of the initial RAM disk: a tree of nodes that point into the archive, made at the
 * first lookup. Invariant: everything is written in make_index, which runs once, and nothing after.
 */
#include "drivers/ramdisk.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <vole/sync.h>

#include "arch/arch.h"
#include "debug/print.h"
#include "kernel/heap.h"

enum { BLOCK = 512 };

/* "ustar Interchange Format", POSIX.1: numbers are octal digits; texts end at a NUL or fill up. */
struct header {
	char name[100];
	char mode[8], uid[8], gid[8];
	char size[12], mtime[12];
	char checksum[8];
	char type;
	char link_name[100];
	char magic[6], version[2];
	char user[32], group[32];
	char dev_major[8], dev_minor[8];
	char prefix[155];
	char pad[12];
};

_Static_assert(sizeof(struct header) == BLOCK, "the header of a file is one block");

enum {
	TYPE_OLD_FILE = '\0',
	TYPE_FILE = '0',
	TYPE_HARD_LINK = '1',
	TYPE_SYMLINK = '2',
	TYPE_FOLDER = '5',
	TYPE_CONTIGUOUS = '7', /* a file */
};

enum { HASH_SIZE = 1024 };
enum { MAX_LINKS = 8 }; /* symbolic links in one lookup */

static struct ramdisk_node root = {
	.name = "",
	.type = RAMDISK_FOLDER,
	.mode = 0555,
	.inode = 1,
	.parent = &root,
};
static struct ramdisk_node *hashes[HASH_SIZE];
static uint32_t last_inode = 1;

static struct once once;
static enum { READY, ABSENT, NO_MEMORY } state;

/* ---- The tree ------------------------------------------------------------------------------- */

/* FNV-1a. */
static struct ramdisk_node **hash(const struct ramdisk_node *folder, const char *name, size_t size)
{
	uint32_t h = 2166136261u ^ folder->inode;

	for (size_t i = 0; i < size; i++)
		h = (h ^ (uint8_t)name[i]) * 16777619u;
	return &hashes[(h ^ h >> 16) % HASH_SIZE];
}

static struct ramdisk_node *child(const struct ramdisk_node *folder, const char *name, size_t size)
{
	struct ramdisk_node *node = *hash(folder, name, size);

	while (node && (node->parent != folder || node->name_size != size ||
			memcmp(node->name, name, size) != 0))
		node = node->next_same_hash;
	return node;
}

static struct ramdisk_node *add(struct ramdisk_node *folder, const char *name, size_t size)
{
	struct ramdisk_node **bucket = hash(folder, name, size);
	struct ramdisk_node *node = heap_alloc(sizeof(*node));

	if (!node)
		return NULL;
	memset(node, 0, sizeof(*node));
	node->name = name;
	node->name_size = size;
	node->type = RAMDISK_FOLDER;
	node->mode = 0555;
	node->inode = ++last_inode;
	node->parent = folder;
	node->next_same_hash = *bucket;
	*bucket = node;
	if (folder->last)
		folder->last->next = node;
	else
		folder->first = node;
	folder->last = node;
	return node;
}

/* The next name in path, which moves behind it; its size, 0 at the end. */
static size_t next_name(const char **path, const char *end, const char **name)
{
	const char *p = *path;

	while (p < end && *p == '/')
		p++;
	*name = p;
	while (p < end && *p != '/')
		p++;
	*path = p;
	return (size_t)(p - *name);
}

static bool is_dot(const char *name, size_t size)
{
	return size == 1 && name[0] == '.';
}

static bool is_dot_dot(const char *name, size_t size)
{
	return size == 2 && name[0] == '.' && name[1] == '.';
}

/* The node at path below folder, made where there is none, with the folders on the way. */
static struct ramdisk_node *make_path(struct ramdisk_node *folder, const char *path, size_t size)
{
	const char *end = path + size, *name;

	for (size_t n; folder && (n = next_name(&path, end, &name)) > 0;) {
		if (is_dot(name, n))
			continue;
		if (is_dot_dot(name, n)) {
			folder = folder->parent;
			continue;
		}

		struct ramdisk_node *node = child(folder, name, n);

		folder = node ? node : add(folder, name, n);
	}
	return folder;
}

/* ---- Reading the archive -------------------------------------------------------------------- */

/* An octal number; -1: it is none. */
static int64_t number(const char *digits, size_t size)
{
	int64_t value = 0;
	size_t i = 0;

	while (i < size && digits[i] == ' ')
		i++;
	for (; i < size && digits[i] != ' ' && digits[i] != '\0'; i++) {
		if (digits[i] < '0' || digits[i] > '7')
			return -1;
		value = value << 3 | (digits[i] - '0');
	}
	return value;
}

/* The sum of all bytes, with blanks in place of the checksum. */
static bool checksum_right(const struct header *h)
{
	const uint8_t *bytes = (const uint8_t *)h;
	int64_t sum = 0;

	for (size_t i = 0; i < BLOCK; i++) {
		bool in_checksum = i - offsetof(struct header, checksum) < sizeof(h->checksum);

		sum += in_checksum ? ' ' : bytes[i];
	}
	return number(h->checksum, sizeof(h->checksum)) == sum;
}

static bool all_zero(const struct header *h)
{
	const uint8_t *bytes = (const uint8_t *)h;

	for (size_t i = 0; i < BLOCK; i++)
		if (bytes[i])
			return false;
	return true;
}

static struct ramdisk_node *make_node(const struct header *h)
{
	struct ramdisk_node *folder = &root;

	if (memcmp(h->magic, "ustar", 5) == 0)
		folder = make_path(folder, h->prefix, strnlen(h->prefix, sizeof(h->prefix)));
	return folder ? make_path(folder, h->name, strnlen(h->name, sizeof(h->name))) : NULL;
}

/* Enters one member of the archive. False: no memory. */
static bool read_member(const struct header *h, const uint8_t *data, size_t size)
{
	const struct ramdisk_node *original;
	struct ramdisk_node *node;

	switch (h->type) {
	case TYPE_OLD_FILE:
	case TYPE_FILE:
	case TYPE_HARD_LINK:
	case TYPE_SYMLINK:
	case TYPE_FOLDER:
	case TYPE_CONTIGUOUS:
		break;
	default: /* devices; attributes that other formats put before a file */
		return true;
	}

	node = make_node(h);
	if (!node)
		return false;
	node->mode = (uint32_t)number(h->mode, sizeof(h->mode)) & 0555;
	node->mtime = number(h->mtime, sizeof(h->mtime));
	if (h->type == TYPE_FOLDER || node == &root)
		return true;
	node->type = RAMDISK_FILE;
	node->data = data;
	node->size = size;
	if (h->type == TYPE_SYMLINK) {
		node->type = RAMDISK_SYMLINK;
		node->data = (const uint8_t *)h->link_name;
		node->size = strnlen(h->link_name, sizeof(h->link_name));
	} else if (h->type == TYPE_HARD_LINK) { /* to a member before it */
		original = make_path(&root, h->link_name,
				     strnlen(h->link_name, sizeof(h->link_name)));
		if (!original)
			return false;
		node->data = original->data;
		node->size = original->size;
	}
	return true;
}

static int read_archive(void)
{
	const uint8_t *archive = machine.initrd;
	size_t at = 0;

	if (!archive) {
		print("vole: no initial RAM disk, so no files: run with FILES=folder\n");
		return ABSENT;
	}
	for (;;) {
		const struct header *h = (const struct header *)(archive + at);
		const char *fault = NULL;

		if (machine.initrd_size - at < BLOCK)
			fault = "it ends without its mark of the end";
		else if (all_zero(h))
			return READY;
		else if (!checksum_right(h))
			fault = "a header's checksum is wrong";

		int64_t size = fault ? 0 : number(h->size, sizeof(h->size));
		size_t left = fault ? 0 : machine.initrd_size - at - BLOCK;

		if (!fault && (size < 0 || (uint64_t)size > left))
			fault = "a file goes beyond its end";
		if (fault) {
			print("vole: the initial RAM disk is damaged at byte %zu: %s; what comes "
			      "after is missing\n",
			      at, fault);
			return READY;
		}
		if (!read_member(h, archive + at + BLOCK, (size_t)size))
			return NO_MEMORY;

		size_t blocks = ((size_t)size + BLOCK - 1) / BLOCK * BLOCK;

		at += BLOCK + (blocks < left ? blocks : left);
	}
}

/* ---- Looking up ----------------------------------------------------------------------------- */

static int find_node(const struct ramdisk_node *folder, const char *path, size_t size, int *links,
		     const struct ramdisk_node **found)
{
	const char *end = path + size, *name;
	bool is_folder = size > 0 && path[size - 1] == '/';
	int error;

	if (size > 0 && path[0] == '/')
		folder = &root;
	for (size_t n; (n = next_name(&path, end, &name)) > 0;) {
		if (folder->type != RAMDISK_FOLDER)
			return -ENOTDIR;
		if (is_dot(name, n))
			continue;
		if (is_dot_dot(name, n)) {
			folder = folder->parent;
			continue;
		}

		const struct ramdisk_node *node = child(folder, name, n);

		if (!node)
			return -ENOENT;
		if (node->type == RAMDISK_SYMLINK) {
			if (++*links > MAX_LINKS)
				return -ELOOP;
			error = find_node(folder, (const char *)node->data, node->size, links,
					  &node);
			if (error < 0)
				return error;
		}
		folder = node;
	}
	if (is_folder && folder->type != RAMDISK_FOLDER)
		return -ENOTDIR;
	*found = folder;
	return 0;
}

static void make_index(void *unused)
{
	(void)unused;
	state = read_archive();
}

int ramdisk_lookup(const char *path, const struct ramdisk_node **node)
{
	int links = 0;

	once_do(&once, make_index, NULL);
	if (state == ABSENT || path[0] == '\0')
		return -ENOENT;
	if (state == NO_MEMORY)
		return -ENOMEM;
	return find_node(&root, path, strlen(path), &links, node);
}

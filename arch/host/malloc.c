/*
 * The program's malloc family, over the kernel's heap, as on every machine. The C library's own
 * calls go to its own heap: it holds locks when it allocates, and the kernel's may let another
 * coroutine run. So a block may come from either, and what is not in the kernel's RAM is the
 * library's. The other way round there is no help: a block of malloc must not be given to getline.
 *
 * The library may keep a pointer to a block of the program (setvbuf, tsearch, putenv), in its variables or in
 * its heap: so a search for leaks starts from there, too.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "debug/block.h"
#include "debug/leaks.h"
#include "debug/reach.h"
#include "kernel/page.h"

void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
size_t __real_malloc_usable_size(void *p);

void *__wrap_malloc(size_t size);
void __wrap_free(void *p);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
int __wrap_posix_memalign(void **p, size_t align, size_t size);
void *__wrap_memalign(size_t align, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
size_t __wrap_malloc_usable_size(void *p);

static void *allocate(size_t align, size_t size)
{
	void *p = block_alloc(align, size ? size : 1);

	if (!p)
		errno = ENOMEM;
	return p;
}

static bool is_power_of_two(size_t n)
{
	return n && !(n & (n - 1));
}

void *__wrap_malloc(size_t size)
{
	return allocate(16, size);
}

void __wrap_free(void *p)
{
	if (!p || page_of(p))
		block_free(p);
	else
		__real_free(p);
}

void *__wrap_calloc(size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		bytes = SIZE_MAX; /* more than there is */

	void *p = allocate(16, bytes);

	return p ? memset(p, 0, bytes) : NULL;
}

/* As in newlib, size 0 frees p. */
void *__wrap_realloc(void *p, size_t size)
{
	if (!p)
		return allocate(16, size);
	if (!page_of(p))
		return __real_realloc(p, size);
	if (size == 0) {
		block_free(p);
		return NULL;
	}

	void *q = block_resize(p, size);

	if (!q)
		errno = ENOMEM;
	return q;
}

int __wrap_posix_memalign(void **p, size_t align, size_t size)
{
	if (!is_power_of_two(align) || align % sizeof(void *))
		return EINVAL;

	void *block = block_alloc(align, size ? size : 1);

	if (!block)
		return ENOMEM;
	*p = block;
	return 0;
}

void *__wrap_memalign(size_t align, size_t size)
{
	if (!is_power_of_two(align)) {
		errno = EINVAL;
		return NULL;
	}
	return allocate(align, size);
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
	return __wrap_memalign(align, size);
}

size_t __wrap_malloc_usable_size(void *p)
{
	if (p && !page_of(p))
		return __real_malloc_usable_size(p);
	return p ? block_size(p) : 0;
}

/* ---- What the library keeps ---- */

struct mapping {
	uintptr_t from, to;
	bool writable;
	char name[256]; /* "": none */
};

/* Linux's list of them, read without the library: its locks may be held. */
static struct {
	int fd;
	size_t at, end;
	char text[4096];
} maps;

/* -1: there is no more. */
static int next_char(void)
{
	if (maps.at == maps.end) {
		long n = host_call(SYS_read, maps.fd, (long)maps.text, sizeof(maps.text), 0, 0, 0);

		maps.at = 0;
		maps.end = n > 0 ? (size_t)n : 0;
	}
	return maps.at < maps.end ? maps.text[maps.at++] : -1;
}

static uintptr_t next_address(void)
{
	uintptr_t address = 0;
	int c;

	while ((c = next_char()) >= '0')
		address = address << 4 | (uintptr_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	return address;
}

/* FROM-TO rwxp OFFSET DEVICE INODE NAME. */
static bool next_mapping(struct mapping *m)
{
	size_t n = 0;
	bool named = false;
	int c;

	m->from = next_address();
	m->to = next_address();
	next_char();
	m->writable = next_char() == 'w';
	while ((c = next_char()) >= 0 && c != '\n') {
		named = named || c == '/' || c == '[';
		if (named && n + 1 < sizeof(m->name))
			m->name[n++] = (char)c;
	}
	m->name[n] = '\0';
	return c == '\n';
}

/* Variables of shared libraries are in their files' mappings and those without a value in one without a name right
 * behind; the heap is one piece, for it has a single arena. */
static void reach_library(void)
{
	static struct mapping m; /* too large for the stack of a core */
	uintptr_t end = 0;       /* of the variables of a library so far */

	maps.fd = (int)host_call(SYS_openat, AT_FDCWD, (long)"/proc/self/maps",
				 O_RDONLY | O_CLOEXEC, 0, 0, 0);
	maps.at = maps.end = 0;
	while (maps.fd >= 0 && next_mapping(&m)) {
		bool variables = strstr(m.name, ".so") || (!m.name[0] && m.from == end);

		if (m.writable && (variables || strcmp(m.name, "[heap]") == 0))
			reach_words((const void *)m.from, (const void *)m.to);
		end = variables ? m.to : 0;
	}
	if (maps.fd >= 0)
		host_call(SYS_close, maps.fd, 0, 0, 0, 0, 0);
}

void host_malloc_init(void)
{
	mallopt(M_ARENA_MAX, 1);
	leaks_library_memory = reach_library;
}

/*
 * string.h as a checker sees it: each of its functions says what it reads and writes, then does it. The file that
 * includes this, once, has its own
 *
 *	static void reads(const void *p, size_t size, const void *place);
 *	static void writes(const void *p, size_t size, const void *place);
 *
 * where place is who called. The linker sends calls of NAME to __wrap_NAME; memmove, by which the library moves what
 * is its own, is left to the includer.
 */
#ifndef DEBUG_STRING_CALLS_H
#define DEBUG_STRING_CALLS_H

#include <stdint.h>
#include <string.h>

#define PLACE __builtin_return_address(0)

/* TYPE __wrap_NAME(PARAMETERS), and the same of __real_, which are those of the header. */
#define WRAP(type, name, ...) \
	type __real_##name(__VA_ARGS__); \
	_Static_assert(__builtin_types_compatible_p(__typeof__(name), __typeof__(__real_##name)), \
		       #name); \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

WRAP(void *, memcpy, void *to, const void *from, size_t size)
{
	reads(from, size, PLACE);
	writes(to, size, PLACE);
	return __real_memcpy(to, from, size);
}

WRAP(void *, memset, void *to, int byte, size_t size)
{
	writes(to, size, PLACE);
	return __real_memset(to, byte, size);
}

WRAP(int, memcmp, const void *a, const void *b, size_t size)
{
	reads(a, size, PLACE);
	reads(b, size, PLACE);
	return __real_memcmp(a, b, size);
}

/* As far as it looks. */
WRAP(void *, memchr, const void *p, int byte, size_t size)
{
	const char *found = __real_memchr(p, byte, size);

	reads(p, found ? (size_t)(found - (const char *)p) + 1 : size, PLACE);
	return (void *)(uintptr_t)found;
}

WRAP(size_t, strlen, const char *s)
{
	size_t n = __real_strlen(s);

	reads(s, n + 1, PLACE);
	return n;
}

size_t __real_strnlen(const char *s, size_t most);

/* How much of a string somebody reads who looks at no more than most. */
static size_t read_of(const char *s, size_t most)
{
	size_t n = __real_strnlen(s, most);

	return n < most ? n + 1 : n;
}

WRAP(size_t, strnlen, const char *s, size_t most)
{
	reads(s, read_of(s, most), PLACE);
	return __real_strnlen(s, most);
}

WRAP(char *, strcpy, char *to, const char *from)
{
	size_t size = __real_strlen(from) + 1;

	reads(from, size, PLACE);
	writes(to, size, PLACE);
	return __real_strcpy(to, from);
}

WRAP(char *, stpcpy, char *to, const char *from)
{
	size_t size = __real_strlen(from) + 1;

	reads(from, size, PLACE);
	writes(to, size, PLACE);
	return __real_stpcpy(to, from);
}

WRAP(char *, strncpy, char *to, const char *from, size_t most)
{
	reads(from, read_of(from, most), PLACE);
	writes(to, most, PLACE);
	return __real_strncpy(to, from, most);
}

WRAP(char *, strcat, char *to, const char *from)
{
	size_t before = __real_strlen(to), size = __real_strlen(from) + 1;

	reads(from, size, PLACE);
	reads(to, before + 1, PLACE);
	writes(to + before, size, PLACE);
	return __real_strcat(to, from);
}

WRAP(char *, strncat, char *to, const char *from, size_t most)
{
	size_t before = __real_strlen(to);

	reads(from, read_of(from, most), PLACE);
	reads(to, before + 1, PLACE);
	writes(to + before, __real_strnlen(from, most) + 1, PLACE);
	return __real_strncat(to, from, most);
}

/* How far a comparison looks: up to the first that differs. */
static size_t compared(const char *a, const char *b, size_t most)
{
	size_t n = 0;

	while (n < most && a[n] && a[n] == b[n])
		n++;
	return n < most ? n + 1 : n;
}

WRAP(int, strcmp, const char *a, const char *b)
{
	size_t n = compared(a, b, SIZE_MAX);

	reads(a, n, PLACE);
	reads(b, n, PLACE);
	return __real_strcmp(a, b);
}

WRAP(int, strncmp, const char *a, const char *b, size_t most)
{
	size_t n = compared(a, b, most);

	reads(a, n, PLACE);
	reads(b, n, PLACE);
	return __real_strncmp(a, b, most);
}

WRAP(char *, strchr, const char *s, int c)
{
	const char *found = __real_strchr(s, c);

	reads(s, found ? (size_t)(found - s) + 1 : __real_strlen(s) + 1, PLACE);
	return (char *)(uintptr_t)found;
}

WRAP(char *, strrchr, const char *s, int c)
{
	reads(s, __real_strlen(s) + 1, PLACE);
	return __real_strrchr(s, c);
}

#endif

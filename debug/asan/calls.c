/*
 * The C library is not compiled with checks. What a program gives to these functions is checked here,
 * before they are called; and so is what other functions of the library do by them. The linker sends calls
 * of NAME to __wrap_NAME.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "debug/asan/shadow.h"

/* TYPE __wrap_NAME(PARAMETERS), and the same of __real_. */
#define WRAP(type, name, ...) \
	type __real_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

WRAP(size_t, strlen, const char *s)
{
	size_t n = __real_strlen(s);

	asan_check(s, n + 1, false);
	return n;
}

WRAP(size_t, strnlen, const char *s, size_t most)
{
	size_t n = __real_strnlen(s, most);

	asan_check(s, n < most ? n + 1 : n, false);
	return n;
}

WRAP(void *, memcpy, void *to, const void *from, size_t n)
{
	asan_check(from, n, false);
	asan_check(to, n, true);
	return __real_memcpy(to, from, n);
}

WRAP(void *, memmove, void *to, const void *from, size_t n)
{
	asan_check(from, n, false);
	asan_check(to, n, true);
	return __real_memmove(to, from, n);
}

WRAP(void *, memset, void *to, int c, size_t n)
{
	asan_check(to, n, true);
	return __real_memset(to, c, n);
}

WRAP(int, memcmp, const void *a, const void *b, size_t n)
{
	asan_check(a, n, false);
	asan_check(b, n, false);
	return __real_memcmp(a, b, n);
}

/* As far as it looks. */
WRAP(void *, memchr, const void *p, int c, size_t n)
{
	const char *found = __real_memchr(p, c, n);

	asan_check(p, found ? (size_t)(found - (const char *)p) + 1 : n, false);
	return (void *)(uintptr_t)found;
}

WRAP(char *, strcpy, char *to, const char *from)
{
	size_t n = __real_strlen(from) + 1;

	asan_check(from, n, false);
	asan_check(to, n, true);
	return __real_memcpy(to, from, n);
}

WRAP(char *, stpcpy, char *to, const char *from)
{
	size_t n = __real_strlen(from);

	asan_check(from, n + 1, false);
	asan_check(to, n + 1, true);
	__real_memcpy(to, from, n + 1);
	return to + n;
}

WRAP(char *, strncpy, char *to, const char *from, size_t n)
{
	size_t length = __real_strnlen(from, n);

	asan_check(from, length < n ? length + 1 : n, false);
	asan_check(to, n, true);
	return __real_strncpy(to, from, n);
}

WRAP(char *, strncat, char *to, const char *from, size_t n)
{
	size_t before = __real_strlen(to), length = __real_strnlen(from, n);

	asan_check(from, length < n ? length + 1 : n, false);
	asan_check(to, before + length + 1, true);
	return __real_strncat(to, from, n);
}

WRAP(char *, strcat, char *to, const char *from)
{
	size_t before = __real_strlen(to), length = __real_strlen(from);

	asan_check(from, length + 1, false);
	asan_check(to, before + length + 1, true);
	__real_memcpy(to + before, from, length + 1);
	return to;
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

	asan_check(a, n, false);
	asan_check(b, n, false);
	return __real_strcmp(a, b);
}

WRAP(int, strncmp, const char *a, const char *b, size_t most)
{
	size_t n = compared(a, b, most);

	asan_check(a, n, false);
	asan_check(b, n, false);
	return __real_strncmp(a, b, most);
}

WRAP(char *, strchr, const char *s, int c)
{
	const char *found = __real_strchr(s, c);

	asan_check(s, found ? (size_t)(found - s) + 1 : __real_strlen(s) + 1, false);
	return (char *)(uintptr_t)found;
}

WRAP(char *, strrchr, const char *s, int c)
{
	asan_check(s, __real_strlen(s) + 1, false);
	return __real_strrchr(s, c);
}

/* sprintf and its like: the characters come by memmove, but not the 0 behind them. With no room, which looks
 * like room for that 0 alone, none is written; and what a block was made for has its room. */
WRAP(int, _svfprintf_r, struct _reent *reent, FILE *to, const char *format, va_list words)
{
	bool writes = to->_bf._size > 0 && !(to->_flags & __SMBF);
	int n = __real__svfprintf_r(reent, to, format, words);

	if (writes)
		asan_check(to->_p, 1, true);
	return n;
}

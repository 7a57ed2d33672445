/*
 * The C library is not compiled with checks. What a program gives to these functions is checked here,
 * before they are called; and so is what other functions of the library do by them. The linker sends calls
 * of NAME to __wrap_NAME.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "debug/asan/shadow.h"

static void reads(const void *p, size_t size, const void *place)
{
	(void)place;
	asan_check(p, size, false);
}

static void writes(const void *p, size_t size, const void *place)
{
	(void)place;
	asan_check(p, size, true);
}

#include "debug/string_calls.h"

WRAP(void *, memmove, void *to, const void *from, size_t n)
{
	reads(from, n, PLACE);
	writes(to, n, PLACE);
	return __real_memmove(to, from, n);
}

int _svfprintf_r(struct _reent *reent, FILE *to, const char *format, va_list words);

/* sprintf and its like, which no header has: the characters come by memmove, but not the 0 behind them. With no room, which looks
 * like room for that 0 alone, none is written; and what a block was made for has its room. */
WRAP(int, _svfprintf_r, struct _reent *reent, FILE *to, const char *format, va_list words)
{
	bool given = to->_bf._size > 0 && !(to->_flags & __SMBF);
	int n = __real__svfprintf_r(reent, to, format, words);

	if (given)
		writes(to->_p, 1, PLACE);
	return n;
}

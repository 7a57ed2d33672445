/*
 * For benchmark programs: what they measured, a line each (name, value, unit), and checks that the
 * work was really done. A program whose check fails says so, and dies.
 */
#ifndef BENCH_H
#define BENCH_H

#include <assert.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <vole.h>

__attribute__((format(printf, 3, 4), unused)) static void report(double value, const char *unit,
								 const char *name, ...)
{
	va_list ap;

	va_start(ap, name);
	vprintf(name, ap);
	va_end(ap);
	printf(" %.6g %s\n", value, unit);
}

/* Unlike exit, which calls what nobody knows, assert leaves the need of a stack known. */
#define must(ok, what) assert((ok) && (what))

/* Argument i, or what is taken when there are fewer. */
__attribute__((unused)) static long number(int argc, char **argv, int i, long otherwise)
{
	long n = i < argc ? strtol(argv[i], NULL, 10) : otherwise;

	must(n > 0, "an argument is a number above 0");
	return n;
}

#endif

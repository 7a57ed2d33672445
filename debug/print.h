/*
 * The kernel's own output: to the console at once, polled, a call whole. For boot messages, dumps
 * and panics; programs use stdio.
 */
#ifndef DEBUG_PRINT_H
#define DEBUG_PRINT_H

#include <stdarg.h>
#include <stddef.h>

#include "arch/arch.h"

/* As format (arch.h). */
int vformat(char *buf, size_t size, const char *fmt, va_list args);

void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void vprint(const char *fmt, va_list args);

enum log_level { LOG_WARN, LOG_INFO, LOG_DEBUG };
extern enum log_level log_level; /* vole.log= */

#define log_at(level, ...) ((level) <= log_level ? print(__VA_ARGS__) : (void)0)
#define log_warn(...)      log_at(LOG_WARN, "vole: " __VA_ARGS__)
#define log_info(...)      log_at(LOG_INFO, "vole: " __VA_ARGS__)
#define log_debug(...)     log_at(LOG_DEBUG, "vole: " __VA_ARGS__)

#endif

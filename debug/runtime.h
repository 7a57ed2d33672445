/* What runtime.c has for others that tell of coroutines. */
#ifndef DEBUG_RUNTIME_H
#define DEBUG_RUNTIME_H

#include <vole/runtime.h>

#include "kernel/co.h"

/* As ps shows it, but for cpu_ns. False: it has ended, or is the kernel's. In a visit of co_each. */
bool runtime_describe(struct co *co, struct runtime_co *out);

#endif

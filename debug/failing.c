#include "debug/failing.h"

#ifdef VOLE_FAILING

_Atomic long failing_countdown;

long runtime_fail_alloc(long n)
{
	return atomic_exchange_explicit(&failing_countdown, n, memory_order_relaxed);
}

#endif

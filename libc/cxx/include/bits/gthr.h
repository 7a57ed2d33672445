/* Threads, as the C++ library's headers see them: coroutines. So its counters are atomic. */
#ifndef VOLE_BITS_GTHR_H
#define VOLE_BITS_GTHR_H

#include <vole/go.h>
#include <vole/sync.h>

#define __GTHREADS 1
#define __GTHREAD_MUTEX_INIT \
	{ \
	}
/* Locked twice, such a mutex panics: none of the headers does. */
#define __GTHREAD_RECURSIVE_MUTEX_INIT \
	{ \
	}
#define __gthread_recursive_mutex_lock   __gthread_mutex_lock
#define __gthread_recursive_mutex_unlock __gthread_mutex_unlock

typedef struct mutex __gthread_mutex_t;
typedef struct mutex __gthread_recursive_mutex_t;

static inline int __gthread_active_p(void)
{
	return 1;
}

static inline int __gthread_mutex_lock(__gthread_mutex_t *m)
{
	mutex_lock(m);
	return 0;
}

static inline int __gthread_mutex_unlock(__gthread_mutex_t *m)
{
	mutex_unlock(m);
	return 0;
}

static inline int __gthread_yield(void)
{
	go_yield();
	return 0;
}

#endif

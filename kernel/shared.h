/*
 * Fields that one core writes (or several, with a lock) and others look at without: counters, and
 * hints that are looked at again before they count. Each access is one, whole, and in no order with
 * anything else: relaxed atomics, and that is what ThreadSanitizer sees. Elsewhere they are volatile,
 * which is the same instruction; GCC 12 would give every atomic access of ARM64 an address of its
 * own, and would not count in memory.
 */
#ifndef KERNEL_SHARED_H
#define KERNEL_SHARED_H

#ifdef __SANITIZE_THREAD__
#define shared_get(field)        __atomic_load_n(&(field), __ATOMIC_RELAXED)
#define shared_set(field, value) __atomic_store_n(&(field), value, __ATOMIC_RELAXED)
#define shared_add(field, n)     shared_set(field, (field) + (n))
#else
#define shared_get(field)        (*(const volatile __typeof__(field) *)&(field))
#define shared_set(field, value) ((void)(*(volatile __typeof__(field) *)&(field) = (value)))
/* By the only writer. */
#define shared_add(field, n)     ((void)((field) += (n)))
#endif

#endif

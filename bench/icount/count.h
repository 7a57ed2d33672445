/*
 * What the counted operations have in common. Each runs n times and returns how many nanoseconds
 * that took, which are instructions where QEMU's clock advances by one a nanosecond.
 */
#ifndef COUNT_H
#define COUNT_H

#include <vole.h>

/* Coroutines and switching. */
uint64_t count_switch(int n);
uint64_t count_yield(int n);
uint64_t count_spawn(int n);

/* Channels. */
uint64_t count_send(int n);
uint64_t count_receive(int n);
uint64_t count_round_trip(int n);
uint64_t count_select_ready(int n);
uint64_t count_select_blocking(int n);

/* Locks and timers. */
uint64_t count_lock(int n);
uint64_t count_timer(int n);

/* What a computing coroutine suffers; n is only about as many. */
uint64_t count_preemption(int n);
uint64_t count_interrupt(int n);

#endif

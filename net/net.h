/*
 * The network stack, for the files of net/. lwIP runs in whatever coroutine calls it, on any core,
 * under one lock: net_lock. What lwIP calls back (new data, room to send, errors, new connections)
 * happens under it too. Locks, outer first: net_lock, a socket's.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vole/sync.h>

#include "kernel/sched.h"
#include "sync/held.h"

struct netif;

/* The first call starts the stack and waits until it has an address, or there is no hope. */
void net_start(void);

void net_lock(void);
/* What the loopback has to deliver is delivered first. */
void net_unlock(void);
void net_loop(void); /* that alone */

#define assert_net_locked() kassert(mutex_holder(&net_mutex) == arch_current()->holder)
extern struct mutex net_mutex; /* for net_lock, and for waiting */

/* There is a card that works. */
bool net_up(void);

uint32_t net_random(void);
void net_random_start(void); /* before all others here */
uint16_t net_next_port(const void *local_ip, const void *remote_ip, uint16_t remote_port);
uint16_t net_checksum(const void *data, int size); /* not inverted */

/* ---- timers.c ---- */

/* Looked at by net_lock: the timers have stopped, and must go on. */
extern bool net_asleep;
extern uint32_t net_uses; /* how often net_lock has been taken */

void net_timers_wake(void);

/* ---- card.c ---- */

/* The network interface of the card, opened; NULL: there is none. */
struct netif *card_start(void);

/* Gives back to lwIP what the card has sent. net_lock. */
void card_let_go(void);

#endif

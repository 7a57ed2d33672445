/* What is let in to lwIP; see guard.c. All under net_lock. */
#ifndef NET_GUARD_H
#define NET_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netif;
struct pbuf;
struct socket;
struct tcp_pcb;

/* Segments that were dropped, by cause, and fragments; half_open: connections that made room for others.
 * The log shows them at vole.log=info. */
extern struct guard_counts {
	uint64_t flags, sequence, memory, backlog, half_open, fragments;
} guard_counts;

/* There is little memory left: programs shall have it, whatever comes from outside. */
bool guard_low(void);

/* A pcb that is to connect. */
void guard_prepare(struct tcp_pcb *pcb);
/* One that is connected, before anything is sent; and how much may be given to lwIP at once. */
void guard_connected(struct tcp_pcb *pcb);
size_t guard_write_max(const struct tcp_pcb *pcb);
/* How much more may wait in lwIP to be sent or acknowledged, which is less where memory is short; and
 * whether that is much. Where nothing waits there is always room. */
size_t guard_room(const struct tcp_pcb *pcb);
bool guard_roomy(const struct tcp_pcb *pcb);
/* Each connection, before TCP's timers. */
void guard_tick(struct tcp_pcb *pcb);

/* A packet of IPv6 whose header is in one piece: true: it is to be dropped. And what is set right when lwIP
 * has taken in a frame; true: there is a path now that takes less than a frame. */
bool guard_ip6(const struct pbuf *p);
bool guard_after_input(const struct netif *netif);

/* The pcb of a listener; one of its connections, when it is complete; the listener's end. */
void guard_listen(struct tcp_pcb *listener);
void guard_accepted(struct tcp_pcb *pcb);
void guard_close(struct socket *s);

#endif

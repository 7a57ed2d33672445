/* Which of TCP's connections are in lwIP's lists: all, or some. All calls are under net_lock. */
#ifndef NET_DEMUX_H
#define NET_DEMUX_H

#include <lwip/ip_addr.h>

struct tcp_pcb;

/* All: for what looks at every connection. They stay until the next packet. */
void demux_all(void);

/* Those that may be this one: before it is opened, closed, shut. */
void demux_pick(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
		uint16_t remote_port);
void demux_pick_pcb(const struct tcp_pcb *pcb);

#endif

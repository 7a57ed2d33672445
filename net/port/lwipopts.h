/*
 * How lwIP is built: without a thread of its own (NO_SYS), its raw interface under one lock, ours.
 * Everything comes from the kernel's heap, so nothing but memory bounds the number of connections.
 */
#ifndef NET_PORT_LWIPOPTS_H
#define NET_PORT_LWIPOPTS_H

#include <stddef.h>
#include <stdint.h>

/* ---- The system ----------------------------------------------------------------------------- */

#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0 /* what has one user needs no lock; all else is under net_lock */
#define LWIP_TIMERS          1
#define LWIP_TIMERS_CUSTOM   1 /* net/timers.c */
#define LWIP_NETCONN         0
#define LWIP_SOCKET          0
#define LWIP_STATS           0

/* ---- Memory --------------------------------------------------------------------------------- */

void *heap_alloc(size_t size);
void heap_free(void *p);
void *net_calloc(size_t n, size_t size);
#define MEM_LIBC_MALLOC          1
#define MEMP_MEM_MALLOC          1
#define mem_clib_malloc          heap_alloc
#define mem_clib_free            heap_free
#define mem_clib_calloc          net_calloc
#define MEM_ALIGNMENT            8
#define LWIP_SUPPORT_CUSTOM_PBUF 1 /* the card's buffers go up as they are */

/* ---- Protocols ------------------------------------------------------------------------------ */

#define LWIP_IPV4        1
#define LWIP_IPV6        1
#define LWIP_ICMP        1
#define LWIP_RAW         0
#define LWIP_UDP         1
#define LWIP_TCP         1
#define LWIP_DHCP        1
#define LWIP_DNS         1
#define SO_REUSE         1
#define IP_SOF_BROADCAST 1 /* EACCES without SO_BROADCAST */

#define LWIP_HAVE_LOOPIF           1
#define LWIP_NETIF_LOOPBACK        1
#define LWIP_LOOPBACK_MAX_PBUFS    0
#define LWIP_NETIF_HOSTNAME        1
#define LWIP_NETIF_STATUS_CALLBACK 1

#define ARP_TABLE_SIZE                 64
#define ARP_QUEUEING                   1
#define IP_REASS_MAX_PBUFS             256
#define IPV6_FRAG_COPYHEADER           1 /* its pointers have 64 bits */
#define LWIP_IPV6_AUTOCONFIG           1
#define LWIP_ND6_RDNSS_MAX_DNS_SERVERS 1
#define LWIP_ND6_NUM_NEIGHBORS         64
#define LWIP_ND6_NUM_DESTINATIONS      64

#define DHCP_DOES_ARP_CHECK       0 /* it costs every start half a second */
#define DNS_TABLE_SIZE            32
#define DNS_MAX_NAME_LENGTH       256
#define LWIP_DHCP_MAX_DNS_SERVERS 2

/* ---- TCP ------------------------------------------------------------------------------------ */

#define TCP_MSS                    1460
#define LWIP_WND_SCALE             1
#define TCP_RCV_SCALE              2
#define TCP_WND                    (128 * 1024)
#define TCP_SND_BUF                (128 * 1024)
#define TCP_SND_QUEUELEN           1024
#define TCP_SNDLOWAT               (32 * 1024)
#define TCP_SNDQUEUELOWAT          512
#define MEMP_NUM_TCP_SEG           TCP_SND_QUEUELEN /* asked for by a check only */
#define LWIP_TCP_SACK_OUT          1
#define LWIP_TCP_KEEPALIVE         1
#define TCP_LISTEN_BACKLOG         1
#define TCP_DEFAULT_LISTEN_BACKLOG 255
#define TCP_MSL                    15000UL
/* What comes out of order, for each connection: a window full of whole segments. */
#define TCP_OOSEQ_MAX_BYTES       TCP_WND
#define TCP_OOSEQ_MAX_PBUFS       128
#define LWIP_TCP_PCB_NUM_EXT_ARGS 1 /* net/guard.c */

struct pbuf;
int net_hook_ip4(struct pbuf *p);
int net_hook_ip6(struct pbuf *p);
#define LWIP_HOOK_IP4_INPUT(p, netif) net_hook_ip4(p)
#define LWIP_HOOK_IP6_INPUT(p, netif) net_hook_ip6(p)

struct tcp_pcb;
struct tcp_hdr;
int8_t net_hook_tcp(struct tcp_pcb *pcb, struct tcp_hdr *hdr, uint16_t options, uint16_t together,
		    uint8_t *apart, struct pbuf *p);
#define LWIP_HOOK_TCP_INPACKET_PCB net_hook_tcp

uint32_t net_tcp_isn(const void *local_ip, uint16_t local_port, const void *remote_ip,
		     uint16_t remote_port);
#define LWIP_HOOK_TCP_ISN net_tcp_isn

/* ---- Checksums ------------------------------------------------------------------------------ */

uint16_t net_checksum(const void *data, int size);
#define LWIP_CHKSUM                  net_checksum
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1

#endif

/* A packet that is made: its bytes, from the Ethernet header on. */
#ifndef PACKET_H
#define PACKET_H

#include "storm.h"

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
enum { TCP = 6, UDP = 17, ICMP = 1, IGMP = 2, ICMP6 = 58 };
enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, OPTIONS = 60 };
enum { PACKET_MAX = 4096 };

extern uint8_t f[PACKET_MAX];
extern size_t at; /* so many of them there are */

void put8(unsigned v);
void put16(unsigned v);
void put32(uint32_t v);
void put(const void *data, size_t n);
void put_random(size_t n);
uint32_t get32(const uint8_t *p);
unsigned get16(const uint8_t *p);

/* A header, and what is before it; fragment: IPv4's field. */
void ethernet(unsigned type);
void ip4(unsigned protocol, unsigned fragment);
void ip6(unsigned protocol);
/* Headers between IPv6's and that of the protocol; now and then. */
void extensions(unsigned protocol);

/* Sizes and checksums as they should be, as far as what it is can be seen. */
void with_sums(void);

/* tcp.c: a segment of one of the connections; what the machine has said of them. */
void segment(void);
void hear_segment(const uint8_t *s, size_t n, bool six);

#endif

/*
 * Forged traffic from inside of the machine: a card in software (card.c), at the far end of which everything
 * is wrong at random (forge.c), and a program that does all that sockets can do meanwhile (main.c). Frames need no
 * emulated device and no peer in Python, so there are a thousand times as many as tests/net/thrown.py sends.
 */
#ifndef STORM_H
#define STORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRAME_MAX = 1514, ADDRESS4 = 0x0a00020f, HOST4 = 0x0a000202 };

/* Of one coroutine, the forger. */
uint32_t dice(uint32_t sides);
bool chance(uint32_t percent);

extern const uint8_t our_mac[6], host_mac[6];
extern uint8_t our_link_local[16], host_link_local[16];

/* card.c: a frame for the machine; with the last that it has sent, at most of this size. */
void card_deliver(const uint8_t *frame, size_t size);
size_t card_heard(uint8_t *frame);

/* forge.c */
void forge_one(void);
void forge_hear(const uint8_t *frame, size_t size);

#endif

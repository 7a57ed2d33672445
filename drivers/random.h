/* Random numbers that nobody can guess, for keys as well: a generator that is seeded once, from what
 * the machine has. */
#ifndef DRIVERS_RANDOM_H
#define DRIVERS_RANDOM_H

#include <stddef.h>

/* Fills data. From a coroutine; the first call seeds the generator, and may wait for that. */
void random_fill(void *data, size_t n);

/* Asks the machine's virtio-rng device, which may give fewer; how many bytes came. Once. */
size_t virtio_rng_read(void *data, size_t n);

#endif

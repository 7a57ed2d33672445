/*
 * The generator: ChaCha20 (RFC 8439, 2.3), whose output becomes the next key first, and only then
 * numbers for others (Bernstein, "Fast-key-erasure random-number generators", 2017): what was given
 * out cannot be found again from what is here now.
 *
 * Its seed comes from all there is: a virtio-rng device, the processor, and the time that things
 * take, which alone is a poor source.
 */
#include "drivers/random.h"

#include <string.h>

#include <vole/go.h>
#include <vole/sync.h>

#include "arch/devices.h"
#include "debug/print.h"
#include "kernel/lock.h"

enum { KEY_WORDS = 8, BLOCK_WORDS = 16, ROUNDS = 20 };

static struct spinlock generator_lock;
/* guarded by generator_lock */
static uint32_t key[KEY_WORDS];
static uint8_t ready[(BLOCK_WORDS - KEY_WORDS) * sizeof(uint32_t)];
static size_t nready; /* at the end of ready: not given out yet */

static uint32_t rotate_word(uint32_t x, int n)
{
	return x << n | x >> (32 - n);
}

/* RFC 8439, 2.1. */
static void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	*a += *b, *d = rotate_word(*d ^ *a, 16);
	*c += *d, *b = rotate_word(*b ^ *c, 12);
	*a += *b, *d = rotate_word(*d ^ *a, 8);
	*c += *d, *b = rotate_word(*b ^ *c, 7);
}

/* Lock held: a block of the present key, which makes the next key and what is ready. */
static void next_block(void)
{
	static const uint32_t constants[] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
	uint32_t start[BLOCK_WORDS] = {0}, x[BLOCK_WORDS];

	assert_locked(&generator_lock);
	memcpy(start, constants, sizeof constants);
	memcpy(&start[4], key, sizeof key); /* counter and nonce are 0: no key is used twice */
	memcpy(x, start, sizeof x);
	for (int i = 0; i < ROUNDS; i += 2) {
		for (int k = 0; k < 4; k++)
			quarter_round(&x[k], &x[4 + k], &x[8 + k], &x[12 + k]);
		for (int k = 0; k < 4; k++)
			quarter_round(&x[k], &x[4 + (k + 1) % 4], &x[8 + (k + 2) % 4],
				      &x[12 + (k + 3) % 4]);
	}
	for (int i = 0; i < BLOCK_WORDS; i++)
		x[i] += start[i];
	memcpy(key, x, sizeof key);
	memcpy(ready, &x[KEY_WORDS], sizeof ready);
	nready = sizeof ready;
}

/* Mixes up to a key's bytes into the key. */
static void absorb(const void *data, size_t n)
{
	uint32_t words[KEY_WORDS] = {0};

	memcpy(words, data, n);
	lock(&generator_lock);
	for (int i = 0; i < KEY_WORDS; i++)
		key[i] ^= words[i];
	next_block();
	unlock(&generator_lock);
}

/* ---- The seed ------------------------------------------------------------------------------- */

static bool absorb_device(void)
{
	uint8_t bytes[sizeof key];
	size_t n = virtio_rng_read(bytes, sizeof bytes);

	absorb(bytes, n);
	return n >= sizeof bytes / 2;
}

static bool absorb_processor(void)
{
	uint64_t words[KEY_WORDS / 2];

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (!arch_random(&words[i]))
			return false;
	absorb(words, sizeof words);
	return true;
}

/* How long reads of scattered memory take, over and over. */
static void absorb_time(void)
{
	enum { SAMPLES = 256 };
	static volatile uint8_t memory[1 << 14];
	uint64_t times[KEY_WORDS / 2] = {0};
	uint32_t at = 0;

	for (int i = 0; i < SAMPLES; i++) {
		uint64_t now = arch_clock();

		at = (at * 1664525 + (uint32_t)now) % sizeof memory;
		memory[at]++;
		times[i % 4] = (times[i % 4] << 7 | times[i % 4] >> 57) ^ now;
		if (i % 16 == 15)
			absorb(times, sizeof times);
	}
}

static void seed_generator(void *unused)
{
	bool shield = go_shield(true), device, processor;

	(void)unused;
	device = absorb_device();
	processor = absorb_processor();
	absorb_time();
	if (!device && !processor)
		log_warn("no source of random numbers but the clock: they can be guessed\n");
	go_shield(shield);
}

void random_fill(void *data, size_t n)
{
	static struct once seeded;
	uint8_t *to = data;

	once_do(&seeded, seed_generator, NULL);
	lock(&generator_lock);
	while (n > 0) {
		if (nready == 0)
			next_block();

		size_t piece = n < nready ? n : nready;
		uint8_t *from = ready + sizeof ready - nready;

		memcpy(to, from, piece);
		memset(from, 0, piece);
		nready -= piece;
		to += piece;
		n -= piece;
	}
	unlock(&generator_lock);
}

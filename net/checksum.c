/* The Internet's checksum (RFC 1071), eight bytes at a time. */
#include <string.h>

#include "net/net.h"

static uint64_t add_words(uint64_t sum, uint64_t word)
{
	sum += word;
	return sum + (sum < word); /* the carry comes round */
}

/* In memory's byte order: odd addresses need no care where the processor loads from them. */
uint16_t net_checksum(const void *data, int size)
{
	const uint8_t *bytes = data;
	uint64_t sum = 0, word;

	for (; size >= 8; size -= 8, bytes += 8) {
		memcpy(&word, bytes, 8);
		sum = add_words(sum, word);
	}
	if (size > 0) {
		word = 0;
		memcpy(&word, bytes, (size_t)size);
		sum = add_words(sum, word);
	}
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

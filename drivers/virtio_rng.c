/* The entropy device of virtio (virtio 5.4): it fills what it is given, from the host's source. It is
 * asked once, at the seeding of the generator, so nobody waits for its interrupt. */
#include <string.h>

#include <vole/time.h>

#include "drivers/random.h"
#include "drivers/virtio.h"

enum { QUEUE_SIZE = 2, MOST = 64, LIMIT_MS = 1000 };

size_t virtio_rng_read(void *data, size_t n)
{
	/* Static: a device that is late still writes there. */
	static struct virtio_queue queue;
	static uint8_t bytes[MOST];
	struct virtio *v = virtio_find(VIRTIO_RNG);
	struct virtio_piece piece = {bytes, (uint32_t)(n < MOST ? n : MOST)};
	uint32_t written = 0;

	if (!v || virtio_begin(v, 0) || virtio_queue_make(&queue, v, 0, QUEUE_SIZE, NULL) ||
	    v->bus->queue_start(v, &queue))
		return 0;
	virtio_ready(v);
	if (!virtio_put(&queue, &piece, 0, 1, bytes))
		return 0;
	virtio_tell(&queue);
	for (int ms = 0; !virtio_take(&queue, &written); ms++) {
		if (ms == LIMIT_MS || virtio_failed(v))
			return 0;
		time_sleep(NSEC_PER_MSEC);
	}
	memcpy(data, bytes, written);
	memset(bytes, 0, sizeof bytes);
	return written;
}

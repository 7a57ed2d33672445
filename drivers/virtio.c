#include "drivers/virtio.h"

#include <errno.h>
#include <stdarg.h>

#include <vole/time.h>

#include "debug/print.h"
#include "drivers/virtio_bus.h"

enum { RESET_LIMIT_MS = 1000 };

struct virtio *virtio_find(unsigned kind)
{
	static struct mutex one_at_a_time;
	struct virtio *v;

	mutex_lock(&one_at_a_time);
	v = virtio_mmio_find(kind);
	if (!v)
		v = virtio_pci_find(kind);
	mutex_unlock(&one_at_a_time);
	return v;
}

void virtio_fail(struct virtio *v, const char *fmt, ...)
{
	char what[96];
	va_list args;

	if (atomic_exchange_explicit(&v->failed, true, memory_order_relaxed))
		return;
	va_start(args, fmt);
	vformat(what, sizeof what, fmt, args);
	va_end(args);
	log_warn("virtio device %s: %s; it is out of service\n", v->name, what);
	event_post(&v->changed);
}

/* 2.1.2: the driver waits until the status reads 0. */
bool virtio_stop(struct virtio *v)
{
	v->bus->set_status(v, 0);
	for (int ms = 0; v->bus->status(v); ms++) {
		if (ms == RESET_LIMIT_MS)
			return false;
		time_sleep(NSEC_PER_MSEC);
	}
	return true;
}

/* 3.1.1, steps 1 to 6. */
int virtio_begin(struct virtio *v, uint64_t wanted)
{
	uint64_t offered;
	int error;

	if (!virtio_stop(v)) {
		virtio_fail(v, "it cannot be reset");
		return -EIO;
	}
	v->bus->set_status(v, VIRTIO_ACKNOWLEDGE);
	v->bus->set_status(v, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	offered = v->bus->features(v, 0) | (uint64_t)v->bus->features(v, 1) << 32;
	wanted |= UINT64_C(1) << VIRTIO_F_VERSION_1;
	v->features = offered & wanted;
	if (!virtio_has(v, VIRTIO_F_VERSION_1)) {
		virtio_fail(v, "it has only the interface of before virtio 1.0");
		return -ENOTSUP;
	}
	v->bus->accept(v, 0, (uint32_t)v->features);
	v->bus->accept(v, 1, (uint32_t)(v->features >> 32));
	v->bus->set_status(v, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
	if (!(v->bus->status(v) & VIRTIO_FEATURES_OK)) {
		virtio_fail(v, "it does not accept features %lx of %lx", v->features, offered);
		return -ENOTSUP;
	}
	error = v->bus->attach(v);
	if (error)
		virtio_fail(v, "its interrupt cannot be had (error %d)", error);
	else
		log_debug("virtio device %s: features %lx of %lx\n", v->name, v->features, offered);
	return error;
}

void virtio_ready(struct virtio *v)
{
	v->bus->set_status(v, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK |
				      VIRTIO_DRIVER_OK);
}

void virtio_changed(void *v)
{
	struct virtio *virtio = v;

	atomic_store_explicit(&virtio->configured, true, memory_order_relaxed);
	event_post(&virtio->changed);
}

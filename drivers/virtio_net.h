/* The driver of virtio network cards (virtio 5.1) on a device that has been found. */
#ifndef DRIVERS_VIRTIO_NET_H
#define DRIVERS_VIRTIO_NET_H

struct virtio;
struct netdev;

/* NULL: it does not work, and the log says why. Waits. */
struct netdev *virtio_net_make(struct virtio *v);

#endif

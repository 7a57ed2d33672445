/* The two ways to find a device: the first of a kind, or NULL. */
#ifndef DRIVERS_VIRTIO_BUS_H
#define DRIVERS_VIRTIO_BUS_H

struct virtio;

struct virtio *virtio_mmio_find(unsigned kind);
struct virtio *virtio_pci_find(unsigned kind);

#endif

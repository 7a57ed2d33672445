/* Where the registers of devices are mapped that the port does not know of. */
#ifndef DRIVERS_DEVICE_MAP_H
#define DRIVERS_DEVICE_MAP_H

#include <stddef.h>
#include <stdint.h>

/* Maps size bytes of registers at the physical address base, for good: where they are now, or 0: no
 * memory for the tables. One caller at a time. */
uintptr_t device_map(uint64_t base, size_t size);

#endif

/* ARM's PrimeCell Real Time Clock PL031 (Technical Reference Manual DDI 0224, chapter 3). */
#include "arch/devices.h"
#include "drivers/date.h"
#include "drivers/device_map.h"

enum { RTCDR = 0x000 }; /* data: seconds since 1970, as firmware and QEMU set it */

uint64_t date_read(void)
{
	uintptr_t port = machine.date_base ? device_map(machine.date_base, PAGE_SIZE) : 0;

	return port ? arch_io_read32(port + RTCDR) : 0;
}

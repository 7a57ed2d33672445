/* The ways to end the machine. */
#include "x86.h"

enum {
	DEBUG_EXIT = 0xf4,    /* QEMU's isa-debug-exit: 7 bits of it, and the end */
	PM1A_CONTROL = 0x604, /* ACPI 4.8.3.2.1, where QEMU's q35 and pc have it */
	SLEEP_S5 = 0x2000,    /* SLP_EN, and the SLP_TYP that means off there */
};

_Noreturn void arch_power_off(int status)
{
	arch_io_write8(LAUNCHER_PORT, (uint8_t)status);
	arch_io_write32(DEBUG_EXIT, (uint32_t)status & 0x7f);
	outw(PM1A_CONTROL, SLEEP_S5);
	x86_halt_forever();
}

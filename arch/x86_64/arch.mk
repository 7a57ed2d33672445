# What the Makefile needs to know about this port.
CROSS :=
ARCH_CFLAGS := -mcmodel=small -fcf-protection=none -mno-red-zone
ARCH_LDFLAGS := -z max-page-size=4096
ARCH_LIBS :=
ARCH_SRCS := $(addprefix arch/x86_64/, boot.S trampoline.S switch.S trap.S \
	start.c bootinfo.c ram.c acpi.c mmu.c tables.c trap.c fpu.c \
	lapic.c ioapic.c virtio.c clock.c cores.c debug.c power.c)
ARCH_DRIVERS := drivers/uart16550.c drivers/cmos.c

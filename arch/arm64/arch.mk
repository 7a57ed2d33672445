# The ARM64 port: what the Makefile needs to know of it.
CROSS := aarch64-linux-gnu-
ARCH_CFLAGS := -march=armv8-a -mno-outline-atomics $(FDT_CFLAGS)
ARCH_LIBS := $(FDT_LIBS)
ARCH_DRIVERS := drivers/pl011.c drivers/pl031.c
ARCH_SRCS := $(addprefix arch/arm64/, \
	boot.S trap.S switch.S memory.S power.S \
	start.c fdt.c mmu.c trap.c gic.c gicv2.c gicv3.c timer.c cores.c debug.c)

# What the Makefile needs to know about this port: a static process of x86-64 Linux, with newlib.
CROSS :=
# An access is made where, and only if, the program makes it: otherwise a read that a condition guards
# would be one that races.
as_written := -fno-tree-loop-im -fno-hoist-adjacent-loads -fno-tree-partial-pre
ARCH_CFLAGS := -mcmodel=small -fcf-protection=none -mno-red-zone \
	-DARCH_EXPLORES -DVOLE_FAILING -fno-optimize-sibling-calls -fsanitize=thread -Wno-tsan --param=tsan-instrument-func-entry-exit=0 $(as_written)
# What library.c looks at. Where GCC makes a few instructions in place of a call, it makes no access of them.
sim_library := memcpy memmove memset memcmp strcpy stpcpy strncpy strcat strncat strcmp strncmp
ARCH_APP_FLAGS := $(patsubst %,-fno-builtin-%,$(sim_library) sprintf snprintf)
sim_library += memchr strlen strnlen strchr strrchr _svfprintf_r fread fwrite fgets qsort \
	read recv recvfrom write send sendto
ARCH_LDFLAGS := -Wl,--wrap=main,--wrap=exit,--wrap=panic_deadlock \
	$(sim_library:%=-Wl,--wrap=%)
ARCH_LIBS :=
ARCH_SRCS := $(addprefix arch/sim/, switch.S start.c step.c strategy.c trouble.c watch.c explore.c story.c point.c snapshot.c cores.c access.c library.c frames.c agents.c model.c weaken.c race.c blocks.c leaks.c memory.c faults.c refused.c uart.c card.c debug.c)
ARCH_DRIVERS := drivers/uart16550.c
ifeq ($(ARCH),sim) # this file is read for all ports
STACKS := grow
endif

# The machine itself is not part of what it runs, nor is it with a planted fault.
$(foreach folder,$(sort $K $P $B),$(addprefix $(folder)/arch/sim/,$(addsuffix .c.o,\
	start step strategy trouble watch explore story point snapshot cores access library frames agents model weaken race blocks leaks memory faults refused uart card debug))): kernel_flags += -fno-sanitize=thread -O3
# Nor is what a timeline takes down.
$(foreach folder,$(sort $K $P $B),$(folder)/debug/trace.c.o $(folder)/debug/record.c.o): kernel_flags += -fno-sanitize=thread
# Most accesses end in a call. Elsewhere a frame that is gone would change what sim_step sees of its caller.
$(foreach folder,$(sort $K $P $B),$(folder)/arch/sim/access.c.o): kernel_flags += -foptimize-sibling-calls

# What the Makefile needs to know about this port.
CROSS :=
# Unwind tables: for debuggers, which come from a handler to the program.
ARCH_CFLAGS := -fcf-protection=none -mno-red-zone -fasynchronous-unwind-tables \
	-isystem arch/host/include
# FS is the C library's, and its thread-local variables are; a coroutine's are where `assemble` says.
ARCH_APP_FLAGS := -mno-tls-direct-seg-refs -wrapper $(CURDIR)/arch/host/assemble
# The functions of stdio whose calls stdio.c takes. (Each make reads this file; for other ports it starts
# nothing.)
HOST_STDIO := $(if $(filter host,$(ARCH)),$(shell sed -n 's|^LOCKED[A-Z_]*.\([a-zA-Z_0-9]*\),.*|\1|p' arch/host/stdio.c))
# And those of all the library whose errno calls.S takes.
HOST_CALLS := $(if $(filter host,$(ARCH)),$(shell sed -n 's/^CALLS_LONG [0-9],/CALLS/;s/^CALLS_[A-Z]*/CALLS/; /^CALLS/{s///;s/,/ /g;p}' arch/host/calls.S))
# main is the application's, so the process begins elsewhere. Lazy binding would have coroutines
# preempted in the dynamic linker.
ARCH_LDFLAGS := -pthread -Wl,-e,host_start,-z,now \
	-Wl,--wrap=exit,--wrap=abort,--wrap=raise,--wrap=__assert_fail,--wrap=strtok \
	-Wl,--wrap=localtime,--wrap=gmtime,--wrap=asctime,--wrap=ctime \
	-Wl,--wrap=malloc,--wrap=free,--wrap=calloc,--wrap=realloc,--wrap=malloc_usable_size \
	-Wl,--wrap=posix_memalign,--wrap=memalign,--wrap=aligned_alloc \
	-Wl,--wrap=socket,--wrap=socketpair,--wrap=accept,--wrap=accept4,--wrap=connect,--wrap=close \
	-Wl,--wrap=dup,--wrap=dup2,--wrap=dup3 \
	-Wl,--wrap=read,--wrap=readv,--wrap=recv,--wrap=recvfrom,--wrap=recvmsg \
	-Wl,--wrap=write,--wrap=writev,--wrap=send,--wrap=sendto,--wrap=sendmsg \
	-Wl,--wrap=poll,--wrap=select,--wrap=fcntl,--wrap=ioctl,--wrap=setsockopt \
	-Wl,--wrap=sleep,--wrap=usleep,--wrap=nanosleep,--wrap=clock_nanosleep \
	-Wl,--wrap=getaddrinfo $(HOST_STDIO:%=-Wl,--wrap=%) \
	$(HOST_CALLS:%=-Wl,--wrap=%) -Wl,--wrap=__errno_location \
	-Wl,--wrap=fdopen,--wrap=fclose,--wrap=fflush,--wrap=flockfile,--wrap=ftrylockfile,--wrap=funlockfile \
	-Wl,--wrap=getdelim,--wrap=__getdelim,--wrap=getline,--wrap=vdprintf \
	-Wl,--wrap=signal,--wrap=sigaction,--wrap=kill,--wrap=tcsetattr,--wrap=freopen,--wrap=scandir,--wrap=glob,--wrap=ftw,--wrap=nftw \
	-Wl,--defsym=__image_start=__executable_start,--defsym=__image_end=end \
	-Wl,--defsym=__text_start=__executable_start,--defsym=__text_end=etext
ARCH_LIBS := -lm -lgcc_s
# The second part stands in for libc/, drivers/ and net/, and may call what these may.
ARCH_LIBRARY := $(addprefix arch/host/, libc.c malloc.c errno.c late.c net.c net_calls.c net_names.c input.c streams.c \
	stdio.c files.c)
ARCH_SRCS := $(addprefix arch/host/, switch.S calls.S start.c cores.c signals.c faults.c memory.c debug.c unwind.c) \
	$(ARCH_LIBRARY)
ARCH_DRIVERS :=
# printf is called with floating-point numbers in vector registers.
$(addsuffix /arch/host/stdio.c.o,$(sort $K $P $B)): kernel_flags += -msse2

# Sanitizers: what they are told, instead of calls of the kernel to this port.
ifneq ($(if $(filter host,$(ARCH)),$(filter asan tsan,$(SAN))),)
STACKS := grow
ARCH_LDFLAGS += -Wl,--wrap=arch_switch,--wrap=arch_start,--wrap=arch_context_make,--wrap=arch_leave_interrupt
endif
ifeq ($(SAN),asan)
ARCH_CFLAGS += -DHOST_ASAN
ARCH_LDFLAGS += -fsanitize=address -Wl,--wrap=arch_resume,--wrap=arch_call_on,--wrap=host_enter,--wrap=arch_map
ARCH_SRCS += arch/host/asan.c
# An index that is too large is said to be what it is: an access to what is there.
ARCH_APP_FLAGS += -fno-sanitize=bounds,object-size
endif
# Debian 12's GCC has a run-time that takes milliseconds to make a fiber, and knows 8000 of them;
# clang's, to which its code fits, takes microseconds.
ifeq ($(SAN),tsan)
TSAN := $(lastword $(sort $(wildcard /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.tsan-x86_64.so)))
ARCH_CFLAGS += -DHOST_TSAN
ARCH_LIBS := $(TSAN) $(ARCH_LIBS)
ARCH_LDFLAGS += -Wl,-rpath,$(dir $(TSAN)) -Wl,--wrap=host_resume,--wrap=host_serve \
	-Wl,--wrap=host_fault,--wrap=host_frame_size
ARCH_SRCS += arch/host/tsan.c
# What a handler runs inside the run-time calls nothing of it, memcpy included; and debug.c reads stacks of
# coroutines that may go on meanwhile.
$(foreach folder,$(sort $K $P $B),$(patsubst %,$(folder)/arch/host/%.c.o,tsan late memory unwind debug)): kernel_flags += \
	-fno-sanitize=thread -minline-all-stringops
endif

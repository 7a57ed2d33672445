# SAN=asan: what the Makefile needs to know. On images the compiler's checks and the shadow are shadow.c's;
# those of the host port are GCC's (arch/host/asan.c). Accesses of the program and of sync/ are checked, those
# of the rest of an image's kernel are not: the allocators among it touch what is nobody's.
ARCH_SRCS += debug/asan/heap.c debug/asan/stacks.c
ARCH_LDFLAGS += -Wl,--wrap=heap_alloc,--wrap=heap_alloc_aligned,--wrap=heap_free,--wrap=heap_size \
	-Wl,--wrap=stack_take,--wrap=stack_give,--wrap=stack_exact_alloc,--wrap=stack_exact_free
asan_folders := $(sort $S $P $B)
$(foreach folder,$(asan_folders),$(patsubst %,$(folder)/%.o,$(wildcard debug/asan/*.c))): kernel_flags += \
	-fno-sanitize=all -fno-tree-loop-distribute-patterns

ifeq ($(ARCH),host)
ARCH_CFLAGS += -DVOLE_ASAN
else
asan_macro := VOLE_ASAN
asan_anew := $(wildcard sync/*.c debug/asan/*.c)
ASAN_SHADOW := $(shell sed -n 's/^\#define ASAN_SHADOW UINT64_C(\(.*\))/\1/p' debug/asan/shadow.h)
asan_flags := -fsanitize=kernel-address -fasan-shadow-offset=$(ASAN_SHADOW) --param asan-stack=1 \
	--param asan-globals=1 --param asan-instrument-allocas=1 -fsanitize-address-use-after-scope
ARCH_APP_FLAGS += $(asan_flags)
ARCH_SRCS += debug/asan/shadow.c debug/asan/report.c debug/asan/calls.c
ARCH_LDFLAGS += -Wl,--wrap=page_init,--wrap=arch_map,--wrap=stack_fault,--wrap=stack_make_core \
	-Wl,--wrap=memcpy,--wrap=memmove,--wrap=memset,--wrap=memcmp,--wrap=memchr,--wrap=strlen,--wrap=strnlen \
	-Wl,--wrap=strcpy,--wrap=stpcpy,--wrap=strncpy,--wrap=strcat,--wrap=strncat,--wrap=strcmp,--wrap=strncmp \
	-Wl,--wrap=strchr,--wrap=strrchr,--wrap=_svfprintf_r
$(foreach folder,$(asan_folders),$(patsubst %,$(folder)/%.o,$(wildcard sync/*.c))): kernel_flags += $(asan_flags)
endif

# Vole's build: `make help` says what there is. The parts, in order: what to build, the toolchain,
# the kernel's objects, the application's, the image, and the commands.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif

# ---- What to build -----------------------------------------------------------------------------

# A core file's is the machine's that it is of.
core_arch := $(if $(filter postmortem,$(MAKECMDGOALS)),$(shell tools/gdb/postmortem --arch '$(CORE)' 2>/dev/null))
ARCH ?= $(if $(filter explore,$(MAKECMDGOALS)),sim,$(or $(core_arch),x86_64))
APP ?= examples/shell
BUILD ?= debug
PLANT ?=
STACKS ?=
SAN ?=
OPT ?= 2
V ?=

# The launcher's, see qemu/run.
SMP ?= $(if $(filter sim,$(ARCH)),2,4)
MEM ?= $(if $(filter sim,$(ARCH)),64M,512M)
export SMP MEM ARGS FILES NET TIMEOUT ACCEL QEMU_EXTRA CORE TRACE TRACE_SIZE PROFILE PROFILE_HZ
# Of the simulated machine, see arch/sim/explore.c.
export SEED RUNS STRATEGY MODEL FAULTS INPUT STEPS LEAKS WEAKEN JOBS SCHEDULE

# What is compiled differently has a folder of its own: all of the kernel (K), what such a BUILD changes (P)
# and what PLANT does; and so has what is linked (B). Of an image's kernel SAN=asan changes some, too; of
# applications (S) all.
san_all := $(if $(filter host,$(ARCH)),$(SAN),$(filter-out asan,$(SAN)))
K := build/$(ARCH)$(if $(filter release,$(BUILD)),-release)$(addprefix -,$(san_all))
S := $(K)$(addprefix -,$(filter-out $(san_all),$(SAN)))
P := $(S)$(addprefix -,$(filter failing painted,$(BUILD)))
B := $(P)$(if $(STACKS),-$(STACKS))$(if $(PLANT),-plant-$(PLANT))

ifneq ($(word 2,$(CURDIR) $(APP) $(ARCH) $(BUILD)/$(PLANT)/$(SAN)/),$(APP))
$(error blanks in the paths of Vole and of APP do not work with make, nor do empty ARCH, APP, BUILD)
endif
ifeq ($(wildcard arch/$(ARCH)/arch.mk),)
$(error ARCH=$(ARCH): there is $(patsubst arch/%/arch.mk,%,$(wildcard arch/*/arch.mk)))
endif
ifneq ($(if $(filter explore,$(MAKECMDGOALS)),$(filter-out sim,$(ARCH))),)
$(error ARCH=$(ARCH): make explore has no other machine than the simulated one, ARCH=sim)
endif
ifeq ($(filter debug release failing painted,$(BUILD)),)
$(error BUILD=$(BUILD): there are debug, release, failing and painted)
endif
ifneq ($(filter-out grow,$(STACKS)),)
$(error STACKS=$(STACKS): there is grow)
endif
ifneq ($(filter-out ubsan $(if $(filter sim,$(ARCH)),,asan) $(if $(filter host,$(ARCH)),tsan),$(SAN)),)
$(error SAN=$(SAN): there are ubsan and asan (not with ARCH=sim), and tsan with ARCH=host)
endif
ifneq ($(if $(filter host sim,$(ARCH)),$(filter run postmortem,$(MAKECMDGOALS)),$(if $(CORE),,$(filter postmortem,$(MAKECMDGOALS)))),)
ifneq ($(CORE)$(filter postmortem,$(MAKECMDGOALS)),)
$(error CORE=$(CORE): $(if $(filter host sim,$(ARCH)),only of a machine there is a core file; make gdb ARCH=$(ARCH) knows run-to-panic,the file is wanted that make run CORE=file has written))
endif
endif
ifeq ($(filter 0 1 2 s g,$(OPT)),)
$(error OPT=$(OPT): there are 0, 1, 2, s and g)
endif

app := $(patsubst $(CURDIR)/%,%,$(abspath $(APP)))
app_kinds := %.c %.cc %.cpp %.S
app_file := $(filter $(app_kinds),$(app))
app_folder := $(if $(app_file),$(patsubst %/,%,$(dir $(app))),$(app))
app_name := $(if $(app_file),$(basename $(notdir $(app))),$(notdir $(app)))

# Prints a short line for what a recipe does, or (V=1) its commands. To standard error: standard
# output is the program's.
say = $(if $(filter 1,$(V)),set -x;,echo '  $1' >&2;)

# $(call keep,FILE,TEXT): FILE holds TEXT, and is only touched when that is news. (strip: make 4.3
# does not always take the newline off what it reads.)
keep = $(if $(subst <$(strip $(file <$1))>,,<$(strip $2)>),$(shell mkdir -p $(dir $1))$(file >$1,$2))

# $(call tool,COMMAND): its output; its failure is ours.
tool = $(shell $1 </dev/null)$(if $(filter-out 0,$(.SHELLSTATUS)),$(error $1 failed))

# Cleaning and helping need no toolchain.
needs_build := $(filter-out clean help test test-long test-sanitize test-explore orders bench bench-qemu lint icount,$(or $(MAKECMDGOALS),help))

ifneq ($(needs_build),)

# ---- The toolchain -----------------------------------------------------------------------------

jobs := build-$(ARCH) $(if $(filter run gdb gdb-server,$(MAKECMDGOALS)),run-$(ARCH)) \
	$(if $(filter tsan,$(SAN)),sanitize) \
	$(filter gdb iso,$(patsubst postmortem,gdb,$(MAKECMDGOALS)))
# Whoever makes many images may ask once for what is installed and for the libraries, and say so to each make.
setup = $(if $(filter command,$(origin SETUP)),,$(call tool,tools/setup $1))
$(call setup,$(jobs))

# $(call library,NAME,COMMAND): its folder.
library = $(if $(filter command,$(origin $1)),$($1),$(call tool,$2))
ifneq ($(ARCH),host)
NEWLIB := $(call library,NEWLIB,tools/newlib $(patsubst sim,x86_64,$(ARCH)))
LWIP := $(call library,LWIP,tools/lwip)
endif
ifeq ($(ARCH),arm64)
LIBFDT := $(call library,LIBFDT,tools/libfdt)
FDT_CFLAGS := -isystem $(LIBFDT)/include
FDT_LIBS := $(LIBFDT)/lib/libfdt.a
endif

# Every port's file for the drivers it claims; the rest of drivers/ is for all. Ours comes last.
$(foreach mk,$(wildcard arch/*/arch.mk),$(eval include $(mk))$(eval claimed += $(ARCH_DRIVERS)))
CROSS :=
ARCH_CFLAGS :=
ARCH_LDFLAGS :=
ARCH_LIBS :=
ARCH_APP_FLAGS :=
ARCH_LIBRARY :=
include arch/$(ARCH)/arch.mk
ifeq ($(SAN),asan)
include debug/asan/asan.mk
endif

CC := $(CROSS)gcc
# Without a plugin: or it takes the trouble of loading LLVM's, where that is installed, for files that have
# nothing for it.
NM := $(CROSS)nm --plugin /dev/null
gcc_include := $(call tool,$(CC) -print-file-name=include)

# The C library's headers: newlib's, or the host's.
libc_headers := $(if $(NEWLIB),-nostdinc -isystem libc/include -isystem $(gcc_include) \
	-isystem $(NEWLIB)/include -ffile-prefix-map=$(NEWLIB)=newlib)

# Frame pointers are how backtraces walk. Folder names are mapped away, so that an image does not
# depend on where it was built.
common_flags = -g -fno-omit-frame-pointer -fno-stack-protector -fno-pic -fno-common \
	-ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-unwind-tables \
	-D__DYNAMIC_REENT__ $(if $(filter release,$(BUILD)),-DVOLE_RELEASE) $(ARCH_CFLAGS) \
	$(libc_headers) -Iinclude -ffile-prefix-map=$(CURDIR)=.

# Sanitizers: what is undefined is a panic (debug/ubsan.c); the rest has run-times of its own.
san_ubsan := -fsanitize=undefined -fno-sanitize-recover=undefined
san_asan := $(if $(filter host,$(ARCH)),-fsanitize=address $(san_ubsan))
san_tsan := -fsanitize=thread -Wno-tsan
common_flags += $(san_$(SAN))

# Interrupt handlers do not save floating-point registers.
kernel_flags := -std=gnu17 -O2 $(common_flags) -I. -Iarch/$(ARCH) -ffreestanding -mgeneral-regs-only \
	$(if $(LIBFDT),-ffile-prefix-map=$(LIBFDT)=libfdt) \
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Werror

# lwIP: without our warnings, and the same for every PLANT and BUILD.
lwip_includes := $(if $(LWIP),-Inet/port -isystem $(LWIP)/include -ffile-prefix-map=$(LWIP)=lwip)
lwip_flags := $(filter-out -W% -DVOLE_%,$(kernel_flags)) $(lwip_includes)
kernel_flags += $(lwip_includes)

# A port without a linker script is a program of the host.
linker_script := $(wildcard linker/$(ARCH).ld)
link_flags := $(if $(linker_script),-nostdlib -static -T $(linker_script)) linker/locals.ld -no-pie -Wl,--gc-sections \
	-Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack \
	-Wl,--no-warn-rwx-segments $(ARCH_LDFLAGS)
libs = -Wl,--start-group $(app_libs) $(ARCH_LIBS) $(if $(NEWLIB),$(NEWLIB)/lib/libc.a $(NEWLIB)/lib/libm.a) \
	-lgcc -Wl,--end-group

# ---- The kernel's objects ----------------------------------------------------------------------

kernel_srcs := $(ARCH_SRCS) $(ARCH_DRIVERS) \
	$(sort $(filter-out $(claimed),$(wildcard $(addsuffix /*.c,kernel sync debug \
	$(if $(NEWLIB),drivers libc net)))))
lwip_srcs := $(if $(LWIP),$(wildcard $(addprefix $(LWIP)/,core/*.c core/ipv4/*.c core/ipv6/*.c)) \
	$(LWIP)/netif/ethernet.c)
lwip_folder := build/$(ARCH)$(addprefix -,$(san_all))-lwip
lwip_objs := $(lwip_srcs:$(LWIP)/%=$(lwip_folder)/%.o)
kernel_objs := $(kernel_srcs:%=$(K)/%.o) $(lwip_objs)

# $(call compile,WORD,FLAGS): objects, dependencies and call graphs (not of assembly) are made in a folder of this
# make's, and moved from there when they are complete, the object last, so that several makes may run at once.
own_folder := build/.$$PPID
callgraph := -fcallgraph-info=su,da
define compile
@t=$(own_folder)/$(@D); [ -d $$t ] || mkdir -p $(@D) $$t; $(call say,$1 $<) \
$(if $(filter CXX,$1),$(CXX),$(CC)) $2 $(if $(filter AS,$1),,$(callgraph)) \
-MD -MP -MT $@ -MF $$t/$(@F:.o=.d) -c -o $$t/$(@F) $< && \
mv -f $$t/$(@F:.o=.d) $(if $(filter AS,$1),,$$t/$(@F:.o=.ci)) $$t/$(@F) $(@D) || { rm -f $$t/$(@F:.o=).*; exit 1; }
endef

$(call keep,$(K)/kernel.flags,$(CC) $(callgraph) $(kernel_flags))

# A fault planted for the tests to find: PLANT=lost-wakeup is -DPLANT_LOST_WAKEUP. With PLANT, and with a BUILD
# that has a macro, only those sources are compiled anew that name it: they do so, too, where a header has it.
build_macro := $(if $(filter failing,$(BUILD)),VOLE_FAILING) $(if $(filter painted,$(BUILD)),VOLE_PAINTED) $(asan_macro)
plant_macro := $(if $(PLANT),PLANT_$(shell echo '$(PLANT)' | tr 'a-z-' 'A-Z_'))
ifneq ($(strip $(build_macro) $(plant_macro)),)
anew = $(if $1,$(shell grep -lw $(addprefix -e ,$1) $(kernel_srcs)))
build_anew := $(sort $(call anew,$(strip $(build_macro))) $(asan_anew))
plant_anew := $(call anew,$(plant_macro))
ifeq ($(if $(PLANT),$(plant_anew),none),)
$(error PLANT=$(PLANT): the sources have no $(plant_macro))
endif
kernel_objs := $(filter-out $(addprefix $(K)/,$(addsuffix .o,$(build_anew) $(plant_anew))),$(kernel_objs)) \
	$(patsubst %,$(P)/%.o,$(filter-out $(plant_anew),$(build_anew))) $(plant_anew:%=$(B)/%.o)
endif

# $(call compile_in,FOLDER,MACROS): rules for the objects in it.
define compile_in
$1/%.c.o: %.c $(K)/kernel.flags
	$$(call compile,CC,$$(kernel_flags) $(addprefix -D,$2))

$1/%.S.o: %.S $(K)/kernel.flags
	$$(call compile,AS,$$(kernel_flags) $(addprefix -D,$2))

endef
$(eval $(call compile_in,$(K)))
$(if $(strip $(build_macro)),$(eval $(call compile_in,$(P),$(build_macro))))
$(if $(plant_macro),$(eval $(call compile_in,$(B),$(build_macro) $(plant_macro))))

ifneq ($(LWIP),)
$(call keep,$(lwip_folder)/lwip.flags,$(CC) $(lwip_flags))

$(lwip_folder)/%.c.o: $(LWIP)/%.c $(lwip_folder)/lwip.flags
	$(call compile,CC,$(lwip_flags))
endif

-include $(kernel_objs:.o=.d)

# ---- The application's objects -----------------------------------------------------------------

ifeq ($(or $(wildcard $(app_file)),$(if $(app_file),,$(wildcard $(app)/.))),)
$(error APP=$(APP): $(if $(wildcard $(app)),a .c, .cpp, .cc or .S file or a folder of such files is wanted,no such file or folder))
endif

# What the folder's app.mk may set; what make's command line says comes after it.
app_settings := CFLAGS CXXFLAGS LDFLAGS LIBS SRCS
$(foreach name,$(app_settings),\
	$(if $(filter command,$(origin $(name))),$(eval said_$(name) := $$($(name))))\
	$(eval override undefine $(name)))
A := $(B)/app/$(subst /,+,$(patsubst /%,%,$(app)))
# Its objects know nothing of what is in P and B.
O := $(A:$(B)/%=$(S)/%)
-include $(if $(app_file),,$(wildcard $(app)/app.mk))

# Unless SRCS says it: every source in the folder and its subfolders, without hidden ones. One in a
# language that is not built here is an error, not left out.
ifeq ($(strip $(SRCS)),)
app_find = $(shell find -L $(app_folder) -name '.?*' -prune -o -type f \( $1 \) -printf '%P\n' | LC_ALL=C sort)
SRCS := $(if $(app_file),$(notdir $(app)),$(call app_find,-name '*.c' -o -name '*.cc' -o -name '*.cpp' -o -name '*.S'))
app_other := $(if $(app_file),,$(call app_find,-regextype egrep -regex \
	'.*\.(s|asm|sx|nasm|cxx|c\+\+|cp|C|CC|CPP|cppm|ixx|m|mm|f|f90|rs|go|zig|adb|pas)'))
ifneq ($(app_other),)
$(error APP=$(APP): only .c, .cpp, .cc and .S files are built, not $(app_other); SRCS in app.mk can name those that are)
endif
endif
SRCS := $(SRCS) $(filter-out $(SRCS),$(said_SRCS))
ifneq ($(filter-out $(app_kinds),$(SRCS)),)
$(error APP=$(APP): only .c, .cpp, .cc and .S files without blanks are built, not $(filter-out $(app_kinds),$(SRCS)))
endif
ifeq ($(strip $(SRCS)),)
$(error APP=$(APP): the folder has no .c, .cpp, .cc or .S file)
endif
app_srcs := $(foreach src,$(SRCS),$(if $(filter /%,$(src)),$(src),$(app_folder)/$(src)))
app_cxx := $(filter %.cc %.cpp,$(app_srcs))

# Whole frames, so that backtraces miss no caller, and reports of leaks tell who has started a coroutine: but in
# BUILD=release no call at the end of a function is a jump. A frame larger than a page touches every
# page of itself, so that it meets the guard page. Code that is made when the program is linked would be
# seen by no tool that looks at objects.
app_flags := -O$(OPT) $(common_flags) $(ARCH_APP_FLAGS) -Wall -ftls-model=local-exec \
	-ffile-prefix-map=$(abspath $(app_folder))=$(if $(app_file),.,$(app_name)) \
	$(if $(filter release,$(BUILD)),,-fno-optimize-sibling-calls) \
	-fno-shrink-wrap -fstack-clash-protection --param=stack-clash-protection-guard-size=12
app_c_flags := -std=gnu17 $(app_flags) $(CFLAGS) $(said_CFLAGS) -fno-lto

# C++ without exceptions and run-time types, and without its library: what the language itself calls
# is in libc/cxx. Of the library the headers are there, for what is all in them.
ifneq ($(app_cxx),)
$(call setup,cxx-$(ARCH))
CXX := $(CROSS)g++
cxx_headers := $(if $(NEWLIB),$(call tool,tools/cxxheaders $(CXX)))
app_cxx_flags := -std=gnu++17 -isystem libc/cxx/waiting $(if $(NEWLIB),-nostdinc++ -isystem libc/cxx/include) \
	$(addprefix -isystem ,$(cxx_headers)) $(app_flags) -fno-exceptions -fno-rtti \
	$(CXXFLAGS) $(said_CXXFLAGS) -fno-lto
app_runtime := libc/cxx/support.cc
$(O)/+/%.cc.o: %.cc $(O)/app.flags
	$(call compile,CXX,$(app_cxx_flags))
endif

# A source that is not below the folder has its whole path in its object's name.
app_object = $(O)/$(if $(filter /% ../%,$1)$(findstring /../,$1),+/$(subst /,+,$1),$1).o
app_objs := $(foreach src,$(SRCS),$(call app_object,$(src))) $(app_runtime:%=$(O)/+/%.o)
$(call keep,$(O)/app.flags,$(CC) $(callgraph) $(app_c_flags) $(app_cxx_flags) $(app))

define app_rule
$(call app_object,$1): $(if $(filter /%,$1),$1,$(app_folder)/$1) $(O)/app.flags
	$$(call compile,$(if $(filter %.S,$1),AS,$(if $(filter %.c,$1),CC,CXX)),$$(app_$(if $(filter %.c %.S,$1),c,cxx)_flags))

endef
$(eval $(foreach src,$(SRCS),$(call app_rule,$(src))))

-include $(app_objs:.o=.d)

# ---- The image ---------------------------------------------------------------------------------

# Linked twice: the second time with the names of the functions of the first, for backtraces, and
# with the depths of their stacks. The tables make no function move, or they would be wrong; that is
# checked. STACKS=grow leaves the depths out.
elf := $(B)/images/$(app_name).elf
objs := $(kernel_objs) $(app_objs)
link_flags += $(LDFLAGS) $(said_LDFLAGS)
app_libs := $(LIBS) $(said_LIBS)
# Objects hold code: only a library of the program's may be for the linker's plugin, which looks at every file.
link_flags += $(if $(strip $(LDFLAGS) $(said_LDFLAGS) $(app_libs)),,-fno-use-linker-plugin)
$(call keep,$(A)/link.flags,$(CC) $(link_flags) $(objs) $(libs))

# What is the same for all applications: the table for the first link, which is empty; and the
# global names of the kernel and the C library, and those of the host's that are ours (main is the
# application's, also where a port wraps it).
$(B)/nosymbols.o: tools/mksymtab.py tools/sites.py $(K)/kernel.flags
	@{ tools/mksymtab.py; tools/sites.py; } >$@.$$$$.s && $(CC) -c -o $@.$$$$ $@.$$$$.s && rm $@.$$$$.s && mv -f $@.$$$$ $@

$(B)/kernel.names: $(kernel_objs) arch/$(ARCH)/arch.mk
	@{ $(NM) -g -j --defined-only $(kernel_objs) $(if $(NEWLIB),$(NEWLIB)/lib/libc.a) | grep -v '[:/]'; \
		printf '%s\n' $(filter-out main,$(call wraps,$(ARCH_LDFLAGS))); } | LC_ALL=C sort -u >$@.$$$$ && mv -f $@.$$$$ $@

comma := ,
wraps = $(patsubst --wrap=%,%,$(filter --wrap=%,$(subst $(comma), ,$1)))
wrapped := $(call wraps,$(link_flags))
stackdepth := NM='$(NM)' OBJDUMP=$(CROSS)objdump tools/stackdepth --app $(O) $(wrapped:%=--wrap=%)
depth_tools := $(addprefix tools/,stackdepth needs.py depth.py callgraph.py linkage.py machinecode.py objfile.py passed.py)
depth_files := --kernel $(B)/kernel.graph $(app_objs) --notes $(app_srcs)

# What stackdepth reads of the kernel and the C library: the same for all applications, too.
kernel_files := $(kernel_objs) $(if $(NEWLIB),$(NEWLIB)/callgraph.json) $(kernel_srcs)
$(call keep,$(B)/kernel.files,$(kernel_files))
$(B)/kernel.graph: $(kernel_files) $(B)/kernel.files $(depth_tools)
	@NM='$(NM)' tools/stackdepth --keep $@.$$$$ $(kernel_files) && mv -f $@.$$$$ $@

$(A)/linked.elf: $(objs) $(filter %.a %.o,$(app_libs)) $(B)/nosymbols.o $(B)/kernel.names $(B)/kernel.graph \
		$(linker_script) linker/locals.ld tools/mksymtab.py tools/sites.py tools/ownnames.py $(depth_tools) \
		$(A)/link.flags
	@$(call say,LD $(elf)) set -e; t=$@.$$$$; trap 'rm -rf $(own_folder) '$$t'.*' EXIT; \
	link() { $(CC) $(link_flags) -o $$t.elf $(objs) "$$@" $(libs); }; \
	names() { $(NM) --defined-only $$t.elf >$$1 && grep ' [tTwW] ' $$1; }; \
	$(NM) -g -j --defined-only $(app_objs) >$$t.own; \
	$(if $(strip $(app_libs)),,grep -qx main $$t.own || { echo 'APP=$(APP): it has no function main' >&2; exit 1; };) \
	own=$$(sed -n 's/^app\.//p' $$t.own; grep -Fxf $(B)/kernel.names $$t.own || :); [ -z "$$own" ] || \
		OBJCOPY=$(CROSS)objcopy tools/ownnames.py $$own --in $(app_objs); \
	link $(B)/nosymbols.o -Wl,-Map=$$t.map; names $$t.names >$$t.functions; \
	export ADDR2LINE=$(CROSS)addr2line; \
	$(if $(filter grow,$(STACKS)),{ tools/mksymtab.py $$t.names; tools/sites.py $$t.elf $$t.names $$t.map $(app_objs); }, \
		$(stackdepth) --bounds --symbols --sites $$t.elf --linked $$t.names $$t.map $(depth_files)) >$$t.s; \
	$(CROSS)as -o $$t.o $$t.s; link $$t.o; \
	names $$t.names | cmp - $$t.functions || { echo 'functions moved in the second link' >&2; exit 1; }; \
	mv -f $$t.map $(@:.elf=.map); mv -f $$t.names $(@:.elf=.names); mv -f $$t.elf $@

# Two applications may have one name (the last folder's): the image is the one asked for.
$(elf): $(A)/linked.elf FORCE
	@cmp -s $< $@ || { mkdir -p $(@D) && cp $< $@.$$$$ && mv -f $@.$$$$ $@; }
ifeq ($(ARCH),arm64)
	@[ $(@:.elf=.img) -nt $@ ] || { $(CROSS)objcopy -O binary $@ $@.$$$$ && \
		mv -f $@.$$$$ $(@:.elf=.img); }
endif

endif # needs_build

# ---- The commands ------------------------------------------------------------------------------

.PHONY: help run image explore gdb gdb-server postmortem stackdepth iso test test-long test-sanitize test-explore orders bench bench-qemu lint icount flags port objects clean FORCE

image: $(elf)
	@echo $(CURDIR)/$(elf)

# An order that is weaker in this run: addresses, for file and line.
weaken := $(if $(filter sim,$(ARCH)),$(if $(WEAKEN),WEAKEN=$$(tools/orders.py $(elf) '$(WEAKEN)') && export WEAKEN &&))
# A schedule that is followed in place of a seed: with the addresses of this image.
schedule := $(if $(filter sim,$(ARCH)),$(if $(SCHEDULE),SCHEDULE=$$(tools/schedule.py $(elf) $(APP) '$(SCHEDULE)') && export SCHEDULE &&))
# A machine's; or that of a process which records something.
launcher := $(if $(filter-out host sim,$(ARCH)),qemu/run,$(if $(TRACE)$(PROFILE),tools/records.py))
run: $(elf)
	@$(weaken) $(schedule) $(launcher) $(elf) || { status=$$?; echo "status $$status" >&2; exit $$status; }

gdb: sources = $(abspath $(if $(app_file),$(app_folder),$(app_folder)/..))
gdb: $(elf)
ifneq ($(filter host sim,$(ARCH)),)
	@tools/gdb/proxy --check $(elf)
	@gdb-multiarch -q -nx -d $(CURDIR) -d $(sources) $(elf) -x arch/$(ARCH)/$(ARCH).gdb \
		-x tools/gdb/commands.py $(GDB_ARGS)
else
	@$(schedule) SOURCES=$(sources) qemu/gdb $(elf) $(GDB_ARGS)
endif

postmortem: sources = $(abspath $(if $(app_file),$(app_folder),$(app_folder)/..))
postmortem: $(elf)
	@SOURCES=$(sources) tools/gdb/postmortem '$(CORE)' $(elf) $(GDB_ARGS)

# The same for an IDE's gdb, which attaches to PORT= of this machine.
gdb-server: $(elf)
ifneq ($(filter host sim,$(ARCH)),)
	@echo 'gdb-server: on ARCH=$(ARCH) the program is a process: gdb starts it itself' >&2; exit 1
else
	@qemu/gdb --server $(or $(PORT),1234) $(elf)
endif

explore: $(elf)
	@tools/explore $(elf) $(APP)

stackdepth: $(A)/linked.elf
	@$(stackdepth) --linked $(A)/linked.names $(A)/linked.map $(depth_files)

iso: $(elf)
	@$(call say,ISO $(elf:.elf=.iso)) tools/mkiso $(elf) $(elf:.elf=.iso)
	@echo $(CURDIR)/$(elf:.elf=.iso)

test:
	@tools/setup test </dev/null
	@MAKEFLAGS= tests/run fast

test-sanitize:
	@tools/setup sanitize </dev/null
	@MAKEFLAGS= tests/run sanitize

test-explore:
	@tools/setup build-sim </dev/null
	@MAKEFLAGS= tests/run explore

orders:
	@tools/setup build-sim </dev/null
	@MAKEFLAGS= tests/orders $(if $(UPDATE),--update) --only '$(ONLY)' $(JOBS:%=--jobs %)

test-long:
	@tools/setup test-long </dev/null
	@MAKEFLAGS= tests/run long

bench:
	@tools/setup bench </dev/null
	@MAKEFLAGS= bench/run --only '$(ONLY)'

bench-qemu:
	@tools/setup bench-qemu </dev/null
	@MAKEFLAGS= bench/qemu/run $(ARCH) --only '$(ONLY)'

icount:
	@tools/setup icount </dev/null
	@MAKEFLAGS= bench/counts.py

lint:
	@tools/setup lint </dev/null
	@tools/lint

# For tools/lint: how the kernel is compiled; nm, and the objects of the port or of all.
flags:
	@echo '$(kernel_flags)'

port: $(patsubst %,$(B)/%.o,$(filter-out $(ARCH_LIBRARY),$(ARCH_SRCS)))
	@rm -rf $(own_folder); echo $(CROSS)nm $^

objects: $(filter-out $(lwip_objs),$(kernel_objs))
	@rm -rf $(own_folder); echo $(CROSS)nm $^

clean:
	rm -rf build

help:
	@cat tools/help.txt

/*
 * Reads what the boot loader left in memory, before anything of it is overwritten: everything is
 * copied. PVH: Xen's public/arch-x86/hvm/start_info.h describes it; multiboot2: its specification,
 * section 3.6.
 */
#include "x86.h"

struct pvh_start_info {
	uint32_t magic, version, flags, nmodules;
	uint64_t modules, command_line, rsdp;
	uint64_t memory_map; /* from version 1 on */
	uint32_t nmemory, reserved;
};

struct pvh_module {
	uint64_t base, size, command_line, reserved;
};

struct pvh_memory {
	uint64_t base, size;
	uint32_t type, reserved;
};

struct multiboot_tag {
	uint32_t type, size;
};

struct multiboot_module {
	struct multiboot_tag tag;
	uint32_t start, end;
};

struct multiboot_memory {
	uint64_t base, size;
	uint32_t type, reserved;
};

struct multiboot_memory_map {
	struct multiboot_tag tag;
	uint32_t entry_size, entry_version;
	uint8_t entries[];
};

enum { PVH_MAGIC = 0x336ec578 };
enum { TAG_END = 0, TAG_COMMAND_LINE, TAG_MODULE = 3, TAG_MEMORY = 6, TAG_RSDP1 = 14, TAG_RSDP2 };
enum { RSDP_MAX = 64 };

/* The launcher cannot change the command line of a CD: what a read of its status port gives says what
 * the console is. */
enum { LAUNCHER_SAYS = 0xa0, STDIN_FRAMED = 1, STDOUT_FILE = 2 };

struct boot_info boot_info;

static char command_line[COMMAND_LINE_SIZE];
static uint8_t rsdp[RSDP_MAX] __attribute__((aligned(16)));

static void command_line_set(const char *from)
{
	size_t i = 0;

	for (; from[i] && i < sizeof command_line - 1; i++)
		command_line[i] = from[i];
	command_line[i] = '\0';
	machine.command_line_cut = from[i];
}

/* Puts word before the others, so that none of theirs has a quote that takes it in. */
static void command_line_put(const char *word)
{
	size_t length = __builtin_strlen(word), i;

	if (__builtin_strlen(command_line) + length >= sizeof command_line)
		machine.command_line_cut = true;
	for (i = sizeof command_line - 1 - length; i-- > 0;)
		command_line[i + length] = command_line[i];
	for (i = 0; i < length; i++)
		command_line[i] = word[i];
}

static void launcher_read(void)
{
	uint8_t says = arch_io_read8(LAUNCHER_PORT);

	if ((says & ~(STDIN_FRAMED | STDOUT_FILE)) != LAUNCHER_SAYS)
		return;
	if (says & STDIN_FRAMED)
		command_line_put("vole.stdin=framed ");
	if (says & STDOUT_FILE)
		command_line_put("vole.stdout=file ");
	/* It keeps back what we are to read until here: firmware and GRUB would take it. */
	arch_io_write8(LAUNCHER_PORT, says);
}

static void memory_add(uint64_t base, uint64_t size, uint32_t type)
{
	if (boot_info.nmemory == MAX_BOOT_RANGES || base + size < base)
		return;
	boot_info.memory[boot_info.nmemory].base = base;
	boot_info.memory[boot_info.nmemory].size = size;
	boot_info.memory[boot_info.nmemory++].type = type;
}

static void initrd_set(uint64_t base, uint64_t size)
{
	if (boot_info.initrd_size || !size)
		return; /* the first */
	boot_info.initrd = base;
	boot_info.initrd_size = size;
}

static void pvh_read(const struct pvh_start_info *info)
{
	const struct pvh_memory *memory = (const struct pvh_memory *)(uintptr_t)info->memory_map;
	const struct pvh_module *module = (const struct pvh_module *)(uintptr_t)info->modules;

	if (info->magic != PVH_MAGIC)
		return;
	if (info->command_line)
		command_line_set((const char *)(uintptr_t)info->command_line);
	boot_info.rsdp = info->rsdp;
	if (info->version >= 1)
		for (uint32_t i = 0; i < info->nmemory; i++)
			memory_add(memory[i].base, memory[i].size, memory[i].type);
	if (info->nmodules)
		initrd_set(module->base, module->size);
}

static void multiboot_memory_read(const struct multiboot_memory_map *map)
{
	const uint8_t *end = (const uint8_t *)map + map->tag.size;

	if (map->entry_size < sizeof(struct multiboot_memory))
		return;
	for (const uint8_t *e = map->entries; e + map->entry_size <= end; e += map->entry_size) {
		const struct multiboot_memory *m = (const struct multiboot_memory *)e;

		memory_add(m->base, m->size, m->type);
	}
}

/* The tag holds a copy of the ACPI table, so that is where it is for us. */
static void multiboot_rsdp_read(const struct multiboot_tag *tag)
{
	const uint8_t *from = (const uint8_t *)(tag + 1);

	for (size_t i = 0; i < RSDP_MAX; i++)
		rsdp[i] = i < tag->size - sizeof *tag ? from[i] : 0;
	boot_info.rsdp = (uintptr_t)rsdp;
}

static void multiboot_read(const uint8_t *info)
{
	const struct multiboot_tag *tag = (const struct multiboot_tag *)(info + 8);

	while (tag->type != TAG_END) {
		switch (tag->type) {
		case TAG_COMMAND_LINE:
			command_line_set((const char *)(tag + 1));
			break;
		case TAG_MODULE: {
			const struct multiboot_module *m = (const struct multiboot_module *)tag;

			initrd_set(m->start, m->end - m->start);
			break;
		}
		case TAG_MEMORY:
			multiboot_memory_read((const struct multiboot_memory_map *)tag);
			break;
		case TAG_RSDP1:
			if (!boot_info.rsdp)
				multiboot_rsdp_read(tag);
			break;
		case TAG_RSDP2:
			multiboot_rsdp_read(tag);
			break;
		}
		tag = (const struct multiboot_tag *)((const uint8_t *)tag +
						     ((tag->size + 7) & ~7u));
	}
}

void bootinfo_read(int protocol, uintptr_t info)
{
	if (protocol == BOOT_PVH)
		pvh_read((const struct pvh_start_info *)info);
	else
		multiboot_read((const uint8_t *)info);
	launcher_read();
	virtio_in_command_line(command_line);
	machine.command_line = command_line;
	if (boot_info.initrd_size) {
		machine.initrd = (const void *)(uintptr_t)boot_info.initrd;
		machine.initrd_size = boot_info.initrd_size;
	}
}

#include "debug/symtab.h"

struct symbol {
	uint32_t offset; /* from the beginning of the text */
	uint32_t name;   /* from the beginning of the table */
};

struct symtab {
	uint32_t count;
	struct symbol symbol[];
};

extern const struct symtab vole_symtab;

/* Made by tools/sites.py. */
struct start {
	uint32_t offset;         /* from the beginning of the text: what the call returns to */
	uint32_t function, file; /* from the beginning of the table */
	uint32_t line;
};

struct starts {
	uint32_t count;
	struct start start[];
};

extern const struct starts vole_sites;

extern const char __text_start[], __text_end[];

const char *symtab_find(uintptr_t address, size_t *offset)
{
	const struct symtab *table = &vole_symtab;
	uintptr_t at = address - (uintptr_t)__text_start;
	uint32_t low = 0, high = table->count;

	*offset = 0;
	if (address < (uintptr_t)__text_start || address >= (uintptr_t)__text_end || !high ||
	    at < table->symbol[0].offset)
		return "?";
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (table->symbol[middle].offset <= at)
			low = middle;
		else
			high = middle;
	}
	*offset = at - table->symbol[low].offset;
	return (const char *)table + table->symbol[low].name;
}

void symtab_site(uintptr_t address, struct site *site)
{
	const struct starts *table = &vole_sites;
	uintptr_t at = address - (uintptr_t)__text_start;
	size_t offset;

	for (uint32_t i = 0; i < table->count; i++) {
		const struct start *start = &table->start[i];

		if (start->offset == at) {
			site->function = (const char *)table + start->function;
			site->file = (const char *)table + start->file;
			site->line = start->line;
			return;
		}
	}
	*site = (struct site){symtab_find(address - 1, &offset), "?", 0};
}

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

static const struct start *find_start(uintptr_t address)
{
	const struct starts *table = &vole_sites;
	uintptr_t at = address - (uintptr_t)__text_start;

	for (uint32_t i = 0; i < table->count; i++)
		if (table->start[i].offset == at)
			return &table->start[i];
	return NULL;
}

void symtab_site(uintptr_t address, struct site *site)
{
	const struct start *start = find_start(address);
	const char *table = (const char *)&vole_sites;
	size_t offset;

	if (start)
		*site = (struct site){table + start->function, table + start->file, start->line};
	else
		*site = (struct site){symtab_find(address - 1, &offset), "?", 0};
}

uintptr_t symtab_site_first(uintptr_t address)
{
	const struct start *start = find_start(address), *first = vole_sites.start;

	if (!start)
		return address;
	while (first->function != start->function || first->file != start->file ||
	       first->line != start->line)
		first++;
	return (uintptr_t)__text_start + first->offset;
}

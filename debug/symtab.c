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

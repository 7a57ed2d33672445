#include "debug/record.h"

#include <string.h>

#include "kernel/page.h"
#include "kernel/start.h"

/* Read in the image's data; see record.h. */
extern struct records vole_records;
struct records vole_records __attribute__((used, retain));

static struct records *records = &vole_records;
static size_t given; /* of the memory that the launcher gave */

void *record_alloc(const char *name, size_t size)
{
	size_t room = (size + PAGE_SIZE - 1) & -(size_t)PAGE_SIZE;
	void *block;

	if (machine.record_size && !given) {
		records = (struct records *)machine.record_base;
		given = PAGE_SIZE;
	}
	if (room < size || records->count == RECORDS_MAX)
		return NULL;
	if (!machine.record_size)
		block = page_alloc_many(room / PAGE_SIZE, PAGE_SIZE);
	else if (room <= machine.record_size - given)
		block = (void *)(machine.record_base + given);
	else
		return NULL;
	if (!block)
		return NULL;
	given += room;
	memset(block, 0, room);
	strncpy(records->list[records->count].name, name, sizeof(records->list[0].name) - 1);
	records->list[records->count].at = (uintptr_t)block;
	records->list[records->count].size = size;
	memcpy(records->magic, "VOLEREC", sizeof(records->magic));
	records->version = RECORDS_VERSION;
	records->base = (uintptr_t)records;
	records->count++;
	return block;
}

void record_each(void (*visit)(const void *record))
{
	for (uint32_t i = 0; i < records->count; i++)
		visit((const void *)records->list[i].at);
}

const char *record_option(const char *name)
{
	static char value[64];
	const char *at = machine.record_options, *end;
	size_t length = strlen(name);

	for (; at && *at; at = *end ? end + 1 : end) {
		end = at + strcspn(at, " ");
		if (!strncmp(at, name, length) && at[length] == '=') {
			at += length + 1;
			length = (size_t)(end - at) < sizeof(value) ? (size_t)(end - at)
								    : sizeof(value) - 1;
			memcpy(value, at, length);
			value[length] = '\0';
			return value;
		}
	}
	return option(name);
}

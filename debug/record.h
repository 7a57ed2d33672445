/*
 * Memory that the launcher (tools/records.py) reads when the machine has ended, however it ended. It finds a
 * record by its name in the list below: in the image's data where the launcher has the machine's whole
 * memory; on ports that are processes, at the beginning of the memory that the launcher has given them.
 */
#ifndef DEBUG_RECORD_H
#define DEBUG_RECORD_H

#include <stddef.h>
#include <stdint.h>

enum { RECORDS_VERSION = 1, RECORDS_MAX = 8 };

struct records {
	char magic[8]; /* "VOLEREC" */
	uint32_t version, count;
	uint64_t base; /* where this struct is */
	struct {
		char name[16];
		uint64_t at, size;
	} list[RECORDS_MAX];
};

/* size bytes, all 0, in whole pages; NULL: no memory, or too many records. It is kept for good. nopreempt > 0,
 * on a stack that grows or the core's own; one at a time. */
void *record_alloc(const char *name, size_t size);

/* Calls visit for each record. */
void record_each(void (*visit)(const void *record));

/* The value of vole.NAME=, which launchers of processes do not put on the command line: so the simulated
 * machine's run is the same with and without it. NULL: none. It stays as it is until the next call. */
const char *record_option(const char *name);

#endif

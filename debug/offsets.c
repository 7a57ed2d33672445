/*
 * What debuggers on the build machine (tools/gdb) know of the kernel: where the fields are that they
 * look at, and words for what those hold. They read the table in the image's file, before it boots. Whoever
 * gives a field another meaning raises the version here and in tools/gdb/kernel.py; where a field only
 * moves, the table moves with it.
 */
#include "debug/who.h"
#include "kernel/core.h"
#include "kernel/slab.h"
#include "sync/held.h"
#include "sync/wait.h"

enum { OFFSETS_VERSION = 1 };

struct named_offset {
	char name[24];
	uint64_t value;
};

/* Nothing in the image refers to them. */
#define FOR_DEBUGGERS __attribute__((used, retain))

extern const struct named_offset vole_offsets[];
extern const char *const vole_state_names[];

#define FIELD(type, field) \
	{ \
#type "." #field, offsetof(struct type, field) \
	}

FOR_DEBUGGERS const struct named_offset vole_offsets[] = {
	{"version", OFFSETS_VERSION},

	{"co", sizeof(struct co)},
	FIELD(co, sp),
	FIELD(co, state),
	FIELD(co, flags),
	FIELD(co, wait_reason),
	FIELD(co, core),
	FIELD(co, frame),
	FIELD(co, wait_object),
	FIELD(co, wait_since),
	FIELD(co, group),
	FIELD(co, fn),
	FIELD(co, id),
	FIELD(co, name),

	FIELD(core, current),
	FIELD(core, now),
	FIELD(core, index),

	FIELD(slab_cache, name),
	FIELD(slab_cache, size),
	FIELD(slab_cache, all),
	FIELD(slab, next_all),
	FIELD(slab, fresh),
	{"slab", SLAB_HEADER},

	FIELD(mutex, state),
	FIELD(rwmutex, writer),

	{"MAX_CORES", MAX_CORES},
	{"MAX_SLAB_CACHES", MAX_SLAB_CACHES},
	{"NAME_SIZE", NAME_SIZE},
	{"CO_FREE", CO_FREE},
	{"CO_RUNNABLE", CO_RUNNABLE},
	{"CO_WAITING", CO_WAITING},
	{"CO_ENDED", CO_ENDED},
	{"CO_KERNEL", CO_KERNEL},
	{"CO_PINNED", CO_PINNED},
	{"MUTEX_WAITERS", MUTEX_WAITERS},
	{"HOLDER_CORE", HOLDER_CORE},
	{"WAIT_REASONS", WAIT_REASONS},
	{"WAIT_MUTEX", WAIT_MUTEX},
	{"WAIT_RWMUTEX_READ", WAIT_RWMUTEX_READ},
	{"WAIT_RWMUTEX_WRITE", WAIT_RWMUTEX_WRITE},
};

/* As runtime_list has them. */
FOR_DEBUGGERS const char *const vole_state_names[] = {
	[CO_FREE] = "free",       [CO_RUNNABLE] = "runnable", [CO_RUNNING] = "running",
	[CO_WAITING] = "waiting", [CO_ENDED] = "ended",
};

/* The kernel about itself. */
#ifndef VOLE_RUNTIME_H
#define VOLE_RUNTIME_H

#include <bits/types/FILE.h>

#include <vole/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Physical cores that came up; the core this coroutine runs on now. */
int runtime_cores(void);
int runtime_core(void);

/* How many cores run coroutines. n <= 0 only asks, more than there are: all. Returns the old value.
 * Coroutines pinned to one of the other cores still run there. */
int runtime_procs(int n);

/* The time slice, in ns, at least 10 us; 0 turns preemption off. Returns the old value. */
uint64_t runtime_set_quantum(uint64_t ns);

/* Live coroutines of the program, main included. */
size_t runtime_count(void);

struct runtime_stats {
	uint64_t spawned, exited, switches, preemptions, steals, wakeups, ipis, idle_ns;
	size_t live, parked, runnable;
	size_t stack_bytes; /* stacks of live coroutines */
	size_t heap_bytes;  /* allocated and not freed */
	size_t free_bytes;
};
void runtime_stats(struct runtime_stats *stats);

/* Every coroutine to the console: id, name, state, why and how long it waits, backtrace. */
void runtime_dump(void);

/* Coroutines that can never run again while others go on, because nobody has a way to what they wait for:
 * how many. Each kind is reported to `to`, with who started it, and so is memory that nothing points to
 * (NULL: they are only counted). All cores stand still while it looks. */
size_t runtime_leaks(FILE *to);

/* Processor time this coroutine has used, in ns. 0; -EINVAL: ns is NULL. From the first call on each switch
 * reads the clock. */
int runtime_cpu_ns(uint64_t *ns);

/* Ends the machine with status 134, after the message and a backtrace. */
void runtime_panic(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* One coroutine, as ps shows it. */
struct runtime_co {
	uint64_t id;
	char name[32];
	const char *state;  /* "running", "runnable", "waiting", "preempted" */
	const char *reason; /* what it waits for, or "" */
	uint64_t waiting_ns;
	int core; /* where it runs, or ran last */
	bool pinned, urgent;
	size_t stack_used, stack_high,
		stack_limit; /* high: what is mapped, also by who had the stack before */
	uint64_t cpu_ns;     /* processor time; of runtime_busiest alone */
};

/* Fills at most max entries, in the order of ids; returns how many coroutines there are. */
int runtime_list(struct runtime_co *list, int max);

/* Waits for ns nanoseconds, then fills at most max entries: the live coroutines that have used most processor time
 * meanwhile, the most first. All cores stand still for two looks at all coroutines. How many have used any;
 * -ENOMEM; -EBUSY: a core does not stop; -ECANCELED; -EINVAL. */
int runtime_busiest(struct runtime_co *list, int max, uint64_t ns);

/* Looks for ns nanoseconds at what the cores run, about a thousand times a second, then writes to `to` the functions that
 * took most of the time, at most so many, and what was waited for. 0; -EBUSY: another does, or PROFILE= for all of the
 * run; -ENOTSUP: this machine cannot; -ENOMEM; -ECANCELED; -EINVAL. */
int runtime_profile(FILE *to, int most, uint64_t ns);

/* One core: counters since boot. */
struct runtime_core_stats {
	uint64_t switches, preemptions, steals, wakeups, ipis, spawned, idle_ns;
	size_t queue;     /* runnable coroutines in its queues now */
	uint64_t running; /* id of the coroutine that runs, 0: idle */
	char name[32];    /* and its name, or "" */
};
int runtime_core_stats(int core, struct runtime_core_stats *stats); /* 0, -EINVAL */

/* What the machine is, for a greeting. */
const char *runtime_processor(void);
size_t runtime_memory(void); /* bytes of RAM the kernel manages */

#ifdef __cplusplus
}
#endif

#endif

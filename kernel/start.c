/* From the port's kernel_start to main, and machine_exit. */
#include "kernel/start.h"

#include <stdlib.h>
#include <string.h>

#include <vole/runtime.h>

#include "debug/print.h"
#include "debug/profile.h"
#include "debug/stuck.h"
#include "debug/trace.h"
#include "kernel/heap.h"
#include "kernel/locals.h"
#include "kernel/outside.h"
#include "kernel/page.h"
#include "kernel/proc.h"
#include "kernel/sched.h"
#include "kernel/stack.h"

enum { MAIN_STACK = 1024 * 1024, IDLE_STACK = 16 * 1024 };

struct machine machine;

int main(int argc, char **argv);

static void run_main(void *)
{
	int status;

	libc_init();
	status = main(options.argc, options.argv);
	co_run_deferred();
	exit(status);
}

static void core_setup(struct core *core, int index, uint64_t hw_id)
{
	core->index = index;
	core->hw_id = hw_id;
	core->timer_armed = TIME_NEVER;
	wheel_init(&core->wheel);
	core->random = (uint32_t)core->index * 2654435761u + 1;
}

/* False: no memory. */
static bool locals_of_scheduler(struct core *core)
{
	if (locals_room)
		core->scheduler_locals = locals_make();
	core->every_switch = locals_room;
	return core->scheduler_locals || !locals_room;
}

static void start_cores(void)
{
	int n = 1;

	for (int i = 1; i < machine.ncores; i++) {
		size_t pages = (sizeof(struct core) + PAGE_SIZE - 1) / PAGE_SIZE;
		struct core *core = page_alloc_many(pages, PAGE_SIZE);
		uintptr_t stack = core ? stack_make_core(IDLE_STACK) : 0;

		if (core)
			memset(core, 0, sizeof(*core));
		if (!stack || !co_make_scheduler(core, stack, IDLE_STACK) ||
		    !locals_of_scheduler(core)) {
			log_warn("no memory for core %d and those after it\n", n);
			break;
		}
		core_setup(core, n, machine.core_hw_id[i]);
		cores[n] = core;
		if (arch_core_start(core)) {
			log_warn("core %d (hardware id %lx) did not come up\n", i, core->hw_id);
			cores[n] = NULL;
			continue;
		}
		/* release: with the acquire in core_count. */
		atomic_store_explicit(&cores_started, ++n, memory_order_release);
		log_debug("core %d: hardware id %lx, up after %lu us\n", core->index, core->hw_id,
			  arch_clock() / 1000);
	}
	if (machine.ncores_ignored)
		log_warn("%d cores beyond %d are not used\n", machine.ncores_ignored, MAX_CORES);
}

_Noreturn void core_start(struct core *core)
{
	arch_interrupts_on();
	scheduler_run(core);
}

/* On the core's own stack, for good. */
static void *leave_boot_stack(void *core, void *)
{
	core_start(core);
}

_Noreturn void kernel_start(void)
{
	static struct core boot_core;
	static struct co boot_scheduler;
	struct co *first;
	uintptr_t stack;
	extern char __image_start[], __image_end[];

	core_setup(&boot_core, 0, machine.core_hw_id[0]);
	co_scheduler_setup(&boot_scheduler, &boot_core);
	/* So far on the boot stack, which is in the image. */
	boot_scheduler.stack_mapped = (uintptr_t)__image_start;
	boot_scheduler.stack_top = (uintptr_t)__image_end;
	cores[0] = &boot_core;
	arch_bind_core(&boot_core);
	atomic_store_explicit(&cores_started, 1, memory_order_relaxed);
	smp = machine.ncores > 1 ? SMP_CORES : 0;

	options_parse(machine.command_line);
	page_init();
	co_init();
	heap_init();
	locals_init();
	stack_init();
	stack_exact_init();
	core_frames_init();
	console_init();
	log_info("%s, %d cores, %zu MB\n", machine.processor, machine.ncores,
		 page_total() / (1024 * 1024));
	stack = stack_make_core(IDLE_STACK);
	if (!stack)
		panic("too little memory: %zu KB are free, the stack of a core does not fit",
		      page_available() / 1024);
	profile_init();
	start_cores();
	runtime_procs(core_count());
	trace_init();

	first = locals_of_scheduler(&boot_core) ? co_make(run_main, NULL, 0, MAIN_STACK, NULL)
						: NULL;
	if (!first)
		panic("too little memory: %zu KB are free, main does not fit",
		      page_available() / 1024);
	first->started_at = 0;
	log_info("main after %lu us\n", arch_clock() / 1000);
	stuck_started();
	sched_ready(first);
	boot_scheduler.stack_mapped = stack - IDLE_STACK;
	boot_scheduler.stack_top = stack;
	arch_call_on((void *)stack, leave_boot_stack, &boot_core, NULL);
	__builtin_unreachable();
}

_Noreturn void machine_exit(int status)
{
	preempt_disable();
	console_flush_polled();
	arch_power_off(status);
}

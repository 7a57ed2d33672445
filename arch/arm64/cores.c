/*
 * Bringing up the other cores by PSCI (DEN 0022), one at a time.
 */
#include <errno.h>
#include <stdatomic.h>

#include <vole/time.h>

#include "kernel/core.h"

#include "arch/arm64/arm64.h"

extern char secondary_entry[];
_Noreturn void secondary_start(struct core *core);

/* PSCI tells at once of a core that does not exist. One that it has started comes, however long a
 * loaded host takes to give it time; longer than this, and it is broken. */
#define PATIENCE (10 * NSEC_PER_SEC)

/* A core that comes too late must not run: whoever changes CORE_STARTING has decided. */
enum core_arrival { CORE_ABSENT, CORE_STARTING, CORE_ARRIVED, CORE_GIVEN_UP };

/* In the order in which they were started, successfully or not. */
struct arm64_core arm64_cores[MAX_CORES];

_Static_assert(offsetof(struct arm64_core, core) == 0, "boot.S");
_Static_assert(offsetof(struct arm64_core, stack_top) == 8, "boot.S");
_Static_assert(offsetof(struct arm64_core, irq_stack_top) == 16, "boot.S");

static void *take_page(void)
{
	return page_alloc(0);
}

void arch_bind_core(struct core *core)
{
	if (!core->arch)
		core->arch = &arm64_cores[0];
	__asm__ volatile("msr tpidr_el1, %0" : : "r"(core->scheduler) : "memory");
	gic_init_core(core);
	timer_init_core();
}

int arch_core_start(struct core *core)
{
	static int started = 1;
	struct arm64_core *arch;
	uintptr_t irq_stack_top;
	uint32_t starting = CORE_STARTING;
	uint64_t deadline;

	if (started == MAX_CORES)
		return -ENODEV;
	irq_stack_top = irq_stack_make(take_page);
	if (!irq_stack_top)
		return -ENOMEM;
	arch = &arm64_cores[started++];
	core->arch = arch;
	arch->core = core;
	arch->stack_top = core->boot_stack;
	arch->irq_stack_top = irq_stack_top;
	atomic_store_explicit(&arch->arrival, CORE_STARTING, memory_order_release);
	__asm__ volatile("dsb ish" : : : "memory");
	if (psci_call(PSCI_CPU_ON_64, core->hw_id, (uintptr_t)secondary_entry, (uintptr_t)arch) !=
	    0)
		return -ENODEV;
	deadline = arch_clock() + PATIENCE;
	while (atomic_load_explicit(&arch->arrival, memory_order_acquire) == CORE_STARTING &&
	       arch_clock() < deadline)
		arch_relax();
	/* A failure means that it has arrived: acquire with its release. */
	if (atomic_compare_exchange_strong_explicit(&arch->arrival, &starting, CORE_GIVEN_UP,
						    memory_order_acquire, memory_order_acquire))
		return -ENODEV;
	return 0;
}

/* From boot.S, with the final tables, on the stack of core->scheduler. */
void secondary_start(struct core *core)
{
	struct arm64_core *arch = core->arch;
	uint32_t starting = CORE_STARTING;

	arch_bind_core(core);
	if (!atomic_compare_exchange_strong_explicit(&arch->arrival, &starting, CORE_ARRIVED,
						     memory_order_release, /* arch_core_start */
						     memory_order_relaxed))
		for (;;)
			__asm__ volatile("wfi");
	core_start(core);
}

/*
 * Cores: which one this is, starting them (SDM 8.4.4), interrupting them, stopping them.
 */
#include <errno.h>
#include <stdatomic.h>

#include "x86.h"

#include "kernel/core.h"

_Static_assert(sizeof(struct x86_core) <= PAGE_SIZE, "it gets a page");

enum { CPUID_1_ECX_HYPERVISOR = 1u << 31 };
#define MSEC UINT64_C(1000000)
/* A core that has heard the start-up interrupt comes, however long a loaded host takes to give it time; longer
 * than the limit, and it is broken. */
enum { INIT_DELAY_MS = 10, SIPI_DELAY_MS = 10, START_LIMIT_MS = 10000 };
enum { ID_MASK = 0xff, NO_ID = 0x100 }; /* trampoline_id: what CPUID has of an APIC id; nobody's */

_Atomic(struct x86_core *) x86_cores[MAX_CORES];

/* Parameters of the trampoline, in its original. */
extern uint64_t trampoline_id[], trampoline_root[], trampoline_stack[], trampoline_core[];

/* 1 + the id of the core that called arch_stop_others. */
static _Atomic uint64_t stopper;

struct x86_core *x86_core_here(void)
{
	struct x86_core *x;

	__asm__ volatile("movq %%gs:%c1, %0" : "=r"(x) : "i"(offsetof(struct core, arch)));
	return x;
}

void arch_bind_core(struct core *core)
{
	struct x86_core *x = core->arch ? core->arch : &x86_boot_core;

	core->arch = x;
	core->current = core->scheduler;
	x->deadline = x->samples.next = UINT64_MAX;
	if (x != &x86_boot_core) { /* start.c has done it there */
		tables_load(x);
		fpu_enable();
	}
	wrmsr(MSR_GS_BASE, (uintptr_t)core);
	if (x != &x86_boot_core)
		lapic_enable();
	x->apic_id = lapic_id();
	timer_start_samples(x);
	/* Release: with the acquire in arch_unmap. */
	atomic_store_explicit(&x86_cores[core->index], x, memory_order_release);
}

/* ---- Starting ---- */

static void wait_ms(unsigned ms)
{
	uint64_t end = arch_clock() + ms * MSEC;

	while (arch_clock() < end)
		arch_relax();
}

static bool wait_up(struct x86_core *x, unsigned ms)
{
	uint64_t end = arch_clock() + ms * MSEC;

	/* Acquire: with the store in ap_start. */
	while (atomic_load_explicit(&x->state, memory_order_acquire) != CORE_UP) {
		if (arch_clock() >= end)
			return false;
		arch_relax();
	}
	return true;
}

/* The parameters are written in the copy: the original is read-only. */
static void trampoline_set(const uint64_t *parameter, uint64_t value)
{
	*(volatile uint64_t *)(TRAMPOLINE + ((uintptr_t)parameter - (uintptr_t)trampoline_start)) =
		value;
}

static void trampoline_write(struct core *core)
{
	volatile uint8_t *to = (volatile uint8_t *)TRAMPOLINE;

	for (const uint8_t *from = trampoline_start; from < trampoline_end; from++)
		*to++ = *from;
	trampoline_set(trampoline_id, core->hw_id & ID_MASK);
	trampoline_set(trampoline_root, (uintptr_t)x86_page_root);
	trampoline_set(trampoline_stack, core->boot_stack);
	trampoline_set(trampoline_core, (uintptr_t)core);
}

static void send_startup(uint64_t apic_id)
{
	lapic_send(apic_id, ICR_STARTUP | ICR_ASSERT | TRAMPOLINE / PAGE_SIZE);
}

static void *take_page(void)
{
	return page_alloc(0);
}

int arch_core_start(struct core *core)
{
	struct x86_core *x = take_page();
	int expected = CORE_STARTING;

	if (!x)
		return -ENOMEM;
	__builtin_memset(x, 0, sizeof *x);
	if (!mmu_make_stacks(x, take_page))
		return -ENOMEM;
	core->arch = x;
	mmu_trampoline(MAP_WRITE);
	trampoline_write(core);
	mmu_trampoline(MAP_EXEC);

	lapic_send(core->hw_id, ICR_INIT | ICR_ASSERT);
	if (!(cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR))
		wait_ms(INIT_DELAY_MS);
	send_startup(core->hw_id);
	if (!wait_up(x, SIPI_DELAY_MS)) {
		send_startup(core->hw_id); /* ignored by a core that has heard the first */
		wait_up(x, START_LIMIT_MS);
	}
	/* One that comes too late finds that nobody waits, and halts; what it has is not reused.
	 * Acquire: with the same in ap_start. */
	bool abandoned =
		atomic_compare_exchange_strong_explicit(&x->state, &expected, CORE_ABANDONED,
							memory_order_acquire, memory_order_acquire);

	while (!abandoned && !wait_up(x, START_LIMIT_MS))
		; /* claimed at the last moment: it needs a few instructions more */
	if (abandoned) {
		/* One that has not begun halts when it does: an INIT does not make every machine forget a
		 * start-up interrupt that is pending. One that has begun is stopped before the page is the
		 * next one's. */
		mmu_trampoline(MAP_WRITE);
		trampoline_set(trampoline_id, NO_ID);
		mmu_trampoline(MAP_EXEC);
		lapic_send(core->hw_id, ICR_INIT | ICR_ASSERT);
		wait_ms(INIT_DELAY_MS);
	}
	mmu_trampoline(0);
	return abandoned ? -ENODEV : 0;
}

/* From trampoline.S, on the stack of core->scheduler. */
_Noreturn void ap_start(struct core *core)
{
	struct x86_core *x = core->arch;
	int expected = CORE_STARTING;

	/* Acquire: with the same in arch_core_start. */
	if (!atomic_compare_exchange_strong_explicit(&x->state, &expected, CORE_CLAIMED,
						     memory_order_acquire, memory_order_relaxed))
		x86_halt_forever();
	arch_bind_core(core);
	/* Release: with the acquire in wait_up. */
	atomic_store_explicit(&x->state, CORE_UP, memory_order_release);
	core_start(core);
}

/* ---- Interrupting ---- */

void arch_send_reschedule(struct core *core)
{
	lapic_send(core->hw_id, VECTOR_RESCHEDULE | ICR_ASSERT);
}

bool x86_stopping(void)
{
	return atomic_load_explicit(&stopper, memory_order_relaxed) != 0;
}

void arch_stop_others(void)
{
	uint64_t self = lapic_id() + 1, expected = 0;

	/* Two cores that stop each other would leave nobody to tell why: the first one does. */
	if (!atomic_compare_exchange_strong_explicit(&stopper, &expected, self,
						     memory_order_relaxed, memory_order_relaxed) &&
	    expected != self)
		x86_halt_forever();
	/* One that has not been started waits in the firmware, where an NMI resets the machine. */
	for (int i = 0; i < MAX_CORES && cores[i]; i++) {
		struct x86_core *x = cores[i]->arch;

		if (x && x->apic_id + 1 != self &&
		    (x == &x86_boot_core ||
		     atomic_load_explicit(&x->state, memory_order_relaxed) == CORE_UP))
			lapic_send(x->apic_id, ICR_NMI | ICR_ASSERT);
	}
}

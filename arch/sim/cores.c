/* Cores: starting and stopping them, their interrupts and timers. */
#include "sim.h"

#include <errno.h>

struct sim_core sim_cores[MAX_CORES];
int sim_core_count = 1;

uint64_t sim_devices_enabled;

void arch_bind_core(struct core *core)
{
	struct sim_core *c = core->arch ? core->arch : &sim_cores[0];

	core->arch = c;
	core->current = core->scheduler;
	c->core = core;
	c->self = &sim_agents[c - sim_cores];
	c->deadline = TIME_NEVER;
	sim_current = core->scheduler;
}

/* The first that runs on a core. */
static void begin(struct co *unused)
{
	struct core *core = sim_here->core;

	(void)unused;
	arch_bind_core(core);
	core_start(core);
}

int arch_core_start(struct core *core)
{
	struct sim_core *c = &sim_cores[sim_core_count];

	core->arch = c;
	c->core = core;
	c->masked = true;
	c->current = core->scheduler;
	c->deadline = TIME_NEVER;
	c->sp = arch_context_make((void *)core->boot_stack, begin);
	sim_core_count++;
	return 0;
}

void arch_stop_others(void)
{
	for (int i = 0; i < sim_core_count; i++)
		sim_cores[i].stopped = &sim_cores[i] != sim_here;
}

void sim_load_locals(void)
{
	enum { SYS_ARCH_PRCTL = 158, SET_FS = 0x1002 };
	static SIM_KEPT uintptr_t loaded;

	if (sim_here->locals == loaded)
		return;
	loaded = sim_here->locals;
	sim_call(SYS_ARCH_PRCTL, SET_FS, (long)loaded, 0, 0, 0, 0);
}

void sim_set_thread_pointer(uintptr_t pointer)
{
	sim_here->locals = pointer;
	sim_load_locals();
}

/* ---- Interrupts ---- */

void arch_send_reschedule(struct core *core)
{
	struct sim_core *to = core->arch;
	struct sim_agent *self = &sim_agents[sim_here - sim_cores];

	to->reschedule = true;
	/* It comes after what was done before. */
	sim_join(&to->notified, &self->before, sim_worlds[0].width);
	self->before.at[self->own]++;
	self->seen.at[self->own]++;
}

int arch_irq_enable(unsigned irq, bool on)
{
	if (irq != SIM_UART_IRQ && irq != SIM_CARD_IRQ && irq - SIM_FREE_IRQ >= SIM_FREE_IRQS)
		return -EINVAL;
	sim_devices_enabled = (sim_devices_enabled & ~(UINT64_C(1) << irq)) | (uint64_t)on << irq;
	return 0;
}

int arch_irq_make_message(uint64_t *address, uint32_t *data)
{
	(void)address;
	(void)data;
	return -ENOTSUP;
}

void arch_timer_arm(uint64_t deadline)
{
	sim_here->deadline = deadline;
}

uint64_t sim_clock_(void);

uint64_t sim_clock_(void)
{
	sim_step();
	return sim_time;
}

/* ---- Handlers, on the interrupt stack ---- */

void arch_call_handler(void (*fn)(void *arg), void *arg)
{
	fn(arg); /* it comes at a call, which keeps no floating-point registers */
}

void sim_interrupted(void *sp);
void sim_unmask(void);

void sim_unmask(void)
{
	sim_here->masked = false;
}

/* All that waits, one after the other. sp: where who was interrupted stopped. */
void sim_interrupted(void *sp)
{
	struct sim_core *c = sim_here;

	if (c->deadline <= sim_time) {
		c->deadline = TIME_NEVER;
		sim_timer_came();
		irq_timer();
	}
	if (c->reschedule) {
		struct sim_agent *self = &sim_agents[c - sim_cores];

		c->reschedule = false;
		sim_join(&self->before, &c->notified, sim_worlds[0].width);
		sim_join(&self->seen, &c->notified, sim_worlds[0].width);
		irq_reschedule();
	}
	/* While a handler runs, another core may raise its interrupt again. */
	while (c->devices & sim_devices_enabled) {
		unsigned irq = (unsigned)__builtin_ctzl(c->devices & sim_devices_enabled);

		c->devices &= ~(UINT64_C(1) << irq);
		irq_device(irq);
	}

	struct arch_regs *frame = irq_exit();

	if (frame) {
		const uintptr_t *context = sp;

		*frame = (struct arch_regs){.rbp = context[SIM_CONTEXT_RBP],
					    .rip = context[SIM_CONTEXT_RETURN],
					    .rsp = (uintptr_t)sp};
		sched_preempted(frame);
	}
	c->masked = false;
}

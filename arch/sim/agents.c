/*
 * Who accesses memory, and what of the others' accesses happened before: vector clocks (Mattern 1988;
 * Fidge 1988), as FastTrack uses them (Flanagan and Freund, PLDI 2009).
 *
 * There are two worlds. In the kernel's an agent is a core, and only atomics order them. In the
 * program's it is a coroutine, or what a core's interrupt handlers run; there atomics order them, and
 * what the public interface promises (debug/order.h), but nothing that the kernel does by the way.
 *
 * What the interface promises, the kernel has to keep: an order between two coroutines must be one
 * between the cores that they are on, too (kept).
 *
 * Coroutines beyond the number of agents share one: of these no race is found between the two.
 */
#include "shadow.h"

#include "debug/order.h"
#include "debug/panic.h"
#include "kernel/co.h"

enum { COROUTINES = SIM_PROGRAM_AGENTS - SIM_KERNEL_AGENTS };
enum { TABLE = 16 * 1024, MOST = TABLE / 4 * 3 };

struct sim_agent sim_agents[SIM_AGENTS];
struct sim_world sim_worlds[2] = {{0, 0}, {SIM_KERNEL_AGENTS, 0}};
bool sim_inexact;

void sim_be_inexact(void)
{
	sim_inexact = sim_consistent = true;
	sim_worlds[1].width = SIM_PROGRAM_AGENTS;
}

/* Which agent a coroutine is: by its address, which others have had before. */
static struct known {
	const struct co *co;
	uint64_t id;
	struct sim_agent *agent;
	uint32_t promised[SIM_KERNEL_AGENTS]; /* of each core: its core must have seen it */
} coroutines[TABLE];

/* What happened before who next meets object; and where and when it was left last. times: it was left so
 * by order_out; where that is once, who meets it must have seen that (where an order is weakened). */
static struct meeting {
	uintptr_t object;
	struct sim_clock before;
	int core;
	uint32_t left, times;
} meetings[TABLE];

static int next_agent;

/* Of each agent the coroutine that it became last, while that lives. */
static const struct co *owners[SIM_AGENTS];

static struct sim_agent *handler_agent(const struct sim_core *core)
{
	return &sim_agents[SIM_KERNEL_AGENTS + (core - sim_cores)];
}

static size_t hash(uintptr_t key)
{
	return (key >> 3) * 0x9e3779b97f4a7c15 >> 50;
}

_Static_assert(TABLE == 1 << (64 - 50), "hash gives an index");

/* The entry of co, or a free one. */
static struct known *find(const struct co *co)
{
	struct known *k = &coroutines[hash((uintptr_t)co)];

	while (k->co && k->co != co)
		k = k + 1 < coroutines + TABLE ? k + 1 : coroutines;
	return k;
}

/* An agent that nobody is, or, if there is none, any. The first ones are handlers. */
static struct sim_agent *take_agent(void)
{
	struct sim_world *world = &sim_worlds[1];
	struct sim_agent *agent;

	for (int i = 0; i < COROUTINES; i++) {
		next_agent = (next_agent + 1) % COROUTINES;
		agent = &sim_agents[world->first + sim_core_count + next_agent];
		if (!agent->users)
			break;
	}
	if (world->width <= agent->own)
		world->width = agent->own + 1;
	if (agent->users++ == 0) {
		uint32_t own = agent->before.at[agent->own] + 1;

		agent->before = agent->seen = (struct sim_clock){.at = {0}};
		agent->released = agent->released_seen = agent->awaited = agent->awaited_seen =
			agent->before;
		agent->before.at[agent->own] = agent->seen.at[agent->own] = own;
	}
	return agent;
}

static struct sim_agent *agent_of(const struct co *co)
{
	struct known *k = find(co);
	static int used;

	if (k->co == co && k->id == co->id && k->agent)
		return k->agent;
	if (!k->co && used == MOST) {
		sim_be_inexact();
		return &sim_agents[SIM_AGENTS - 1];
	}
	used += !k->co;
	if (k->agent)
		k->agent->users--;
	*k = (struct known){.co = co, .id = co->id, .agent = take_agent()};
	owners[k->agent - sim_agents] = co;
	return k->agent;
}

const struct co *sim_stack_owner(uintptr_t at)
{
	const struct sim_world *world = &sim_worlds[1];

	for (int i = world->first; i < world->first + world->width; i++)
		if (owners[i] && at >= owners[i]->stack_mapped && at < owners[i]->stack_top)
			return owners[i];
	return NULL;
}

/* Where a promise is to be kept: this core has seen what core i did until time. */
static bool seen(int i, uint32_t time)
{
	return time <= sim_core_agent()->before.at[i];
}

static void not_kept(void)
{
	if (!sim_inexact)
		panic("nothing in the kernel orders this after what it comes after by "
		      "docs/order.md");
}

unsigned order_time(void)
{
	return sim_core_agent()->before.at[sim_core_agent()->own];
}

/* Of what is left and met by turns, as a mutex is: left for the next, who has seen it, or not. */
static void promise(struct meeting *m, unsigned time)
{
	m->core = sim_core_agent()->own;
	m->left = time;
}

static void keep(const struct meeting *m)
{
	if (!seen(m->core, m->left))
		not_kept();
}

/* co goes on: after all that it was promised. */
static void goes_on(const uint32_t *promised)
{
	for (int i = 0; i < SIM_KERNEL_AGENTS; i++)
		if (!seen(i, promised[i]))
			not_kept();
}

static bool in_handler(const struct sim_core *here)
{
	return here->core->in_handler || sim_current->flags & CO_KERNEL;
}

struct sim_agent *sim_program_agent(void)
{
	struct sim_core *here = sim_here;

	if (in_handler(here))
		return handler_agent(here);
	if (here->agent_of != sim_current || here->agent_id != sim_current->id) {
		here->agent_of = sim_current;
		here->agent_id = sim_current->id;
		here->agent = agent_of(sim_current);
		goes_on(find(sim_current)->promised);
	}
	return here->agent;
}

void sim_agents_begin(void)
{
	/* The last one is a card. */
	sim_worlds[0].width = machine.nvirtio_mmio ? SIM_KERNEL_AGENTS : sim_core_count;
	sim_worlds[1].width = sim_core_count;
	for (int i = 0; i < SIM_AGENTS; i++) {
		struct sim_agent *a = &sim_agents[i];

		a->world = i >= SIM_KERNEL_AGENTS;
		a->own = (uint8_t)(i - sim_worlds[a->world].first);
		a->sole = (uint8_t)(SOLE + i);
		a->cell = a->own | (a->world ? (unsigned)CELL_WORLD : 0);
		a->before.at[a->own] = a->seen.at[a->own] = 1;
	}
}

/* ---- What the public interface orders: debug/order.h ---- */

extern char __text_sync_start[], __text_sync_end[], __text_inside_start[], __text_inside_end[];

static bool is_in(uintptr_t pc, const char *start, const char *end)
{
	return pc - (uintptr_t)start < (uintptr_t)(end - start);
}

/* What drivers, files and sockets lock and wait for themselves, by what the program has, too, orders nothing of the
 * program. fp: the frame of a function here. */
static bool is_for_itself(const uintptr_t *fp)
{
	bool through_sync = false;

	for (; is_in(fp[1], __text_sync_start, __text_sync_end); fp = (const uintptr_t *)fp[0])
		through_sync = true;
	return through_sync && is_in(fp[1], __text_inside_start, __text_inside_end);
}

/* The calling coroutine, or handler; NULL: what is done is nobody's. */
static struct sim_agent *caller(void)
{
	if (!sim_run.begun || sim_here->nobody ||
	    (sim_current->flags & CO_KERNEL && !sim_here->core->in_handler))
		return NULL;
	return sim_program_agent();
}

static void join(struct sim_clock *to, const struct sim_clock *from)
{
	sim_join(to, from, sim_worlds[1].width);
}

static void tick(struct sim_agent *a)
{
	a->before.at[a->own]++;
	a->seen.at[a->own] = a->before.at[a->own];
}

static struct meeting *meeting(const void *object)
{
	struct meeting *m = &meetings[hash((uintptr_t)object)];
	static int used;

	while (m->object && m->object != (uintptr_t)object)
		m = m + 1 < meetings + TABLE ? m + 1 : meetings;
	if (!m->object && used < MOST) {
		used++;
		m->object = (uintptr_t)object;
	} else if (!m->object) {
		sim_be_inexact();
	}
	return m;
}

static void pass(struct sim_agent *from, struct sim_agent *to)
{
	join(&to->before, &from->before);
	join(&to->seen, &from->before);
	tick(from);
}

static void leave(struct sim_agent *a, const void *object)
{
	join(&meeting(object)->before, &a->before);
	tick(a);
}

static void leave_of_caller(const void *object)
{
	struct sim_agent *a = caller();

	if (!a)
		return;
	if (sim_weakens && ++meeting(object)->times == 1)
		promise(meeting(object), order_time());
	leave(a, object);
}

void order_out(const void *object)
{
	if (!is_for_itself(__builtin_frame_address(0)))
		leave_of_caller(object);
}

static void meet(struct sim_agent *a, const void *object)
{
	const struct meeting *m = meeting(object);

	join(&a->before, &m->before);
	join(&a->seen, &m->before);
}

void order_in_always(const void *object)
{
	struct sim_agent *a = caller();

	if (!a)
		return;
	meet(a, object);
	if (sim_weakens && meeting(object)->times == 1)
		keep(meeting(object));
}

void order_in(const void *object)
{
	if (!is_for_itself(__builtin_frame_address(0)))
		order_in_always(object);
}

void order_in_of(const struct co *co, const void *object)
{
	if (sim_run.begun)
		meet(agent_of(co), object);
}

void order_out_of(const struct co *co, const void *object)
{
	if (sim_run.begun)
		leave(agent_of(co), object);
}

void order_to(const struct co *co)
{
	struct sim_agent *a = caller();

	if (!a)
		return;
	pass(a, agent_of(co));
	find(co)->promised[sim_core_agent()->own] =
		sim_core_agent()->before.at[sim_core_agent()->own];
}

void order_from(const struct co *co)
{
	struct sim_agent *a = caller();

	if (a)
		pass(agent_of(co), a);
}

void order_to_handlers(void)
{
	struct sim_agent *a = caller();

	for (int i = 0; a && i < sim_core_count; i++)
		if (a != handler_agent(&sim_cores[i]))
			pass(a, handler_agent(&sim_cores[i]));
}

void order_nobody(bool on)
{
	sim_here->nobody = on;
}

void order_begin(const struct co *co)
{
	if (!sim_run.begun)
		return;
	agent_of(co);
	if (sim_points)
		sim_point_spawned(co);
	sim_memory_stack(co->stack_mapped, co->stack_top, false);
	sim_memory_anew((uintptr_t)&co->error, sizeof co->error);
}

void order_end(const struct co *co)
{
	struct known *k = find(co);

	if (!sim_run.begun)
		return;
	sim_memory_stack(co->stack_mapped, co->stack_top, true);
	if (k->co != co || k->id != co->id || !k->agent)
		return;
	k->agent->users--;
	if (owners[k->agent - sim_agents] == co)
		owners[k->agent - sim_agents] = NULL;
	k->agent = NULL; /* the entry stays co's */
}

void order_done(const void *object, unsigned time)
{
	if (sim_run.begun)
		promise(meeting(object), time);
}

void order_anew(const void *object)
{
	if (sim_run.begun)
		keep(meeting(object));
}

void order_call(const void *object, bool in)
{
	if (!caller() || is_for_itself(__builtin_frame_address(0)))
		return;
	if (in) {
		order_in_always(object);
		keep(meeting(object));
	} else {
		promise(meeting(object), order_time());
		leave_of_caller(object);
	}
}

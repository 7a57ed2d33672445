/*
 * What is known of blocks of the heap, and of who did something: for reports.
 */
#include "sim.h"

#include "debug/order.h"
#include "debug/symtab.h"
#include "debug/who.h"
#include "kernel/co.h"

/* ---- Blocks ---- */

enum { BLOCKS = 32 * 1024 };

static struct sim_block blocks[BLOCKS];

/* Which of them are in use, as they came. */
static uint16_t used[BLOCKS];
static int nused;
static bool some_lost;

struct sim_block *sim_block_at(uintptr_t at)
{
	size_t i = ((at >> 4) * 0x9e3779b97f4a7c15 >> 40) % BLOCKS;

	for (int tries = 0; tries < 64; tries++, i = (i + 1) % BLOCKS) {
		if (blocks[i].at == at)
			return &blocks[i];
		if (!blocks[i].at) {
			used[nused++] = (uint16_t)i;
			blocks[i].at = at;
			return &blocks[i];
		}
	}
	some_lost = true;
	return NULL;
}

bool sim_each_block(void (*visit)(struct sim_block *block))
{
	for (int i = 0; i < nused; i++)
		visit(&blocks[used[i]]);
	return !some_lost;
}

/* The innermost block around at, or else one right beside it; NULL: none. */
const struct sim_block *sim_block_around(uintptr_t at)
{
	enum { BESIDE = 64 };
	const struct sim_block *found = NULL, *beside = NULL;

	for (int i = 0; i < nused; i++) {
		const struct sim_block *b = &blocks[used[i]];

		if (!b->size)
			continue;
		if (at - b->at < b->size && (!found || found->at < b->at))
			found = b;
		else if (at + BESIDE >= b->at && at < b->at + b->size + BESIDE)
			beside = b;
	}
	return found ? found : beside;
}

/* ---- Who, and where ---- */

static void copy_name(char *to, const char *from)
{
	int i = 0;

	for (; from[i] && i < NAME_SIZE - 1; i++)
		to[i] = from[i];
	to[i] = '\0';
}

/* Who is at place, and its callers. fp: the frame of a function that it has called, maybe by others. */
void sim_trace(struct sim_trace *t, const void *place, const uintptr_t *fp)
{
	enum { FRAMES = 6 };
	const struct co *co = sim_current;
	uintptr_t irq = (uintptr_t)sim_here->irq_stack;
	look_begin();
	t->core = (int)(sim_here - sim_cores);
	t->handler = sim_here->core->in_handler;
	t->id = co->id;
	copy_name(t->name, co->id ? co_name(co) : "");
	t->n = 0;
	t->pc[t->n++] = (uintptr_t)place;
	/* Between here and place are functions of this folder. */
	for (int i = 0; i < FRAMES && fp[1] != (uintptr_t)place; i++)
		fp = (const uintptr_t *)fp[0];
	for (fp = (const uintptr_t *)fp[0]; t->n < SIM_DEEP; fp = (const uintptr_t *)fp[0]) {
		uintptr_t at = (uintptr_t)fp;

		if (at % sizeof at || !((at >= co->stack_mapped && at + 16 <= co->stack_top) ||
					(at >= irq && at + 16 <= irq + SIM_IRQ_STACK)))
			break;
		if (!fp[1] || fp[0] <= at)
			break;
		t->pc[t->n++] = fp[1];
	}
	look_end();
}

void sim_put_co(uint64_t id, const char *name)
{
	sim_put_number(2, id, 10);
	sim_put(2, " \"");
	sim_put(2, name);
	sim_put(2, "\"");
}

void sim_put_who(const struct sim_trace *t)
{
	if (t->handler || !t->id) {
		sim_put(2, t->handler ? "an interrupt handler" : "the kernel");
	} else {
		sim_put(2, "coroutine ");
		sim_put_co(t->id, t->name);
	}
	sim_put(2, " on core ");
	sim_put_number(2, (uint64_t)t->core, 10);
}

const char *sim_function_at(uintptr_t pc)
{
	size_t offset;
	const char *name;

	look_begin();
	name = symtab_find(pc - 1, &offset);
	look_end();
	return name;
}

/* A function's name where the tools put its place behind the address. */
void sim_put_stack(const struct sim_trace *t)
{
	look_begin();
	for (int i = 0; i < t->n; i++) {
		size_t offset;
		const char *name = symtab_find(t->pc[i] - 1, &offset);

		sim_put(2, "  0x");
		sim_put_number(2, t->pc[i], 16);
		sim_put(2, " ");
		sim_put(2, name);
		sim_put(2, "+0x");
		sim_put_number(2, offset + 1, 16);
		sim_put(2, "\n");
	}
	look_end();
}

void sim_put_block(uintptr_t at)
{
	const struct sim_block *b = sim_block_around(at);

	if (!b)
		return;
	sim_put(2, "allocated by ");
	sim_put_who(&b->given);
	sim_put(2, "\n");
	sim_put_stack(&b->given);
	if (!b->freed.n)
		return;
	sim_put(2, "freed by ");
	sim_put_who(&b->freed);
	sim_put(2, "\n");
	sim_put_stack(&b->freed);
}

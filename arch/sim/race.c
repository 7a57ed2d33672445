/*
 * What is wrong with an access: a data race, by happens-before; or memory that is nobody's.
 *
 * Races: of each 8 bytes the last accesses are kept (as ThreadSanitizer does; Serebryany and
 * Iskhodzhanov 2009), each with its agent and the agent's time, which are ordered before another
 * access if that one's agent has seen the time. A race is reported with both stacks: the second
 * access finds it, and the run is made once more, with an eye on the first (sim_watch).
 *
 * Memory: of each 8 bytes, how many of them may be accessed (as AddressSanitizer does; Serebryany
 * and others 2012), or why none. What is freed is given back later, so it is not used again at once.
 */
#include "shadow.h"

#include "debug/order.h"
#include "kernel/co.h"

enum { SYS_MMAP = 9 };

/* ---- What is kept of memory ---- */

enum { UNIT = 1024 };

/* What of it a run has used, by units: see snapshot.c. */
static uint8_t *unit_used SIM_KEPT;
static uint32_t *units SIM_KEPT;
static SIM_KEPT size_t unit_count;

static __attribute__((noinline)) void use(const void *shadow)
{
	size_t unit = ((uintptr_t)shadow - SHADOW_BASE) / UNIT;

	if (unit_used[unit])
		return;
	unit_used[unit] = true;
	units[unit_count++] = (uint32_t)unit;
}

void sim_shadow_undo(void)
{
	while (unit_count > 0) {
		size_t unit = units[--unit_count];

		unit_used[unit] = false;
		sim_clear((char *)SHADOW_BASE + unit * UNIT, UNIT);
	}
}

static void reserve(uintptr_t at, size_t size)
{
	enum { READ_WRITE = 3, PRIVATE_ANONYMOUS_NORESERVE_FIXED = 0x2 | 0x20 | 0x4000 | 0x100000 };

	if (sim_call(SYS_MMAP, (long)at, (long)size, READ_WRITE, PRIVATE_ANONYMOUS_NORESERVE_FIXED,
		     -1, 0) != (long)at)
		sim_usage("no address space", "", "");
}

void sim_race_init(void)
{
	reserve(SHADOW_BASE, SHADOW_END - SHADOW_BASE);
	unit_used = sim_reserve((SHADOW_END - SHADOW_BASE) / UNIT);
	units = sim_reserve((SHADOW_END - SHADOW_BASE) / UNIT * sizeof *units);
}

/* ---- Reports ---- */

struct sim_watch *sim_watch;
static struct sim_trace watched; /* the access that was watched for */

extern char __data_start[], __bss_end[];

/* What at is in. */
static void put_place(uintptr_t at)
{
	const struct sim_block *b = sim_block_around(at);
	const struct co *co = sim_current;

	sim_put(2, "at 0x");
	sim_put_number(2, at, 16);
	if (at >= (uintptr_t)__data_start && at < (uintptr_t)__bss_end) {
		sim_put(2, ", a variable");
	} else if (at >= co->stack_mapped && at < co->stack_top) {
		sim_put(2, ", on its own stack");
	} else if (at >= ARCH_WINDOW_BASE && at < ARCH_WINDOW_END) {
		co = sim_stack_owner(at);
		sim_put(2, co ? ", on the stack of coroutine " : ", on a stack");
		if (co)
			sim_put_co(co->id, sim_name_of(co));
	} else if (b) {
		sim_put(2, ", byte ");
		if (at < b->at) {
			sim_put(2, "-");
			sim_put_number(2, b->at - at, 10);
		} else {
			sim_put_number(2, at - b->at, 10);
		}
		sim_put(2, " of a block of ");
		sim_put_number(2, b->size, 10);
		sim_put(2, " bytes");
	}
}

static void put_access(const char *what, size_t size, uintptr_t at, const struct sim_trace *t)
{
	sim_put(2, what);
	sim_put(2, " of ");
	sim_put_number(2, size, 10);
	sim_put(2, size == 1 ? " byte " : " bytes ");
	put_place(at);
	sim_put(2, ", by ");
	sim_put_who(t);
	sim_put(2, "\n");
	sim_put_stack(t);
}

static const char *what_of(unsigned how)
{
	return how & SIM_WRITE ? "write" : "read";
}

/* ---- Races ---- */

static const void *place_now;
static const uintptr_t *frame_now;
static size_t size_now; /* of an access of more than 8 bytes, or of several 8; else 0 */

/* what, of these 8 bytes, races with an earlier access. */
static __attribute__((noinline, cold)) void race(uintptr_t at, uint32_t what,
						 const struct cell *first)
{
	struct sim_trace now;
	unsigned bytes = first->what >> CELL_BYTES;
	uint8_t how = (uint8_t)(first->what >> CELL_HOW);

	sim_trace(&now, place_now, frame_now);
	if (sim_watch) {
		size_t first_at = (at & ~(uintptr_t)7) + (size_t)__builtin_ctz(bytes | 0x100);

		if (!watched.n) /* it was not seen: what there is */
			watched = now;
		sim_failed("race");
		put_access(what_of(how), (size_t)__builtin_popcount(bytes), first_at, &watched);
		put_access(what_of(what >> CELL_HOW),
			   size_now ? size_now : (size_t)__builtin_popcount(what >> CELL_BYTES), at,
			   &now);
		sim_put_block(at);
		sim_end(STATUS_FAILURE);
	}
	sim_fail_race(&(struct sim_watch){.bytes_at = at & ~(uintptr_t)7,
					  .agent = (uint8_t)first->what,
					  .time = first->time,
					  .how = how,
					  .bytes = (uint8_t)bytes});
}

/* The cells of which (bits) have others' accesses, and what conflicts with these: a race ends the run. Returns
 * those cells that what may replace: an access that races with one of them races with what, too. */
static __attribute__((noinline)) unsigned look_at_others(const struct sim_agent *a, uintptr_t at,
							 const struct cell *cells, unsigned which,
							 uint32_t what, const void *place)
{
	unsigned replaced = 0;

	for (; which; which &= which - 1) {
		const struct cell *c = &cells[__builtin_ctz(which)];

		if (a->before.at[c->what & CELL_AGENT_MASK & ~CELL_WORLD] >= c->time) {
			if ((what & (CELL_WRITE | CELL_ATOMIC)) == CELL_WRITE &&
			    !(c->what & ~what & CELL_BYTES_MASK))
				replaced |= 1u << (c - cells);
		} else if (!sim_inexact) {
			place_now = place;
			frame_now = __builtin_frame_address(0);
			race(at, what, c);
		}
	}
	return replaced;
}

static inline bool on_another_stack(uintptr_t at)
{
	return at >= ARCH_WINDOW_BASE && at < ARCH_WINDOW_END &&
	       !(at >= sim_current->stack_mapped && at < sim_current->stack_top);
}

/* An access to it by who goes on. */
static void look_at_stack(uintptr_t at, uint32_t what, const void *place, const uintptr_t *fp);

/* All cells at once. Whoever calls what GCC calls at an access has nothing in vector registers. */
#pragma GCC push_options
#pragma GCC target("sse2")

typedef uint32_t each __attribute__((vector_size(CELLS * sizeof(uint32_t))));
typedef float signs __attribute__((vector_size(sizeof(each))));

_Static_assert(CELLS == 4, "two cells a vector");

static inline each all_of(uint32_t value)
{
	return (each){value, value, value, value};
}

/* A bit for each that is 0. */
static inline unsigned zeros_of(each e)
{
	return (unsigned)__builtin_ia32_movmskps((signs)(e == 0));
}

void sim_look_at_cells(const struct sim_agent *a, uintptr_t at, uintptr_t folded, uint32_t what,
		       const void *place)
{
	enum { ALL_CELLS = (1 << CELLS) - 1 };
	struct cell *cells = shadow_cells(folded);
	uint8_t *limit = shadow_limit(folded);
	const each *pairs = (const each *)cells;
	unsigned to = what >> CELL_HOW & (CELLS - 1);
	uint32_t time = a->before.at[a->own];
	each when = __builtin_shuffle(pairs[0], pairs[1], (each){0, 2, 4, 6});
	each was = __builtin_shuffle(pairs[0], pairs[1], (each){1, 3, 5, 7});
	each now = all_of(what), differs = was ^ now;
	each agents = differs & all_of(CELL_AGENT_MASK), hows = differs & all_of(CELL_HOW_MASK);
	each forgotten = was & all_of(~what & (CELL_BYTES_MASK | CELL_ATOMIC));
	unsigned none, others, replaced;
	bool others_stack = on_another_stack(at);

	if (unlikely(others_stack))
		look_at_stack(at, what, place, __builtin_frame_address(0));
	/* The agent has made the very same access at this time of its, or one that says more: whoever
	 * came since was held against that one (the same epoch, in FastTrack's words). */
	if (zeros_of(agents | (when ^ all_of(time)) |
		     (~was & all_of(what & (CELL_BYTES_MASK | CELL_WRITE))) |
		     (was & all_of(~what & CELL_ATOMIC))))
		return;
	none = zeros_of(was);
	/* Its own that say no more than this one. */
	replaced = zeros_of(agents | hows | forgotten) & ~none;
	others = ~(zeros_of(agents) | none) & ALL_CELLS;
	if (others) {
		each both = was & now;

		others &= ~(zeros_of(both & all_of(CELL_BYTES_MASK)) |
			    zeros_of((was | now) & all_of(CELL_WRITE))) &
			  zeros_of((differs & all_of(CELL_WORLD)) | (both & all_of(CELL_ATOMIC)));
		if (others)
			replaced |= look_at_others(a, at, cells, others, what, place);
	}
	if (unlikely(none == ALL_CELLS)) {
		use(cells);
		use(limit);
		if (shadow_is_all(*limit) && !others_stack) /* else: to be looked at each time */
			*limit = a->sole;
	} else if (*limit != a->sole && shadow_is_all(*limit)) {
		*limit = ALL;
	}
	if (!((replaced ? replaced : none) >> to & 1))
		to = replaced ? 31 - (unsigned)__builtin_clz(replaced)
		     : none   ? (unsigned)__builtin_ctz(none)
			      : time % CELLS;
	cells[to] = (struct cell){time, what};
}

#pragma GCC pop_options

static void watch(const struct sim_agent *a, uintptr_t at, uint32_t what)
{
	if (sim_watch->bytes_at == (at & ~(uintptr_t)7) && sim_watch->agent == (uint8_t)what &&
	    sim_watch->time == a->before.at[a->own] &&
	    sim_watch->how == (uint8_t)(what >> CELL_HOW) && sim_watch->bytes == what >> CELL_BYTES)
		sim_trace(&watched, place_now, frame_now);
}

/* ---- Memory ---- */

extern char __text_alloc_start[], __text_alloc_end[];

static bool may_look(uint8_t limit, const void *place)
{
	if (limit == ENDED)
		return !sim_in_app(place);
	return (uintptr_t)place - (uintptr_t)__text_alloc_start <
	       (uintptr_t)(__text_alloc_end - __text_alloc_start);
}

static _Noreturn void memory(const char *what, uintptr_t at, size_t size, unsigned how,
			     const struct sim_trace *now)
{
	sim_failed("memory");
	sim_put(2, what);
	sim_put(2, "\n");
	put_access(what_of(how), size, at, now);
	sim_put_block(at);
	sim_end(STATUS_FAILURE);
}

static __attribute__((noinline, cold)) void look_at_limit(uint8_t limit, uintptr_t at, size_t size,
							  unsigned how)
{
	struct sim_trace now;

	if (limit == NO_PAGE)
		sim_window_met(at); /* so the access will be a fault */
	if (limit == NO_PAGE || may_look(limit, place_now))
		return;
	sim_trace(&now, place_now, frame_now);
	memory(limit == FREED   ? "use after free"
	       : limit == ENDED ? "use after free: of the stack of a coroutine that has ended"
				: "out of bounds",
	       at, size, how, &now);
}

/* ---- Frames of functions that have returned ---- */

static _Noreturn void returned(uintptr_t at, size_t size, unsigned how)
{
	struct sim_trace now;

	sim_trace(&now, place_now, frame_now);
	memory("use after free: of the frame of a function that has returned", at, size, how, &now);
}

void sim_look_below(uintptr_t at, size_t size, unsigned how, const void *place, uintptr_t sp)
{
	if (!sim_run.begun || at < sim_current->stack_mapped || sp > sim_current->stack_top)
		return;
	place_now = place;
	frame_now = __builtin_frame_address(0);
	returned(at, size, how);
}

/* The same by the access that place_now and frame_now say. */
static void look_below_frame(uintptr_t at, size_t size, unsigned how)
{
	enum { FRAMES = 6 };
	const uintptr_t *fp = frame_now;

	if (!sim_in_app(place_now) || !shadow_is_below(at, (uintptr_t)fp + SIM_STACK_ROOM))
		return;
	for (int i = 0; i < FRAMES && fp[1] != (uintptr_t)place_now; i++)
		fp = (const uintptr_t *)fp[0];
	if (fp[1] == (uintptr_t)place_now && at < (uintptr_t)(fp + 2))
		sim_look_below(at, size, how, place_now, (uintptr_t)(fp + 2));
}

static __attribute__((noinline)) void look_at_stack(uintptr_t at, uint32_t what, const void *place,
						    const uintptr_t *fp)
{
	if (!sim_in_app(place) || !sim_has_returned(at))
		return;
	place_now = place;
	frame_now = fp;
	returned(at, (size_t)__builtin_popcount(what >> CELL_BYTES), what >> CELL_HOW & 0xff);
}

/* ---- All accesses ---- */

/* The access that place_now and frame_now say. */
static void look(struct sim_agent *a, uintptr_t at, size_t size, unsigned how)
{
	const void *place = place_now;
	size_t whole = size;
	uintptr_t folded = shadow_folded(at);

	if (!shadow_has(at))
		return;
	while (size) {
		unsigned first = at & 7, n = size < 8 - first ? (unsigned)size : 8 - first;
		uint8_t limit = *shadow_limit(folded);
		uint32_t what = shadow_what(a, first, n, how);

		if (unlikely(!shadow_is_all(limit)) && (limit >= BEYOND || first + n > limit))
			look_at_limit(limit, at, whole, how);
		if (__builtin_expect(sim_watch != NULL, 0))
			watch(a, at, what);
		size_now = whole;
		if (!shadow_renewed(a, folded, how, what))
			sim_look_at_cells(a, at, folded, what, place);
		at += n, folded += n, size -= n;
	}
	size_now = 0;
}

void sim_look_at(uintptr_t at, size_t size, unsigned how, const void *place)
{
	place_now = place;
	frame_now = __builtin_frame_address(0);
	sim_takes_long(size);
	look_below_frame(at, size, how);
	look(sim_agent_at(place), at, size, how);
}

void sim_look_as(struct sim_agent *a, uintptr_t at, size_t size, unsigned how)
{
	if (!sim_run.begun)
		return;
	place_now = __builtin_return_address(0);
	frame_now = __builtin_frame_address(0);
	look(a, at, size, how);
}

/* ---- What the kernel says of memory: debug/order.h ---- */

static void in_name_of_caller(const void *p, size_t size, unsigned how, const void *place,
			      const uintptr_t *fp)
{
	if (!sim_run.begun || !p || !size || sim_here->nobody ||
	    (sim_current->flags & CO_KERNEL && !sim_here->core->in_handler))
		return;
	place_now = place;
	frame_now = fp;
	sim_takes_long(size);
	look_below_frame((uintptr_t)p, size, how);
	look(sim_program_agent(), (uintptr_t)p, size, how);
}

void order_reads_at(const void *p, size_t size, const void *place)
{
	in_name_of_caller(p, size, 0, place, __builtin_frame_address(0));
}

void order_writes_at(const void *p, size_t size, const void *place)
{
	in_name_of_caller(p, size, SIM_WRITE, place, __builtin_frame_address(0));
}

static void clear_cells(uintptr_t from, uintptr_t to)
{
	for (; from < to && shadow_has(from); from += 8)
		for (int k = 0; k < CELLS; k++)
			shadow_cells(shadow_folded(from))[k] = (struct cell){0};
}

static void set_limits(uintptr_t at, size_t size, uint8_t inside)
{
	uintptr_t folded = shadow_folded(at);

	if (!shadow_has(at))
		return;
	for (size_t i = 0; i < size; i += 8) {
		use(shadow_limit(folded + i));
		*shadow_limit(folded + i) = inside != ALL || size - i >= 8 ? inside
									   : (uint8_t)(size - i);
	}
}

void memory_given(const void *p, size_t size, const void *around, size_t room)
{
	const uintptr_t *fp = __builtin_frame_address(0);
	struct sim_block *b;
	uintptr_t at = (uintptr_t)p;

	if (!p)
		return;
	if (sim_run.begun) {
		set_limits((uintptr_t)around, room, BEYOND);
		set_limits(at, size, ALL);
		clear_cells(at, at + size); /* nobody has accessed it */
		sim_model_forget(at, at + size);
	}
	b = around == p ? NULL : sim_block_at((uintptr_t)around);
	if (b) {
		b->size = 0; /* what is given is what is inside */
		b->live = false;
	}
	b = sim_block_at(at);
	if (!b)
		return;
	b->size = size;
	b->live = true;
	b->owed = false;
	b->given.n = b->freed.n = 0;
	if (sim_run.begun)
		sim_trace(&b->given, (const void *)fp[1], fp);
}

void memory_owed(const void *p)
{
	struct sim_block *b = sim_block_at((uintptr_t)p);

	if (b)
		b->owed = sim_run.begun;
}

void memory_fresh(const void *p, size_t size)
{
	if (sim_run.begun)
		set_limits((uintptr_t)p, size, ALL);
}

_Noreturn static void misused(const void *p, const char *what, const uintptr_t *fp)
{
	struct sim_trace now;

	sim_trace(&now, (const void *)fp[1], fp);
	memory(what, (uintptr_t)p, 1, SIM_WRITE, &now);
}

static bool is_freed(const void *p)
{
	return shadow_has((uintptr_t)p) && *shadow_limit(shadow_folded((uintptr_t)p)) == FREED;
}

void memory_misused(const void *p, bool written)
{
	if (!sim_run.begun)
		return;
	misused(p,
		written       ? "out of bounds: found when it was freed"
		: is_freed(p) ? "double free"
			      : "free of no block",
		__builtin_frame_address(0));
}

/* p ends to be a block: who frees it accesses it, if it is the program's. */
static void freed(const void *p, const uintptr_t *fp)
{
	struct sim_block *b;

	if (sim_run.begun && is_freed(p))
		misused(p, "double free", fp);
	b = sim_block_at((uintptr_t)p);
	if (!b)
		return;
	b->live = false;
	if (sim_run.begun)
		sim_trace(&b->freed, (const void *)fp[1], fp);
	else
		b->size = 0;
}

void memory_freed(const void *p, size_t size)
{
	const uintptr_t *fp = __builtin_frame_address(0);

	in_name_of_caller(p, size, SIM_WRITE, (const void *)fp[1], fp);
	freed(p, fp);
}

void *memory_later(void *p, size_t size)
{
	enum { KEPT = 64, LARGEST = 16 * 1024 };
	static void *kept[KEPT];
	static int next;
	void *oldest;

	freed(p, __builtin_frame_address(0));
	if (!sim_run.begun)
		return p;
	if (sim_weakens) {
		/* Whatever the kernel did with it came before. What comes now is a use after that. */
		place_now = __builtin_return_address(0);
		frame_now = __builtin_frame_address(0);
		look(sim_core_agent(), (uintptr_t)p, size, SIM_WRITE);
		clear_cells((uintptr_t)p, (uintptr_t)p + size);
	}
	set_limits((uintptr_t)p, size, FREED);
	if (size > LARGEST)
		return p;
	oldest = kept[next];
	kept[next] = p;
	next = (next + 1) % KEPT;
	return oldest;
}

bool memory_is_later(const void *p)
{
	return is_freed(p);
}

/* ---- Stacks ---- */

void sim_memory_stack(uintptr_t from, uintptr_t to, bool ended)
{
	if (!sim_run.begun)
		return;
	set_limits(from, to - from, ended ? ENDED : ALL);
	clear_cells(from, to);
	if (!ended)
		sim_model_forget(from, to);
}

void sim_memory_anew(uintptr_t at, size_t size)
{
	clear_cells(at & -(uintptr_t)8, at + size);
}

void sim_memory_left(uintptr_t from, uintptr_t to)
{
	set_limits(from, to - from, NO_PAGE);
}

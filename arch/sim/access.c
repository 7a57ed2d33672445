/*
 * What GCC calls at each access (-fsanitize=thread; gcc/sanitizer.def has the list). Each is a step
 * of the machine, and is looked at (race.c); the atomic ones make the access, as model.c has it.
 */
#include "shadow.h"

/* Enters NAME_, having touched what this folder may need of the stack, in the caller's place: so a
 * stack grows before anything is under way here. */
#define ENTRY(name, touch) \
	__asm__(".globl " #name "\n.type " #name ", @function\n" #name \
		":\n\torb $0, -1024(%rsp)\n" touch "\tjmp " #name "_\n")

/* The same for what then accesses memory itself. */
#define TOUCH "\ttestb $0, (%rdi)\n"

#define PLACE __builtin_return_address(0)

/* Of who accesses memory at place: below its stack pointer nothing is its own. In a function that it has called itself,
 * or that goes on in the place of one. */
#define LOOK_BELOW(at, size, how, place) \
	do { \
		uintptr_t sp_ = (uintptr_t)__builtin_frame_address(0) + 2 * sizeof(uintptr_t); \
\
		if (unlikely(shadow_is_below(at, sp_)) && sim_in_app(place)) \
			sim_look_below(at, size, how, place, sp_); \
	} while (0)

/* A decision is due before the access. */
static __attribute__((noinline)) void decide_first(uintptr_t at, unsigned size, unsigned how,
						   const void *place)
{
	sim_decide(place, at, how);
	LOOK_BELOW(at, size, how, place);
	if (sim_run.begun)
		sim_look_by(sim_agent_at(place), at, size, how, place);
}

static __attribute__((noinline)) void in_app(uintptr_t at, unsigned size, unsigned how,
					     const void *place)
{
	LOOK_BELOW(at, size, how, place);
	if (sim_run.begun)
		sim_look_by(sim_program_agent(), at, size, how, place);
}

/* Nothing is to be kept over a call here: this is most of what a run does. */
#define PLAIN(name, size, how) \
	void name##_(const void *at); \
	void name##_(const void *at) \
	{ \
		const void *place = PLACE; \
\
		if (sim_count_step(place)) \
			decide_first((uintptr_t)at, size, how, place); \
		else if (sim_in_app(place)) \
			in_app((uintptr_t)at, size, how, place); \
		else if (sim_run.begun) \
			sim_look_by(sim_core_agent(), (uintptr_t)at, size, how, place); \
	} \
	ENTRY(name, "")

PLAIN(__tsan_read1, 1, 0);
PLAIN(__tsan_read2, 2, 0);
PLAIN(__tsan_read4, 4, 0);
PLAIN(__tsan_read8, 8, 0);
PLAIN(__tsan_write1, 1, SIM_WRITE);
PLAIN(__tsan_write2, 2, SIM_WRITE);
PLAIN(__tsan_write4, 4, SIM_WRITE);
PLAIN(__tsan_write8, 8, SIM_WRITE);

/* An object of C++ becomes one of another class: where it is none, nothing is written. */
void __tsan_vptr_update_(void **at, void *to);
void __tsan_vptr_update_(void **at, void *to)
{
	sim_step_to((uintptr_t)at, SIM_WRITE);
	if (*at != to)
		sim_access((uintptr_t)at, sizeof *at, SIM_WRITE, PLACE);
}
ENTRY(__tsan_vptr_update, TOUCH);

#define SIXTEEN(name, how) \
	void name##_(const void *at); \
	void name##_(const void *at) \
	{ \
		sim_step_to((uintptr_t)at, how); \
		sim_access((uintptr_t)at, 16, how, PLACE); \
	} \
	ENTRY(name, "")

SIXTEEN(__tsan_read16, 0);
SIXTEEN(__tsan_write16, SIM_WRITE);

#define RANGE(name, how) \
	void name##_(const void *at, size_t size); \
	void name##_(const void *at, size_t size) \
	{ \
		sim_step_to((uintptr_t)at, how); \
		sim_access((uintptr_t)at, size, how, PLACE); \
	} \
	ENTRY(name, "")

RANGE(__tsan_read_range, 0);
RANGE(__tsan_write_range, SIM_WRITE);

void __tsan_atomic_thread_fence_(int order);
void __tsan_atomic_thread_fence_(int order)
{
	sim_step();
	if (sim_run.begun)
		sim_model_fence(sim_agent_at(PLACE), sim_order(order, SIM_OPERATION, PLACE));
}
ENTRY(__tsan_atomic_thread_fence, "");

/* For the compiler only: no step. */
void __tsan_atomic_signal_fence(int order);
void __tsan_init(void);

void __tsan_atomic_signal_fence(int order)
{
	(void)order;
}

/* A constructor of every object file calls it. */
void __tsan_init(void)
{
}

#define CHANGE(bits, what, expression) \
	uint##bits##_t __tsan_atomic##bits##_##what##_(uint##bits##_t *at, uint##bits##_t by, \
						       int order); \
	uint##bits##_t __tsan_atomic##bits##_##what##_(uint##bits##_t *at, uint##bits##_t by, \
						       int order) \
	{ \
		uint##bits##_t was; \
\
		sim_step_to((uintptr_t)at, SIM_WRITE); \
		was = *at; \
		*at = (uint##bits##_t)(expression); \
		sim_changed((uintptr_t)at, bits / 8, was, *at, order, PLACE); \
		return was; \
	} \
	ENTRY(__tsan_atomic##bits##_##what, TOUCH)

#define COMPARE(bits, what, weak) \
	bool __tsan_atomic##bits##_##what##_(uint##bits##_t *at, uint##bits##_t *old, \
					     uint##bits##_t new, int order, int failing); \
	bool __tsan_atomic##bits##_##what##_(uint##bits##_t *at, uint##bits##_t *old, \
					     uint##bits##_t new, int order, int failing) \
	{ \
		uint##bits##_t was; \
		int older; \
\
		sim_step_to((uintptr_t)at, SIM_WRITE); \
		was = *at; \
		older = sim_compare((uintptr_t)at, was, *old, weak, failing, PLACE); \
		if (older >= 0) { \
			*old = (uint##bits##_t)sim_not_changed((uintptr_t)at, bits / 8, was, \
							       older, failing, PLACE); \
			return false; \
		} \
		*at = new; \
		sim_changed((uintptr_t)at, bits / 8, was, new, order, PLACE); \
		return true; \
	} \
	ENTRY(__tsan_atomic##bits##_##what, TOUCH "\ttestb $0, (%rsi)\n")

#define WIDTH(bits) \
	uint##bits##_t __tsan_atomic##bits##_load_(const uint##bits##_t *at, int order); \
	uint##bits##_t __tsan_atomic##bits##_load_(const uint##bits##_t *at, int order) \
	{ \
		sim_step_to((uintptr_t)at, 0); \
		return (uint##bits##_t)sim_load((uintptr_t)at, bits / 8, \
						*(const volatile uint##bits##_t *)at, order, \
						PLACE); \
	} \
	ENTRY(__tsan_atomic##bits##_load, TOUCH); \
	void __tsan_atomic##bits##_store_(uint##bits##_t *at, uint##bits##_t value, int order); \
	void __tsan_atomic##bits##_store_(uint##bits##_t *at, uint##bits##_t value, int order) \
	{ \
		sim_step_to((uintptr_t)at, SIM_WRITE); \
		if (sim_store((uintptr_t)at, bits / 8, *at, value, order, PLACE)) \
			*(volatile uint##bits##_t *)at = value; \
	} \
	ENTRY(__tsan_atomic##bits##_store, TOUCH); \
	CHANGE(bits, exchange, by); \
	CHANGE(bits, fetch_add, was + by); \
	CHANGE(bits, fetch_sub, was - by); \
	CHANGE(bits, fetch_and, was &by); \
	CHANGE(bits, fetch_or, was | by); \
	CHANGE(bits, fetch_xor, was ^ by); \
	CHANGE(bits, fetch_nand, ~(was & by)); \
	COMPARE(bits, compare_exchange_strong, false); \
	COMPARE(bits, compare_exchange_weak, true)

/* All atomic accesses are looked at, and then have what the model says. */

#define INLINE static inline __attribute__((always_inline))

INLINE uint64_t sim_load(uintptr_t at, size_t size, uint64_t value, int order, const void *place)
{
	struct sim_agent *a;

	if (!sim_run.begun)
		return value;
	a = sim_agent_at(place);
	LOOK_BELOW(at, size, SIM_ATOMIC, place);
	sim_look_by(a, at, size, SIM_ATOMIC, place);
	return sim_model_load(a, at, value, sim_order(order, SIM_OPERATION, place), place);
}

/* True: memory is to have the value. */
INLINE bool sim_store(uintptr_t at, size_t size, uint64_t was, uint64_t value, int order,
		      const void *place)
{
	struct sim_agent *a;

	if (!sim_run.begun)
		return true;
	a = sim_agent_at(place);
	LOOK_BELOW(at, size, SIM_ATOMIC | SIM_WRITE, place);
	sim_look_by(a, at, size, SIM_ATOMIC | SIM_WRITE, place);
	return sim_model_store(a, at, was, value, sim_order(order, SIM_OPERATION, place), place);
}

INLINE void sim_changed(uintptr_t at, size_t size, uint64_t was, uint64_t value, int order,
			const void *place)
{
	struct sim_agent *a;

	if (!sim_run.begun)
		return;
	a = sim_agent_at(place);
	LOOK_BELOW(at, size, SIM_ATOMIC | SIM_WRITE, place);
	sim_look_by(a, at, size, SIM_ATOMIC | SIM_WRITE, place);
	sim_model_change(a, at, was, value, sim_order(order, SIM_OPERATION, place));
}

/* -1: it may succeed. Else it fails by what is so many stores older than the last. */
INLINE int sim_compare(uintptr_t at, uint64_t was, uint64_t old, bool weak, int failing,
		       const void *place)
{
	if (!sim_run.begun || !sim_in_app(place))
		return was == old ? -1 : 0;
	return sim_model_compare(sim_program_agent(), at, was, old, weak, failing, place);
}

INLINE uint64_t sim_not_changed(uintptr_t at, size_t size, uint64_t was, int older, int order,
				const void *place)
{
	struct sim_agent *a;

	if (!sim_run.begun)
		return was;
	a = sim_agent_at(place);
	sim_look_by(a, at, size, SIM_ATOMIC, place);
	return sim_model_read(a, at, was, older, sim_order(order, SIM_COMPARISON, place));
}

WIDTH(8);
WIDTH(16);
WIDTH(32);
WIDTH(64);

/* ---- The inline part of the contract, which is entered in the same way ---- */

ENTRY(sim_interrupts_off, "");
ENTRY(sim_interrupts_on, "");
ENTRY(sim_halt, "");
ENTRY(sim_relax, "");
ENTRY(sim_clock, "");
ENTRY(sim_io_read, "");
ENTRY(sim_io_write, "");

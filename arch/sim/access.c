/*
 * What GCC calls at each access (-fsanitize=thread; gcc/sanitizer.def has the list). Each is a step
 * of the machine, and is looked at (race.c); the atomic ones make the access, as model.c has it.
 */
#include "sim.h"

/* Enters NAME_, having touched what this folder may need of the stack, in the caller's place: so a
 * stack grows before anything is under way here. */
#define ENTRY(name, touch) \
	__asm__(".globl " #name "\n.type " #name ", @function\n" #name \
		":\n\torb $0, -1024(%rsp)\n" touch "\tjmp " #name "_\n")

/* The same for what then accesses memory itself. */
#define TOUCH "\ttestb $0, (%rdi)\n"

#define PLACE __builtin_return_address(0)

#define PLAIN(name, size, how) \
	void name##_(const void *at); \
	void name##_(const void *at) \
	{ \
		sim_step_to((uintptr_t)at, how); \
		sim_access((uintptr_t)at, size, how, PLACE); \
	} \
	ENTRY(name, "")

PLAIN(__tsan_read1, 1, 0);
PLAIN(__tsan_read2, 2, 0);
PLAIN(__tsan_read4, 4, 0);
PLAIN(__tsan_read8, 8, 0);
PLAIN(__tsan_read16, 16, 0);
PLAIN(__tsan_write1, 1, SIM_WRITE);
PLAIN(__tsan_write2, 2, SIM_WRITE);
PLAIN(__tsan_write4, 4, SIM_WRITE);
PLAIN(__tsan_write8, 8, SIM_WRITE);
PLAIN(__tsan_write16, 16, SIM_WRITE);

/* An object of C++ becomes one of another class: where it is none, nothing is written. */
void __tsan_vptr_update_(void **at, void *to);
void __tsan_vptr_update_(void **at, void *to)
{
	sim_step_to((uintptr_t)at, SIM_WRITE);
	if (*at != to)
		sim_access((uintptr_t)at, sizeof *at, SIM_WRITE, PLACE);
}
ENTRY(__tsan_vptr_update, TOUCH);

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

#define COMPARE(bits, what) \
	bool __tsan_atomic##bits##_##what##_(uint##bits##_t *at, uint##bits##_t *old, \
					     uint##bits##_t new, int order, int failing); \
	bool __tsan_atomic##bits##_##what##_(uint##bits##_t *at, uint##bits##_t *old, \
					     uint##bits##_t new, int order, int failing) \
	{ \
		uint##bits##_t was; \
\
		sim_step_to((uintptr_t)at, SIM_WRITE); \
		was = *at; \
		if (was != *old) { \
			sim_not_changed((uintptr_t)at, bits / 8, was, failing, PLACE); \
			*old = was; \
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
	COMPARE(bits, compare_exchange_strong); \
	COMPARE(bits, compare_exchange_weak)

/* All atomic accesses are looked at, and then have what the model says. */

static uint64_t sim_load(uintptr_t at, size_t size, uint64_t value, int order, const void *place)
{
	if (!sim_run.begun)
		return value;
	sim_access(at, size, SIM_ATOMIC, place);
	order = sim_order(order, SIM_OPERATION, place);
	return sim_model_load(sim_agent_at(place), at, value, order, place);
}

/* True: memory is to have the value. */
static bool sim_store(uintptr_t at, size_t size, uint64_t was, uint64_t value, int order,
		      const void *place)
{
	if (!sim_run.begun)
		return true;
	sim_access(at, size, SIM_ATOMIC | SIM_WRITE, place);
	order = sim_order(order, SIM_OPERATION, place);
	return sim_model_store(sim_agent_at(place), at, was, value, order, place);
}

static void sim_changed(uintptr_t at, size_t size, uint64_t was, uint64_t value, int order,
			const void *place)
{
	if (!sim_run.begun)
		return;
	sim_access(at, size, SIM_ATOMIC | SIM_WRITE, place);
	order = sim_order(order, SIM_OPERATION, place);
	sim_model_change(sim_agent_at(place), at, was, value, order);
}

static void sim_not_changed(uintptr_t at, size_t size, uint64_t was, int order, const void *place)
{
	if (!sim_run.begun)
		return;
	sim_access(at, size, SIM_ATOMIC, place);
	order = sim_order(order, SIM_COMPARISON, place);
	sim_model_read_last(sim_agent_at(place), at, was, order);
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

/* ---- Functions of the C library that access memory in the program's name ---- */

void *__real_memcpy(void *to, const void *from, size_t size);
void *__real_memmove(void *to, const void *from, size_t size);
void *__real_memset(void *to, int byte, size_t size);
void *__wrap_memcpy(void *to, const void *from, size_t size);
void *__wrap_memmove(void *to, const void *from, size_t size);
void *__wrap_memset(void *to, int byte, size_t size);

static void ranges(const void *to, const void *from, size_t size, const void *place)
{
	if (!sim_run.begun || !sim_in_app(place) || !size)
		return;
	if (from)
		sim_access((uintptr_t)from, size, 0, place);
	sim_access((uintptr_t)to, size, SIM_WRITE, place);
}

void *__wrap_memcpy(void *to, const void *from, size_t size)
{
	ranges(to, from, size, PLACE);
	return __real_memcpy(to, from, size);
}

void *__wrap_memmove(void *to, const void *from, size_t size)
{
	ranges(to, from, size, PLACE);
	return __real_memmove(to, from, size);
}

void *__wrap_memset(void *to, int byte, size_t size)
{
	ranges(to, NULL, size, PLACE);
	return __real_memset(to, byte, size);
}

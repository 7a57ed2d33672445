/*
 * What GCC calls at each access (-fsanitize=thread; gcc/sanitizer.def has the list). Each is a step
 * of the machine, and the atomic ones make the access.
 */
#include "sim.h"

/* Enters NAME_, having touched what this folder may need of the stack, in the caller's place: so a
 * stack grows before anything is under way here. */
#define ENTRY(name, touch) \
	__asm__(".globl " #name "\n.type " #name ", @function\n" #name \
		":\n\torb $0, -1024(%rsp)\n" touch "\tjmp " #name "_\n")

/* The same for what then accesses memory itself. */
#define TOUCH "\ttestb $0, (%rdi)\n"

#define PLAIN(name) \
	void name##_(void); \
	void name##_(void) \
	{ \
		sim_step(); \
	} \
	ENTRY(name, "")

PLAIN(__tsan_read1);
PLAIN(__tsan_read2);
PLAIN(__tsan_read4);
PLAIN(__tsan_read8);
PLAIN(__tsan_read16);
PLAIN(__tsan_write1);
PLAIN(__tsan_write2);
PLAIN(__tsan_write4);
PLAIN(__tsan_write8);
PLAIN(__tsan_write16);
PLAIN(__tsan_read_range);
PLAIN(__tsan_write_range);
PLAIN(__tsan_atomic_thread_fence);

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
		(void)order; \
		sim_step(); \
		was = *at; \
		*at = (uint##bits##_t)(expression); \
		return was; \
	} \
	ENTRY(__tsan_atomic##bits##_##what, TOUCH)

#define COMPARE(bits, what) \
	bool __tsan_atomic##bits##_##what##_(uint##bits##_t *at, uint##bits##_t *old, \
					     uint##bits##_t new, int order, int failing); \
	bool __tsan_atomic##bits##_##what##_(uint##bits##_t *at, uint##bits##_t *old, \
					     uint##bits##_t new, int order, int failing) \
	{ \
		(void)order; \
		(void)failing; \
		sim_step(); \
		if (*at != *old) { \
			*old = *at; \
			return false; \
		} \
		*at = new; \
		return true; \
	} \
	ENTRY(__tsan_atomic##bits##_##what, TOUCH "\ttestb $0, (%rsi)\n")

#define WIDTH(bits) \
	uint##bits##_t __tsan_atomic##bits##_load_(const uint##bits##_t *at, int order); \
	uint##bits##_t __tsan_atomic##bits##_load_(const uint##bits##_t *at, int order) \
	{ \
		(void)order; \
		sim_step(); \
		return *(const volatile uint##bits##_t *)at; \
	} \
	ENTRY(__tsan_atomic##bits##_load, TOUCH); \
	void __tsan_atomic##bits##_store_(uint##bits##_t *at, uint##bits##_t value, int order); \
	void __tsan_atomic##bits##_store_(uint##bits##_t *at, uint##bits##_t value, int order) \
	{ \
		(void)order; \
		sim_step(); \
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

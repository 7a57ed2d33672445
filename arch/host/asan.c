/*
 * AddressSanitizer (SAN=asan): its run-time is told which stack a thread is on. The linker sends
 * calls of NAME to __wrap_NAME (arch.mk).
 */
#include "host.h"

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

#include <string.h>

#include "debug/asan/asan.h"
#include "debug/print.h"
#include "debug/who.h"
#include "kernel/core.h"

/* Of a scheduler's stack, as much as is used: its bounds are not known everywhere. */
enum { IDLE_BELOW = 8 * 1024, IDLE_ABOVE = 2 * 1024 };

struct co *__real_arch_switch(struct co *prev, struct co *next);
struct co *__wrap_arch_switch(struct co *prev, struct co *next);
struct co *__real_arch_start(struct co *prev, struct co *next);
struct co *__wrap_arch_start(struct co *prev, struct co *next);
struct co *__real_arch_resume(struct co *prev, struct co *next, void *frame);
struct co *__wrap_arch_resume(struct co *prev, struct co *next, void *frame);
_Noreturn void __real_arch_leave_interrupt(struct co *prev, struct co *next);
_Noreturn void __wrap_arch_leave_interrupt(struct co *prev, struct co *next);
void *__real_arch_context_make(void *stack_top, void (*entry)(struct co *prev));
void *__wrap_arch_context_make(void *stack_top, void (*entry)(struct co *prev));
void *__real_arch_call_on(void *stack, void *(*fn)(void *a, void *b), void *a, void *b);
void *__wrap_arch_call_on(void *stack, void *(*fn)(void *a, void *b), void *a, void *b);
_Noreturn void __real_host_enter(void *top, void (*fn)(void *arg), void *arg);
_Noreturn void __wrap_host_enter(void *top, void (*fn)(void *arg), void *arg);
int __real_arch_map(uintptr_t va, uintptr_t pa, unsigned flags, void *(*take_page)(void));
int __wrap_arch_map(uintptr_t va, uintptr_t pa, unsigned flags, void *(*take_page)(void));
const char *__asan_default_options(void);

/* Leaks: the run-time does not know where coroutines keep their pointers. Signals: they are ours.
 * Use after return: frames that are elsewhere than on the stack would not be the kernel's to grow. */
const char *__asan_default_options(void)
{
	return "detect_leaks=0:handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:"
	       "use_sigaltstack=0:detect_stack_use_after_return=0:allocator_may_return_null=1:"
	       "exitcode=134";
}

/* Called before what does not return: the frames above are forgotten, as in debug/asan/shadow.c. The run-time's own
 * function asks the C library for the stack's bounds, which takes a lock that whoever a signal has interrupted may hold. */
void __asan_handle_no_return(void);
__attribute__((no_sanitize_address)) void __asan_handle_no_return(void)
{
	const struct co *co = arch_current();
	uintptr_t at = (uintptr_t)__builtin_frame_address(0) & ~(uintptr_t)15;

	if (co && at >= co->stack_mapped && at < co->stack_top)
		__asan_unpoison_memory_region((void *)at, co->stack_top - at);
}

static void leave_for_idle(void *sp)
{
	__sanitizer_start_switch_fiber(NULL, (char *)sp - IDLE_BELOW, IDLE_BELOW + IDLE_ABOVE);
}

static void leave_for(const struct co *next)
{
	if (next->flags & CO_KERNEL)
		leave_for_idle(next->sp);
	else
		__sanitizer_start_switch_fiber(NULL, (void *)next->stack_mapped,
					       next->stack_top - next->stack_mapped);
}

/* On the stack of who goes on. */
static struct co *arrived(struct co *prev)
{
	__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
	return prev;
}

struct co *__wrap_arch_switch(struct co *prev, struct co *next)
{
	leave_for(next);
	return arrived(__real_arch_switch(prev, next));
}

struct co *__wrap_arch_start(struct co *prev, struct co *next)
{
	leave_for(next);
	return arrived(__real_arch_start(prev, next));
}

/* Where next goes on, nobody says that it has arrived. */
struct co *__wrap_arch_resume(struct co *prev, struct co *next, void *frame)
{
	leave_for(next);
	__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
	return arrived(__real_arch_resume(prev, next, frame));
}

void __wrap_arch_leave_interrupt(struct co *prev, struct co *next)
{
	leave_for(next);
	__real_arch_leave_interrupt(prev, next);
}

static void (*begin)(struct co *prev); /* the same for all */

static void context_begin(struct co *prev)
{
	begin(arrived(prev));
}

void *__wrap_arch_context_make(void *stack_top, void (*entry)(struct co *prev))
{
	begin = entry;
	return __real_arch_context_make(stack_top, context_begin);
}

struct call {
	void *(*fn)(void *a, void *b);
	void *a, *b;
};

static void *call_there(void *arg, void *unused)
{
	const struct call *call = arg;
	const struct co *self = arch_current();
	void *result;

	(void)unused;
	__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
	result = call->fn(call->a, call->b);
	leave_for(self);
	return result;
}

void *__wrap_arch_call_on(void *stack, void *(*fn)(void *a, void *b), void *a, void *b)
{
	void *result;

	leave_for_idle(stack);
	result = __real_arch_call_on(stack, call_there, &(struct call){fn, a, b}, NULL);
	__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
	return result;
}

struct enter {
	void (*fn)(void *arg);
	void *arg;
};

static void entered(void *arg)
{
	const struct enter *enter = arg;

	__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
	enter->fn(enter->arg);
}

void __wrap_host_enter(void *top, void (*fn)(void *arg), void *arg)
{
	leave_for_idle((char *)top - IDLE_ABOVE);
	__real_host_enter(top, entered, &(struct enter){fn, arg});
}

int __wrap_arch_map(uintptr_t va, uintptr_t pa, unsigned flags, void *(*take_page)(void))
{
	int error = __real_arch_map(va, pa, flags, take_page);

	if (!error)
		__asan_unpoison_memory_region((void *)va, PAGE_SIZE);
	return error;
}

/* ---- What debug/asan asks for ---- */

void asan_forbid(const void *p, size_t size, enum asan_shadow why)
{
	(void)why;
	__asan_poison_memory_region(p, size);
}

void asan_allow(const void *p, size_t size)
{
	__asan_unpoison_memory_region(p, size);
}

/* The whole kernel is checked here. */
void asan_check(const volatile void *p, size_t size, bool write)
{
	(void)p;
	(void)size;
	(void)write;
}

/* The run-time calls this before it prints its own report, which knows less of the heap and of stacks. */
void __asan_on_error(void)
{
	uintptr_t at = (uintptr_t)__asan_get_report_address();
	const char *kind = __asan_get_report_description();
	const struct co *co = arch_current();
	char place[64];

	if (strcmp(kind, "use-after-poison") == 0)
		kind = asan_kind_of(at);
	else if (strstr(kind, "stack-buffer-"))
		kind = "stack-buffer-overflow"; /* or an underflow, or of alloca */
	asan_place_in_block(at, place, sizeof place);
	if (__asan_get_report_access_size())
		print("panic: %s: %s of %zu bytes at %p%s\n", kind,
		      __asan_get_report_access_type() ? "write" : "read",
		      __asan_get_report_access_size(), (void *)at, place);
	else
		print("panic: %s\n", kind); /* of a block of the host's library */
	print("coroutine %lu \"%s\" on core %d\n", co->id, co_name(co), co->core->index);
	if (!asan_tell_block(at))
		asan_tell_stack(at);
}

/*
 * ThreadSanitizer (SAN=tsan): each coroutine is a fiber of its run-time, and so are each core's
 * interrupt handlers, until one of them preempts: they do not return then. The linker sends calls
 * of NAME to __wrap_NAME (arch.mk).
 *
 * The run-time must not be entered again while it is interrupted, for it has locks. Interrupts do
 * not come there (late.c). But a coroutine's stack may have to grow there: it gets its page at once,
 * and the kernel hears of it before the coroutine leaves its core. This file, late.c and memory.c,
 * which it takes,
 * and unwind.c are compiled without the sanitizer.
 */
#include "host.h"

#include <sanitizer/tsan_interface.h>

#include "kernel/core.h"
#include "kernel/stack.h"

struct co *__real_arch_switch(struct co *prev, struct co *next);
struct co *__wrap_arch_switch(struct co *prev, struct co *next);
struct co *__real_arch_start(struct co *prev, struct co *next);
struct co *__wrap_arch_start(struct co *prev, struct co *next);
struct co *__real_host_resume(struct co *prev, struct co *next, ucontext_t *uc);
struct co *__wrap_host_resume(struct co *prev, struct co *next, ucontext_t *uc);
_Noreturn void __real_arch_leave_interrupt(struct co *prev, struct co *next);
_Noreturn void __wrap_arch_leave_interrupt(struct co *prev, struct co *next);
void *__real_arch_context_make(void *stack_top, void (*entry)(struct co *prev));
void *__wrap_arch_context_make(void *stack_top, void (*entry)(struct co *prev));
size_t __real_host_frame_size(void);
size_t __wrap_host_frame_size(void);
void __real_host_serve(unsigned signals, const struct arch_regs *regs, int error);
void __wrap_host_serve(unsigned signals, const struct arch_regs *regs, int error);
void __real_host_fault(int signal, siginfo_t *info, void *context);
void __wrap_host_fault(int signal, siginfo_t *info, void *context);
const char *__tsan_default_options(void);
void __tsan_init(void);

/* The library's own initialisation comes too late for others that it needs. */
__attribute__((section(".preinit_array"), used)) static void (*const first)(void) = __tsan_init;

const char *__tsan_default_options(void)
{
	return "halt_on_error=1:handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:"
	       "use_sigaltstack=0:external_symbolizer_path=/usr/bin/addr2line";
}

enum { EARLY = 64 };

/* Of a core. */
static struct watch {
	void *handler;     /* the fiber of its interrupts; NULL: none yet */
	void *interrupted; /* the fiber that was interrupted */
	size_t nearly;
	uintptr_t early[EARLY]; /* pages that the kernel has not heard of */
} watches[MAX_CORES];

static struct watch *watch_here(void)
{
	return &watches[core_here()->index];
}

/* No lock is held. */
static void tell_of_pages(struct watch *watch, const struct arch_regs *regs)
{
	while (watch->nearly) {
		if (arch_current()->nopreempt) /* else stack_fault does */
			stack_refill();
		stack_fault(watch->early[--watch->nearly], regs);
	}
}

/* ---- Switching ---- */

/* On the stack of who goes on, whose fiber is own. */
static struct co *arrived(void *own, struct co *prev)
{
	struct watch *watch = watch_here();
	void *other = __tsan_get_current_fiber();

	__tsan_switch_to_fiber(own, 0);
	if (other == watch->handler) {
		watch->handler = NULL;
		__tsan_destroy_fiber(other);
	} else if (prev->state == CO_ENDED) {
		__tsan_destroy_fiber(other);
	}
	return prev;
}

static struct co *switch_by(struct co *(*real)(struct co *prev, struct co *next), struct co *prev,
			    struct co *next)
{
	void *own = __tsan_get_current_fiber();

	tell_of_pages(watch_here(), NULL);
	return arrived(own, real(prev, next));
}

struct co *__wrap_arch_switch(struct co *prev, struct co *next)
{
	return switch_by(__real_arch_switch, prev, next);
}

struct co *__wrap_arch_start(struct co *prev, struct co *next)
{
	return switch_by(__real_arch_start, prev, next);
}

static void (*begin)(struct co *prev); /* the same for all */

static void context_begin(struct co *prev)
{
	begin(arrived(__tsan_create_fiber(0), prev));
}

void *__wrap_arch_context_make(void *stack_top, void (*entry)(struct co *prev))
{
	begin = entry;
	return __real_arch_context_make(stack_top, context_begin);
}

/* ---- Interrupts ---- */

/* The fiber of a coroutine that is preempted is behind its frame. */
size_t __wrap_host_frame_size(void)
{
	return __real_host_frame_size() + 64;
}

static void **fiber_of(void *frame)
{
	return (void **)((char *)frame + __real_host_frame_size());
}

void __wrap_host_serve(unsigned signals, const struct arch_regs *regs, int error)
{
	struct watch *watch = watch_here();

	if (!watch->handler)
		watch->handler = __tsan_create_fiber(0);
	watch->interrupted = __tsan_get_current_fiber();
	__tsan_switch_to_fiber(watch->handler, 0);
	if (!arch_current()->nopreempt)
		tell_of_pages(watch, regs);
	__real_host_serve(signals, regs, error);
	__tsan_switch_to_fiber(watch->interrupted, 0);
}

void __wrap_arch_leave_interrupt(struct co *prev, struct co *next)
{
	*fiber_of(prev->frame) = watch_here()->interrupted;
	__real_arch_leave_interrupt(prev, next);
}

/* uc is where a frame begins. */
struct co *__wrap_host_resume(struct co *prev, struct co *next, ucontext_t *uc)
{
	void *own = __tsan_get_current_fiber();

	__tsan_switch_to_fiber(*fiber_of(uc), 0);
	return arrived(own, __real_host_resume(prev, next, uc));
}

/* ---- Faults ---- */

void __wrap_host_fault(int signal, siginfo_t *info, void *context)
{
	const struct arch_regs *regs = context;
	uintptr_t pc = (uintptr_t)regs->uc.uc_mcontext.gregs[REG_RIP];
	uintptr_t addr = (uintptr_t)info->si_addr, at = addr & -(uintptr_t)PAGE_SIZE;
	const struct co *co = core_count() ? arch_current() : NULL;

	if (co && !host_in_program(pc) && addr >= host_stack_low(co) && addr < co->stack_top &&
	    watch_here()->nearly < EARLY && host_page_in(at)) {
		watch_here()->early[watch_here()->nearly++] = at;
		return;
	}
	__real_host_fault(signal, info, context);
}

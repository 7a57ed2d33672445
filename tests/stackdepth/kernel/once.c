/* Entry functions that do what the compiler's report does not tell. The file has the name and folder
 * of one of the kernel's, whose notes are none of its business. What is right is in ../cases.py; only
 * looked at, never run. */
#include <setjmp.h>
#include <stdlib.h>
#include <vole.h>

volatile int sink;
static go_fn *volatile any;

void hook(void)
{
	volatile char bytes[3000];

	bytes[sink] = 1;
}

static __attribute__((noinline, used)) void deep(void)
{
	volatile char bytes[2000];

	bytes[sink] = 1;
}

static void call(go_fn *fn, void *arg)
{
	fn(arg);
}

static void calls_as_once(void *arg)
{
	call(any, arg);
	sink++;
}

__attribute__((noinline)) void shared(void)
{
	sink++;
}

__attribute__((noinline)) void __wrap_shared(void)
{
	sink--;
}

static void calls_wrapped(void *arg)
{
	(void)arg;
	shared();
	sink++;
}

extern void other_name(void) __attribute__((alias("hook")));

static void calls_alias(void *arg)
{
	(void)arg;
	other_name();
	sink++;
}

static void asm_calls(void *arg)
{
	(void)arg;
#ifdef __x86_64__
	__asm__ volatile("call deep" ::: "memory");
#else
	__asm__ volatile("bl deep" ::: "memory", "x30");
#endif
	sink++;
}

static void asm_calls_register(void *arg)
{
#ifdef __x86_64__
	__asm__ volatile("call *%0" ::"r"(arg) : "memory");
#else
	__asm__ volatile("blr %0" ::"r"(arg) : "memory", "x30");
#endif
	sink++;
}

static void asm_moves(void *arg)
{
	(void)arg;
#ifdef __x86_64__
	__asm__ volatile("sub $2048, %%rsp; movq $0, (%%rsp); add $2048, %%rsp" ::: "memory");
#else
	__asm__ volatile("sub sp, sp, #2048; str xzr, [sp]; add sp, sp, #2048" ::: "memory");
#endif
}

static void asm_sets(void *arg)
{
#ifdef __x86_64__
	__asm__ volatile("xchg %0, %%rsp; xchg %0, %%rsp" : "+r"(arg)::"memory");
#else
	__asm__ volatile("mov x9, sp; mov sp, %0; mov sp, x9" ::"r"(arg) : "memory", "x9");
#endif
	sink++;
}

static void asm_pushes(void *arg)
{
#ifdef __x86_64__
	__asm__ volatile("push %0; push %0; pop %0; pop %0" : "+r"(arg)::"memory");
#else
	__asm__ volatile("str %0, [sp, #-16]!; ldr %0, [sp], #16" : "+r"(arg)::"memory");
#endif
	sink++;
}

static void asm_writes_below(void *arg)
{
#ifdef __x86_64__
	__asm__ volatile("mov %0, -64(%%rsp)" ::"r"(arg) : "memory");
#else
	__asm__ volatile("str %0, [sp, #-64]" ::"r"(arg) : "memory");
#endif
	sink++;
}

static void asm_harmless(void *arg)
{
	(void)arg;
	__asm__ volatile("nop" ::: "memory");
	sink++;
}

__asm__(".text\n.globl by_hand\nby_hand: nop\n ret\n");
extern void by_hand(void);

static void calls_assembly(void *arg)
{
	(void)arg;
	by_hand();
	sink++;
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void sorts(void *arg)
{
	qsort(arg, 4, sizeof(int), compare);
	sink++;
}

static jmp_buf place_in_main;

static void leaves(void *arg)
{
	if (arg)
		longjmp(place_in_main, 1);
	sink++;
}

/* GCC's: its frame holds code, by whose address it is called. */
static void nests(void *arg)
{
	void inner(void *unused)
	{
		volatile char bytes[1000];

		bytes[sink] = arg != unused;
	}

	call(sink ? inner : any, arg);
	sink++;
}

static void (*volatile hidden)(void) = deep;

static void calls_hidden(void *arg)
{
	(void)arg;
	hidden();
	sink++;
}

/* Before main. */
static __attribute__((constructor)) void hide(void)
{
	hidden = hook;
}

static void goes_anywhere(void *arg)
{
	void *volatile place = arg ? &&one : &&two;

	goto *place;
one:
	sink++;
two:
	sink--;
}

void calls_weak(void *arg);

go_fn *const entries[] = {
	calls_weak,         calls_as_once,  calls_wrapped, calls_alias, asm_calls,
	asm_calls_register, asm_moves,      asm_sets,      asm_pushes,  asm_writes_below,
	asm_harmless,       calls_assembly, sorts,         leaves,      nests,
	calls_hidden,       goes_anywhere,
};

int main(int argc, char **argv)
{
	return argc > 1 ? go(entries[argc], argv) : 0;
}

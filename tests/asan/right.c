/* What SAN=asan must not complain of: memory that is used again, stacks that are left by other ways than a
 * return, and stacks that others use after them. */
#include <alloca.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vole.h>

#define ALONE __attribute__((noinline, noclone))

enum { MANY = 300 };

static jmp_buf back;
static struct waitgroup wg;

static ALONE void use(char *p, size_t size)
{
	memset(p, 1, size);
	for (size_t i = 0; i < size; i++)
		((volatile char *)p)[i]++;
}

static ALONE void leave(int depth)
{
	char on_stack[50];

	use(on_stack, sizeof(on_stack));
	if (depth)
		leave(depth - 1);
	else
		longjmp(back, 1);
	use(on_stack, sizeof(on_stack));
}

static ALONE void deep(int depth)
{
	char on_stack[900];

	use(on_stack, sizeof(on_stack));
	if (depth)
		deep(depth - 1);
	use(on_stack, sizeof(on_stack));
}

static ALONE void jumps(void)
{
	char on_stack[300];

	if (!setjmp(back))
		leave(10);
	use(on_stack, sizeof(on_stack));
	for (size_t i = 1; i < 200; i += 7)
		use(alloca(i), i);
}

static void ends_inside(void *arg)
{
	char on_stack[64];

	(void)arg;
	use(on_stack, sizeof(on_stack));
	waitgroup_done(&wg);
	go_exit();
}

static void grows(void *arg)
{
	deep(arg ? 150 : 5);
	waitgroup_done(&wg);
}

static void small(void *arg)
{
	char on_stack[80];

	for (size_t i = 0; i < sizeof(on_stack); i++)
		((volatile char *)on_stack)[i] = (char)i;
	(void)arg;
	waitgroup_done(&wg);
}

static void blocks(void *arg)
{
	char *p[50] = {0};

	(void)arg;
	for (size_t i = 0; i < 3000; i++) {
		size_t at = i % 50, size = i * 37 % 5000 + 1;

		p[at] = realloc(p[at], size);
		use(p[at], size);
		if (i % 3 == 0) {
			free(p[at]);
			p[at] = NULL;
		}
	}
	for (size_t i = 0; i < 50; i++)
		free(p[i]);
	waitgroup_done(&wg);
}

static ALONE void shallow(int depth)
{
	char on_stack[60];

	use(on_stack, sizeof(on_stack));
	if (depth)
		shallow(depth - 1);
}

/* Has enough without SAN=asan. */
static void in_4_kb(void *arg)
{
	char text[400];

	(void)arg;
	shallow(12);
	snprintf(text, sizeof(text), "%d of %s", MANY, "many");
	waitgroup_done(&wg);
}

static void start(go_fn *fn, void *arg)
{
	waitgroup_add(&wg, 1);
	go(fn, arg);
}

/* Memory that stacks of ended coroutines had, for something else. */
static void use_all(void)
{
	void **blocks = NULL, **next;

	for (size_t size = 1 << 16; size >= 512; size /= 2)
		for (; (next = malloc(size)); blocks = next)
			*next = blocks;
	for (; blocks; blocks = next) {
		next = *blocks;
		free(blocks);
	}
	start(small, NULL);
	waitgroup_wait(&wg);
}

int main(void)
{
	char text[100], *line = NULL;

	for (int i = 0; i < MANY; i++) {
		start(ends_inside, NULL);
		start(grows, i % 10 ? NULL : &wg);
		start(small, NULL);
		if (i % 100 == 0)
			start(blocks, NULL);
	}
	waitgroup_add(&wg, 1);
	go_with(&(struct go_options){.stack = 4096}, in_4_kb, NULL);
	waitgroup_wait(&wg);
	jumps();
	use_all();
	snprintf(text, sizeof(text), "%d coroutines and %.3f", 3 * MANY, 1.5);
	line = strdup(text);
	puts(line);
	free(line);
	return strcmp(text, "900 coroutines and 1.500") != 0;
}

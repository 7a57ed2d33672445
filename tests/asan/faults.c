/*
 * A fault that the word names, for SAN=asan to find: the report says its kind. Each is done by a coroutine
 * whose stack grows; those that end with -exact by one whose stack has a known size.
 */
#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vole.h>

#define FORBIDDEN __attribute__((noinline, noclone))

static char table[20] = "a table";
static const int fixed[5] = {1, 2, 3, 4, 5};
static char zeroes[33];
static volatile int n; /* 0, which the compiler does not know */
static char *volatile kept;
static struct chan *done;

static FORBIDDEN void fill(char *to, int from, int end)
{
	for (int i = from; i < end; i++)
		to[i] = (char)i;
}

static FORBIDDEN void heap_behind(void)
{
	char *p = malloc(30);

	fill(p, 0, 31);
	free((void *)p);
}

/* It begins in the block, and ends behind it. */
static FORBIDDEN void heap_across(void)
{
	char *p = malloc(30);

	*(volatile uint64_t *)(void *)(p + 24 + n) = 1;
	free((void *)p);
}

static FORBIDDEN void heap_before(void)
{
	volatile long *p = malloc(64);

	p[n - 1] = 1;
	free((void *)p);
}

static FORBIDDEN void heap_freed(void)
{
	char *p = kept = malloc(4000);

	free(p);
	kept[100 + n] = 1;
}

static FORBIDDEN void heap_large(void)
{
	volatile char *p = malloc(100000);

	p[100003 + n] = 1;
	free((void *)p);
}

static FORBIDDEN void heap_shrunk(void)
{
	volatile char *p = realloc(calloc(100, 1), 50);

	p[60 + n] = 1;
	free((void *)p);
}

static FORBIDDEN void freed_twice(void)
{
	char *p = kept = strdup("twice");

	free(p);
	free(kept);
}

static FORBIDDEN void freed_inside(void)
{
	char *p = malloc(100);

	free(p + 16 + n);
}

static FORBIDDEN void freed_global(void)
{
	kept = table + n;
	free(kept);
}

static FORBIDDEN void stack_behind(void)
{
	char on_stack[40];

	fill(on_stack, 0, 41);
}

static FORBIDDEN void stack_read(void)
{
	int on_stack[4] = {1, 2, 3, 4};

	kept = (char *)on_stack;
	printf("%d\n", on_stack[4 + n]);
}

static FORBIDDEN void stack_alloca(void)
{
	char *on_stack = alloca((size_t)(50 + n));

	fill(on_stack, 0, 51);
}

static FORBIDDEN void global_behind(void)
{
	fill(table, 0, 21);
}

static _Alignas(64) char twenty[20];
static _Alignas(64) char neighbour[400];

static FORBIDDEN void global_far(void)
{
	kept = neighbour;
	memset(twenty, 0, (size_t)(300 + n));
}

static FORBIDDEN void global_fixed(void)
{
	printf("%d\n", fixed[5 + n]);
}

static FORBIDDEN void global_zeroes(void)
{
	zeroes[33 + n] = 1;
}

static FORBIDDEN void copied(void)
{
	char *p = malloc(8);

	strcpy(p, zeroes[0] ? "" : "eight wide");
	free((void *)p);
}

static FORBIDDEN void printed(void)
{
	char on_stack[8];

	kept = on_stack;
	sprintf(kept, "%d and %s", 1000000 + n, "more");
	puts(on_stack);
}

/* Its 0 alone is behind the block; nothing is written where there is no room. */
static FORBIDDEN void printed_end(void)
{
	char *p = malloc(8 + n);

	snprintf(p, 8, "%d", 12345678 + n);
	snprintf(p + 8, n, "%d", n);
	puts("so far");
	sprintf(p, "%d", 12345678 + n);
	free(p);
}

static FORBIDDEN void block_ended(void)
{
	{
		char inside[16];

		fill(inside, 0, 16);
		kept = inside;
	}
	printf("%d\n", kept[n]);
}

static FORBIDDEN void not_ended(void)
{
	char *p = malloc(5);

	memcpy(p, "hello", 5);
	printf("%zu\n", strlen(p));
	free((void *)p);
}

static FORBIDDEN void sent(void)
{
	char *p = kept = malloc(1);

	done = chan_make(1, 1);
	free(p);
	chan_send(done, kept + n);
}

static void keeper(void *arg)
{
	char on_stack[100];

	(void)arg;
	on_stack[3] = 1;
	kept = on_stack;
	chan_send(done, &(char){1});
}

static FORBIDDEN void ended(void)
{
	char byte;

	done = chan_make(1, 0);
	go(keeper, NULL);
	chan_recv(done, &byte);
	time_sleep(10 * 1000 * 1000);
	printf("%d\n", kept[3]);
}

static FORBIDDEN void ended_grown(void)
{
	char byte;

	done = chan_make(1, 0);
	go_with(&(struct go_options){.stack = 65536, .name = "grown"}, keeper, NULL);
	chan_recv(done, &byte);
	time_sleep(10 * 1000 * 1000);
	printf("%d\n", kept[3]);
}

static void small(void *arg)
{
	char on_stack[24];

	(void)arg;
	fill(on_stack, 0, 25);
	chan_send(done, on_stack);
}

static FORBIDDEN void exact(void)
{
	char byte;

	done = chan_make(1, 0);
	go(small, NULL);
	chan_recv(done, &byte);
}

static void heap_small(void *arg)
{
	chan_send(done, (char *)arg + n);
}

static FORBIDDEN void exact_heap(void)
{
	char byte, *p = kept = malloc(1);

	done = chan_make(1, 0);
	free(p);
	go(heap_small, kept);
	chan_recv(done, &byte);
}

static const struct {
	const char *name;
	void (*fault)(void);
} faults[] = {
	{"heap-behind", heap_behind},
	{"heap-across", heap_across},
	{"heap-before", heap_before},
	{"heap-freed", heap_freed},
	{"heap-large", heap_large},
	{"heap-shrunk", heap_shrunk},
	{"freed-twice", freed_twice},
	{"freed-inside", freed_inside},
	{"freed-global", freed_global},
	{"stack-behind", stack_behind},
	{"stack-read", stack_read},
	{"stack-alloca", stack_alloca},
	{"global-behind", global_behind},
	{"global-far", global_far},
	{"global-fixed", global_fixed},
	{"global-zeroes", global_zeroes},
	{"copied", copied},
	{"printed", printed},
	{"printed-end", printed_end},
	{"block-ended", block_ended},
	{"not-ended", not_ended},
	{"sent", sent},
	{"ended", ended},
	{"ended-grown", ended_grown},
	{"exact", exact},
	{"exact-heap", exact_heap},
};

static void culprit(void *name)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (strcmp(faults[i].name, name) == 0)
			faults[i].fault();
	printf("not found: %s\n", (char *)name);
	exit(1);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	go_with(&(struct go_options){.name = "culprit"}, culprit, argv[1]);
	chan_select(NULL, 0);
}

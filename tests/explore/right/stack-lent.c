/*
 * Coroutines use what is on another's stack, while that one is in functions that it has called: of its own, of the
 * library, and of its own again from there; and memory of its frame that has no fixed size.
 */
#include <stdlib.h>
#include <string.h>
#include <vole.h>

enum { PARTS = 3, PART = 5 };

struct part {
	struct waitgroup *left;
	int *numbers;
	struct sema *used;
};

static struct sema *waited_for;

static void fill(void *arg)
{
	struct part *part = arg;

	for (int i = 0; i < PART; i++) {
		part->numbers[i] += PART - i;
		go_yield();
	}
	sema_release(part->used);
	waitgroup_done(part->left);
}

/* The first comparison waits for one of the others, somewhere in qsort. */
static int compare(const void *a, const void *b)
{
	struct sema *sema = waited_for;

	waited_for = NULL;
	if (sema)
		sema_acquire(sema);
	return *(const int *)a - *(const int *)b;
}

static __attribute__((noinline)) int deep(int depth, struct waitgroup *left)
{
	volatile int here = depth;

	if (depth == 0)
		waitgroup_wait(left);
	else
		here += deep(depth - 1, left);
	return here;
}

static __attribute__((noinline)) int sum_of(int parts)
{
	struct waitgroup left = {0};
	struct part part[PARTS];
	struct sema used;
	int *numbers = __builtin_alloca(sizeof(int) * (size_t)(parts * PART)), sum = 0;
	int own[] = {3, 1, 2};

	sema_init(&used, 0);
	memset(numbers, 0, sizeof(int) * (size_t)(parts * PART));
	waitgroup_add(&left, parts);
	for (int i = 0; i < parts; i++) {
		part[i] = (struct part){&left, numbers + i * PART, &used};
		go(fill, &part[i]);
	}
	waited_for = &used;
	qsort(own, 3, sizeof *own, compare);
	deep(5, &left);
	for (int i = 0; i < parts * PART; i++)
		sum += numbers[i];
	return own[0] == 1 ? sum : 0;
}

int main(void)
{
	for (int i = 0; i < 2; i++)
		if (sum_of(PARTS) != PARTS * PART * (PART + 1) / 2)
			return 1;
	return 0;
}

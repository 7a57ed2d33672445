/*
 * Coroutines end, and others begin in the same memory: who looks at them all takes no name for that of
 * another. Each has its number in its name, or a function of its own.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vole.h>

enum { LOOKS = 96, ROUNDS = 24, MOST = 16, IDS = 4096, LOOKERS = 2 };

static _Atomic char kind_of[IDS]; /* by id, as it says itself: the first letter of its name */
static struct seen {
	uint64_t id;
	char name[16];
} seen[LOOKERS][LOOKS * MOST];
static int count[LOOKERS];
static _Atomic bool over;

static void say(char kind)
{
	atomic_store_explicit(&kind_of[go_id() % IDS], kind, memory_order_relaxed);
}

static void beta_function(void *unused)
{
	(void)unused;
	say('b');
}

static void gamma_function(void *unused)
{
	(void)unused;
	say('g');
}

static void named(void *name)
{
	say(*(const char *)name);
}

static void look(void *arg)
{
	int me = (int)(intptr_t)arg;
	struct runtime_co list[MOST];

	for (int i = 0; i < LOOKS && !over; i++) {
		size_t n = runtime_list(list, MOST);

		for (size_t k = 0; k < n && k < MOST; k++) {
			struct seen *s = &seen[me][count[me]++];

			s->id = list[k].id;
			snprintf(s->name, sizeof s->name, "%s", list[k].name);
		}
		go_yield();
	}
}

static void maker(void *unused)
{
	static const char *const names[] = {"delta, of whom much is to be said", "x", "epsilon"};

	(void)unused;
	for (int i = 0; i < ROUNDS; i++) {
		struct go_options options = {.name = names[i % 3]};

		go(beta_function, NULL);
		go_with(&options, named, (void *)names[i % 3]);
		go_yield();
		go(gamma_function, NULL);
		go_yield();
	}
	over = true;
}

int main(void)
{
	struct waitgroup all = {0};

	for (intptr_t i = 0; i < LOOKERS; i++)
		waitgroup_go(&all, look, (void *)i);
	waitgroup_go(&all, maker, NULL);
	waitgroup_go(&all, maker, NULL);
	waitgroup_wait(&all);
	for (int me = 0; me < LOOKERS; me++)
		for (int i = 0; i < count[me]; i++) {
			char kind = kind_of[seen[me][i].id % IDS];

			if (kind && kind != seen[me][i].name[0])
				return 1;
		}
	return 0;
}

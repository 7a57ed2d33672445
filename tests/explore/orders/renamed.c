/*
 * Coroutines of one core end, and the next has the memory of its name: a look from another core takes no
 * part of the new name for the old one's.
 */
#include <stdatomic.h>
#include <string.h>
#include <vole.h>

enum { TIMES = 40, LOOKS = 60, MOST = 8, IDS = 4096 };

static _Atomic char kind_of[IDS]; /* by id: the letter that its name is made of */
static _Atomic bool over;

static void named(void *kind)
{
	atomic_store_explicit(&kind_of[go_id() % IDS], *(const char *)kind, memory_order_relaxed);
}

static void maker(void *all)
{
	static const char *const names[] = {"aaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbb",
					    "cccccccccccccccccccccccc"};

	for (int i = 0; i < TIMES; i++) {
		const char *name = names[i % 3];

		go_with(&(struct go_options){.name = name, .core = 1}, named, (void *)name);
		go_yield();
	}
	over = true;
	waitgroup_done(all);
}

static uint64_t ids[LOOKS * MOST];
static char seen[LOOKS * MOST][sizeof((struct runtime_co *)NULL)->name];
static int count;

static void look(void *all)
{
	struct runtime_co list[MOST];

	for (int i = 0; i < LOOKS && !over; i++) {
		int n = runtime_list(list, MOST);

		for (int k = 0; k < n && k < MOST; k++) {
			ids[count] = list[k].id;
			strcpy(seen[count++], list[k].name);
		}
	}
	waitgroup_done(all);
}

int main(void)
{
	struct waitgroup all = {0};

	waitgroup_add(&all, 2);
	go_with(&(struct go_options){.core = 1}, maker, &all);

	go_with(&(struct go_options){.core = 2}, look, &all);
	waitgroup_wait(&all);
	for (int i = 0; i < count; i++) {
		char kind = kind_of[ids[i] % IDS];

		for (const char *c = seen[i]; kind && *c; c++)
			if (*c != kind)
				return 1;
	}
	return 0;
}

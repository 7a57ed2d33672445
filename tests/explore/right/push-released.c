/*
 * A list without locks: push releases the entry, and who takes the list off acquires all of them.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <vole.h>

struct entry {
	struct entry *next;
	int value;
};
static _Atomic(struct entry *) list;
static _Atomic int sum;

static void push(void *arg)
{
	(void)arg;
	for (int i = 1; i <= 2; i++) {
		struct entry *entry = malloc(sizeof *entry);

		entry->value = i;
		entry->next = atomic_load_explicit(&list, memory_order_relaxed);
		while (!atomic_compare_exchange_weak_explicit(&list, &entry->next, entry,
							      memory_order_release,
							      memory_order_relaxed))
			;
	}
}

static void take_all(void *arg)
{
	struct entry *entry = atomic_exchange_explicit(&list, NULL, memory_order_acquire), *next;

	(void)arg;
	for (; entry; entry = next) {
		sum += entry->value;
		next = entry->next;
		free(entry);
	}
}

int main(void)
{
	struct waitgroup all = {0};

	waitgroup_go(&all, push, NULL);
	waitgroup_go(&all, take_all, NULL);
	waitgroup_go(&all, push, NULL);
	waitgroup_wait(&all);
	take_all(NULL);
	return sum != 6;
}

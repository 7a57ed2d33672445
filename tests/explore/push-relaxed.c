/*
 * A list without locks whose push does not release: who takes the list off may find an entry that
 * is not written yet.
 * fault: race
 */
#include <stdatomic.h>
#include <vole.h>

struct entry {
	struct entry *next;
	int value;
};
static struct entry entries[2];
static _Atomic(struct entry *) list;

static void push(void *arg)
{
	struct entry *entry = arg;

	entry->value = 1;
	entry->next = atomic_load_explicit(&list, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&list, &entry->next, entry,
						      memory_order_relaxed, memory_order_relaxed))
		;
}

static void take_all(void *arg)
{
	struct entry *entry = atomic_exchange_explicit(&list, NULL, memory_order_acquire);

	(void)arg;
	for (; entry; entry = entry->next)
		if (entry->value != 1)
			runtime_panic("an entry that is not written yet");
}

int main(void)
{
	struct waitgroup all = {0};

	waitgroup_go(&all, push, &entries[0]);
	waitgroup_go(&all, push, &entries[1]);
	waitgroup_go(&all, take_all, NULL);
	waitgroup_wait(&all);
	return 0;
}

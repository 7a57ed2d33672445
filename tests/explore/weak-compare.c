/*
 * Who comes first is to be the owner. A weak comparison may fail though what it finds is what it expects, as it
 * does on a processor that reserves a line of its cache: without a loop around it nobody may be the owner.
 * fault: status
 */
#include <stdatomic.h>

#include <vole.h>

static atomic_int owner;

static void take(void *arg)
{
	int nobody = 0;

	atomic_compare_exchange_weak(&owner, &nobody, (int)(intptr_t)arg);
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, take, (void *)1);
	waitgroup_go(&both, take, (void *)2);
	waitgroup_wait(&both);
	return owner == 0;
}

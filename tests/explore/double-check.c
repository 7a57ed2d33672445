/* Fault: the flag that says that a table is made is set before it is. */
#include <stdlib.h>
#include <vole.h>

static struct mutex lock;
static _Atomic bool made;
static _Atomic(int *) table;

static int entry(int i)
{
	if (!made) {
		mutex_lock(&lock);
		if (!made) {
			made = true;
			table = calloc(8, sizeof(int));
		}
		mutex_unlock(&lock);
	}
	return table[i];
}

static void user(void *arg)
{
	if (entry(3) != 0)
		runtime_panic("an entry that nobody has made");
	waitgroup_done(arg);
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_add(&both, 2);
	go(user, &both);
	go(user, &both);
	waitgroup_wait(&both);
	return 0;
}

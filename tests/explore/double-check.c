/*
 * Double-checked locking: the flag that says that a table is made is set before it is.
 * fault: panic or race
 */
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
	(void)arg;
	if (entry(3) != 0)
		runtime_panic("an entry that nobody has made");
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, user, NULL);
	waitgroup_go(&both, user, NULL);
	waitgroup_wait(&both);
	return 0;
}

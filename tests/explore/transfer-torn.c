/*
 * Money is on its way between two accounts, under no lock, when somebody adds them up.
 * fault: panic
 */
#include <vole.h>

enum { ROUNDS = 3 };

static struct account {
	struct mutex lock;
	int money;
} accounts[2] = {{.money = 50}, {.money = 50}};

static void change(struct account *account, int by)
{
	mutex_lock(&account->lock);
	account->money += by;
	mutex_unlock(&account->lock);
}

static void transfer(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		change(&accounts[0], -10);
		change(&accounts[1], 10);
	}
}

static void look(void)
{
	int sum = 0;

	for (int i = 0; i < 2; i++)
		mutex_lock(&accounts[i].lock);
	for (int i = 0; i < 2; i++)
		sum += accounts[i].money;
	for (int i = 0; i < 2; i++)
		mutex_unlock(&accounts[i].lock);
	if (sum != 100)
		runtime_panic("%d in place of 100", sum);
}

static void audit(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++)
		look();
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, transfer, NULL);
	waitgroup_go(&both, audit, NULL);
	waitgroup_wait(&both);
	return 0;
}

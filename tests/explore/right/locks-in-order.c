/* Two accounts, and every transfer, in either direction, locks the first one first. */
#include <vole.h>

static struct account {
	struct mutex lock;
	int money;
} accounts[2] = {{.money = 50}, {.money = 50}};

static void transfer(struct account *from, struct account *to, int money)
{
	mutex_lock(&accounts[0].lock);
	mutex_lock(&accounts[1].lock);
	from->money -= money;
	to->money += money;
	mutex_unlock(&accounts[1].lock);
	mutex_unlock(&accounts[0].lock);
}

static void forth(void *arg)
{
	(void)arg;
	transfer(&accounts[0], &accounts[1], 10);
}

static void back(void *arg)
{
	(void)arg;
	transfer(&accounts[1], &accounts[0], 20);
}

int main(void)
{
	struct waitgroup both = {0};

	waitgroup_go(&both, forth, NULL);
	waitgroup_go(&both, back, NULL);
	waitgroup_wait(&both);
	return accounts[0].money != 60 || accounts[1].money != 40;
}

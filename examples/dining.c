/*
 * The dining philosophers: five at a round table, a fork between each two, and to eat takes both
 * neighbouring forks. Who takes the lower-numbered fork first, always, never deadlocks:
 *     make run APP=examples/dining.c
 * Who takes the left one first, when all do, starves. The kernel notices, and says who waits for
 * what:
 *     make run APP=examples/dining.c ARGS=wrong
 */
#include <stdio.h>
#include <string.h>
#include <vole.h>

#define SEATS 5
#define MEALS 1000

struct philosopher {
	int seat, eaten;
};

static struct mutex forks[1 + SEATS]; /* fork 1 is left of philosopher 1, and so on */
static bool wrong;
static struct waitgroup eating, without_fork;

static void eat(struct philosopher *p)
{
	int left = p->seat, right = p->seat % SEATS + 1;
	bool left_first = wrong || left < right;
	struct mutex *first = &forks[left_first ? left : right];
	struct mutex *second = &forks[left_first ? right : left];

	mutex_lock(first);
	if (wrong) { /* waits until everybody has a fork: bad luck for certain */
		waitgroup_done(&without_fork);
		waitgroup_wait(&without_fork);
	}
	mutex_lock(second);
	p->eaten++;
	mutex_unlock(second);
	mutex_unlock(first);
}

static void dine(void *arg)
{
	struct philosopher *p = arg;

	while (p->eaten < MEALS) {
		eat(p);
		go_yield(); /* to think */
	}
	waitgroup_done(&eating);
}

int main(int argc, char **argv)
{
	static struct philosopher philosophers[SEATS];

	wrong = argc > 1 && strcmp(argv[1], "wrong") == 0;
	for (int i = 1; wrong && i <= SEATS; i++)
		printf("fork %d is the mutex at %p\n", i, (void *)&forks[i]);

	waitgroup_add(&eating, SEATS);
	waitgroup_add(&without_fork, SEATS);
	for (int i = 0; i < SEATS; i++) {
		char name[32];

		philosophers[i].seat = i + 1;
		snprintf(name, sizeof name, "philosopher %d", i + 1);
		if (go_with(&(struct go_options){.name = name}, dine, &philosophers[i]) < 0) {
			fprintf(stderr, "dining: no memory\n");
			return 1;
		}
	}
	waitgroup_wait(&eating);
	for (int i = 0; i < SEATS; i++)
		printf("philosopher %d has eaten %d times\n", i + 1, philosophers[i].eaten);
	return 0;
}

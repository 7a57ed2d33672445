/*
 * A bounded pool of workers: a hundred tasks are there to do, and never more than four of them run
 * at a time. Each counts the primes in its part of the numbers. Who submits a task when the workers
 * are busy and the backlog is full waits: main cannot run far ahead.
 * Try `make run APP=examples/pool.c`.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <vole.h>

#define TASKS   100
#define WORKERS 4
#define BACKLOG 8

struct task {
	int from, to; /* to is not part of it */
	int primes;
};

static atomic_int at_work, most_at_work;

static bool is_prime(int n)
{
	for (int i = 2; i * i <= n; i++) {
		if (n % i == 0)
			return false;
	}
	return n > 1;
}

static void count_primes(void *arg)
{
	struct task *task = arg;
	int now = atomic_fetch_add(&at_work, 1) + 1, most = atomic_load(&most_at_work);

	while (now > most && !atomic_compare_exchange_weak(&most_at_work, &most, now))
		;
	for (int n = task->from; n < task->to; n++)
		task->primes += is_prime(n);
	time_sleep(NSEC_PER_MSEC); /* as if it wrote the result to a disk */
	atomic_fetch_sub(&at_work, 1);
}

int main(void)
{
	static struct task tasks[TASKS];
	struct pool *pool = pool_make(WORKERS, BACKLOG);
	int primes = 0;

	if (!pool) {
		perror("pool");
		return 1;
	}
	for (int i = 0; i < TASKS; i++) {
		tasks[i] = (struct task){.from = 1000 * i, .to = 1000 * (i + 1)};
		if (pool_submit(pool, count_primes, &tasks[i]) < 0) {
			fprintf(stderr, "pool: no memory\n");
			return 1;
		}
	}
	pool_free(pool); /* waits for the tasks */

	for (int i = 0; i < TASKS; i++)
		primes += tasks[i].primes;
	printf("%d primes below %d, found by %d tasks\n", primes, 1000 * TASKS, TASKS);
	if (most_at_work > WORKERS) {
		printf("but %d tasks ran at a time\n", most_at_work);
		return 1;
	}
	printf("never more than %d of them at a time\n", WORKERS);
	return 0;
}

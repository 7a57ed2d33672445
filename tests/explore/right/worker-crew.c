/* Three workers, one channel of jobs, one of results; the jobs are closed, the results counted. */
#include <vole.h>

enum { WORKERS = 3, JOBS = 6 };

static struct chan *jobs, *results;

static void worker(void *arg)
{
	int job;

	(void)arg;
	while (chan_recv(jobs, &job) == 0) {
		job *= 2;
		chan_send(results, &job);
	}
}

int main(void)
{
	struct waitgroup all = {0};
	int sum = 0, result;

	jobs = chan_of(int, 2);
	results = chan_of(int, JOBS);
	for (int i = 0; i < WORKERS; i++)
		waitgroup_go(&all, worker, NULL);
	for (int i = 1; i <= JOBS; i++)
		chan_send(jobs, &i);
	chan_close(jobs);
	waitgroup_wait(&all);
	chan_close(results);
	while (chan_recv(results, &result) == 0)
		sum += result;
	return sum != JOBS * (JOBS + 1);
}

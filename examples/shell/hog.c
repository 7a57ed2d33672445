/* Endless loops without a single call in them: only the timer can take the core from those. */
#include "shell.h"

static void spin(void *arg)
{
	struct hogs *hogs = arg;

	while (!atomic_load_explicit(&hogs->stop, memory_order_relaxed))
		;
	waitgroup_done(&hogs->running);
}

int hogs_start(struct hogs *hogs)
{
	int cores = runtime_cores(), started = 0;

	*hogs = (struct hogs){0};
	for (int core = 0; core < cores; core++) {
		struct go_options options = {.name = "hog", .core = 1 + core};

		waitgroup_add(&hogs->running, 1);
		if (go_with(&options, spin, hogs) == 0)
			started++;
		else
			waitgroup_done(&hogs->running);
	}
	return started;
}

void hogs_stop(struct hogs *hogs)
{
	atomic_store_explicit(&hogs->stop, true, memory_order_relaxed);
	waitgroup_wait(&hogs->running);
}

static void hog_for(void *arg)
{
	const uint64_t *seconds = arg;
	struct hogs hogs;

	hogs_start(&hogs);
	time_sleep(*seconds * NSEC_PER_SEC);
	hogs_stop(&hogs);
}

void hog(int argc, char **argv)
{
	uint64_t seconds = 10;

	if (!take_number(argc, argv, 1, 3600, &seconds))
		return;
	if (go_copy(hog_for, &seconds, sizeof seconds) < 0) {
		printf("hog: out of memory\n");
		return;
	}
	printf("An endless loop on each core for %" PRIu64 " s. Go on typing: try ps, cores.\n",
	       seconds);
}

/*
 * A nursery: coroutines that were started together end together. Five parts of a page are fetched
 * at once; when one of them fails, what the others wait for returns -ECANCELED, so that they end
 * too; group_wait returns when the last has ended, with the first error. Nobody is left behind.
 * Try `make run APP=examples/nursery.c`.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <vole.h>

struct part {
	const char *name;
	uint64_t takes; /* ns */
	bool missing;
	int result;
};

/* A negative result of a member cancels the group. */
static int fetch(void *arg)
{
	struct part *part = arg;

	part->result = time_sleep(part->takes); /* as if it waited for the network */
	if (part->result == 0 && part->missing)
		part->result = -ENOENT;
	return part->result;
}

int main(void)
{
	struct part parts[] = {
		{.name = "text", .takes = 1 * NSEC_PER_MSEC},
		{.name = "style", .takes = 2 * NSEC_PER_MSEC},
		{.name = "photo", .takes = 300 * NSEC_PER_MSEC, .missing = true},
		{.name = "music", .takes = 3600 * NSEC_PER_SEC},
		{.name = "film", .takes = TIME_NEVER},
	};
	int count = sizeof parts / sizeof parts[0];
	struct group page;

	group_init(&page, TIME_NEVER); /* or a deadline: time_now() + 5 * NSEC_PER_SEC */
	for (int i = 0; i < count; i++) {
		int error = group_go(&page, fetch, &parts[i]);

		if (error < 0) { /* no memory, or cancelled already */
			parts[i].result = error;
			group_cancel(&page, error);
		}
	}

	int error = group_wait(&page);
	for (int i = 0; i < count; i++)
		printf("%s: %s\n", parts[i].name,
		       parts[i].result ? strerror(-parts[i].result) : "fetched");
	printf("the page: %s\n", error ? strerror(-error) : "fetched");
	return 0;
}

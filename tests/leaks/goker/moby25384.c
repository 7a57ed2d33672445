/* A waitgroup is told of all plugins, and waited for after the first was started. */
// leaks: 1 "init_plugins" waiting for waitgroup wait
#include "goker.h"

static void init_plugin(void *group)
{
	waitgroup_done(group);
}

static void init_plugins(void *unused)
{
	struct waitgroup *group = make_new(struct waitgroup);

	(void)unused;
	waitgroup_add(group, 2);
	for (int i = 0; i < 2; i++) {
		go(init_plugin, group);
		waitgroup_wait(group); /* it belongs behind the loop */
	}
}

int main(void)
{
	go(init_plugins, NULL);
	return settled();
}

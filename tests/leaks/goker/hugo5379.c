/* A page is initialised once, by a coroutine that locks its mutex and renders it, which initialises the text of the
 * page once more, with the same mutex. */
// leaks: 1 "init_content" waiting for sema acquire
// leaks: 1 "render_page" waiting for sema acquire
// leaks: 1 "render_site" waiting for waitgroup wait
#include "goker.h"

struct page {
	struct sema *content;
	struct once text;
	struct waitgroup done;
	struct event held;
};

static void init_text(void *arg)
{
	struct page *p = arg;

	sema_acquire(p->content);
	sema_release(p->content);
}

static void init_content(void *arg)
{
	struct page *p = arg;

	sema_acquire(p->content);
	event_post(&p->held);
	init_text(p);
	sema_release(p->content);
}

static void render_page(void *arg)
{
	struct page *p = arg;

	go(init_content, p);
	event_wait(&p->held); /* it waits for that for a while only */
	once_do(&p->text, init_text, p);
	waitgroup_done(&p->done);
}

static void render_site(void *unused)
{
	struct page *p = make_new(struct page);

	(void)unused;
	p->content = make_lock();
	waitgroup_add(&p->done, 1);
	go(render_page, p);
	waitgroup_wait(&p->done);
}

int main(void)
{
	go(render_site, NULL);
	return settled();
}

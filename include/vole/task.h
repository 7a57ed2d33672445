/* Groups of coroutines that end together, futures, pools of workers, generators. */
#ifndef VOLE_TASK_H
#define VOLE_TASK_H

#include <vole/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Structured concurrency: a group's members are waited for together, and cancelled together when
 * one fails, when the deadline passes, or by group_cancel. Cancellable calls of a cancelled member
 * return -ECANCELED. A group made inside a member is a child: it is cancelled with its parent.
 */
struct group {
	VOLE_ATOMIC(int32_t) error; /* not 0: cancelled, and why */
	struct spinlock lock;
	/* guarded by lock */
	struct co *members;
	uint32_t count;
	struct wait_queue waiters;
	struct group *children;
	/* guarded by the parent's lock */
	struct group *sibling, **sibling_link;
	/* constant after group_init */
	struct group *parent;
	/* its deadline */
	struct wheel_node timer;
};

/* Before anything else. deadline: TIME_NEVER for none. */
void group_init(struct group *g, uint64_t deadline);

/* Starts fn(arg) as a member; a negative result cancels the group with it. 0, -ENOMEM, -ECANCELED,
 * -EINVAL. */
int group_go(struct group *g, int (*fn)(void *arg), void *arg);

/* Waits until all members have ended, then gives group_error. Not cancelled itself. */
int group_wait(struct group *g);

/* error < 0, or -EINVAL is taken for it. The first error stays. */
void group_cancel(struct group *g, int error);

/* The first negative result, the error of group_cancel, -ETIMEDOUT for the deadline, -ECANCELED
 * when the parent was cancelled; 0. */
int group_error(const struct group *g);

/* The result of a coroutine, for any number of others to wait for. */
struct future {
	struct spinlock lock;
	bool done; /* guarded by lock, as the rest */
	void *result;
	struct wait_queue waiters;
};

int future_start(struct future *f, void *(*fn)(void *arg), void *arg); /* 0, -ENOMEM, -EINVAL */

/* 0, -ETIMEDOUT, -ECANCELED. result may be NULL. */
int future_await(struct future *f, void **result);
int future_await_until(struct future *f, void **result, uint64_t deadline);

/* At most workers coroutines run the tasks; backlog tasks may wait for one. */
struct pool;

struct pool *pool_make(int workers, int backlog); /* NULL with errno EINVAL, ENOMEM */

/* Waits while workers and backlog are full. 0, -ENOMEM, -EINVAL, -ECANCELED; try: -EAGAIN. */
int pool_submit(struct pool *p, go_fn *fn, void *arg);
int pool_try_submit(struct pool *p, go_fn *fn, void *arg);

/* 0, -EINVAL: fewer than 1. */
int pool_resize(struct pool *p, int workers);

/* Runs what was submitted, then ends. NULL: nothing. */
void pool_free(struct pool *p);

/* A generator: a coroutine that is resumed by gen_next, straight, and yields values to it. */
struct gen;

/* NULL with errno EINVAL, ENOMEM. */
struct gen *gen_make(void (*fn)(struct gen *g, void *arg), void *arg, size_t elem_size);

/* The next value. 0; -EPIPE: it has ended; -ECANCELED. elem may be NULL. */
int gen_next(struct gen *g, void *elem);

/* Inside fn: hands a value out and waits for the next gen_next. 0; -ECANCELED: being freed. */
int gen_yield(struct gen *g, const void *elem);

/* Makes gen_yield return -ECANCELED until fn has ended, and waits for that. NULL: nothing. */
void gen_free(struct gen *g);

#ifdef __cplusplus
}
#endif

#endif

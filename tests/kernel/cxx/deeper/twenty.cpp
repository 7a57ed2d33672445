/* What C++20 has in headers for threads, and thread_local: for coroutines. */
#include <vole.h>

#include <atomic>
#include <latch>
#include <memory>

#include "parts.h"

/* ---- Waiting for an atomic: of an int, which has a futex of its own, and of a char ---- */

enum { TURNS = 500 };

template <typename T, int OWN> static void player(void *arg)
{
	auto turn = static_cast<std::atomic<T> *>(arg);

	for (int i = 0; i < TURNS; i++) {
		turn->wait(1 - OWN);
		*turn = 1 - OWN;
		turn->notify_one();
	}
}

template <typename T> static bool game_ends()
{
	std::atomic<T> turn = 0;
	struct waitgroup wg = {};

	waitgroup_go(&wg, player<T, 0>, &turn);
	waitgroup_go(&wg, player<T, 1>, &turn);
	waitgroup_wait(&wg);
	return turn == 0;
}

static void arrive(void *arg)
{
	static_cast<std::latch *>(arg)->count_down();
}

int atomics_wait(void)
{
	std::latch all(10);
	struct waitgroup wg = {};
	int n = 1;

	for (int i = 0; i < 10; i++)
		waitgroup_go(&wg, arrive, &all);
	all.wait();
	waitgroup_wait(&wg);
	std::atomic_ref<int>(n)++;
	return game_ends<int>() && game_ends<char>() && all.try_wait() ? n : 0;
}

/* ---- Objects that each coroutine has of its own ---- */

static std::atomic<int> alive, ended, out_of_order;

struct own {
	own *before;
	int n = 0;
	explicit own(own *before) : before(before)
	{
		alive++;
	}
	~own()
	{
		/* What was made later ends first, and each while the coroutine's variables are there. */
		if (before)
			before->n += n;
		else if (n != 2 * 7)
			out_of_order++;
		alive--;
		ended++;
	}
};

static thread_local own first(nullptr);
static thread_local own second(&first);
static thread_local std::unique_ptr<own> never;

static void use_own(void *)
{
	first.n += 7;
	go_yield();
	second.n += 7;
	go_yield();
}

static void use_none(void *)
{
	go_yield();
}

int ended_objects(int n)
{
	struct waitgroup wg = {};

	for (int i = 0; i < n; i++) {
		waitgroup_go(&wg, use_own, nullptr);
		waitgroup_go(&wg, use_none, nullptr);
	}
	waitgroup_wait(&wg);
	return alive == 0 && out_of_order == 0 ? ended.load() : -1;
}

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <vole.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "parts.h"

static std::atomic<int> made, wrong;

struct slow {
	int ready = 0;
	slow()
	{
		made++;
		time_sleep(NSEC_PER_MSEC);
		ready = 1;
	}
};

static void use(void *)
{
	static slow one;

	wrong += !one.ready;
}

int made_by_many(int n)
{
	struct waitgroup wg = {};

	for (int i = 0; i < n; i++)
		waitgroup_go(&wg, use, nullptr);
	waitgroup_wait(&wg);
	return made * MADE + wrong;
}

struct shape {
	virtual ~shape() = default;
	virtual int value() const = 0;
};

struct number : shape {
	int n;
	explicit number(int n) : n(n)
	{
	}
	int value() const override
	{
		return n;
	}
};

int templates(int n)
{
	std::vector<std::unique_ptr<shape>> all;
	int sum = 0;

	for (int i = 0; i < n; i++)
		all.push_back(std::make_unique<number>(n - i - 1));
	std::sort(all.begin(), all.end(),
		  [](const auto &a, const auto &b) { return a->value() < b->value(); });
	for (int i = 0; i < n; i++)
		sum += all[i]->value() == i ? i : -1;
	auto shared = std::make_shared<number>(sum);
	errno = shared->value();
	return errno;
}

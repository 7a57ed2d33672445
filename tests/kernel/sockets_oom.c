/*
 * Sockets while memory runs out (an image made with BUILD=failing): the same conversation again and
 * again, the first time with its first allocation failing, then the second, until none is left that
 * could. Every call says so, or TCP makes up for what was lost; nothing hangs, nothing stays.
 */
#include "sockets.h"

long runtime_fail_alloc(long n);

static bool may_fail_with(int error)
{
	return error == ENOMEM || error == ENOBUFS || error == ECONNRESET || error == EAGAIN ||
	       error == EINPROGRESS;
}

/* On descriptors that it makes. 0, or the errno of the call that failed. */
static int talk(int *server, int *client, int *accepted)
{
	union address a;
	socklen_t size = loopback(&a, AF_INET, 0);
	char buf[10];

	*server = socket(AF_INET, SOCK_STREAM, 0);
	if (*server < 0 || bind(*server, &a.any, size) || listen(*server, 5))
		return errno;
	set_limit(*server, SO_RCVTIMEO, 1000);
	size = loopback(&a, AF_INET, port_of(*server));
	*client = socket(AF_INET, SOCK_STREAM, 0);
	if (*client < 0)
		return errno;
	set_limit(*client, SO_RCVTIMEO, 1000);
	set_limit(*client, SO_SNDTIMEO, 1000);
	if (connect(*client, &a.any, size))
		return errno;
	*accepted = accept(*server, NULL, NULL);
	if (*accepted < 0)
		return errno;
	set_limit(*accepted, SO_RCVTIMEO, 1000);
	if (write(*client, "question", 8) != 8 || recv(*accepted, buf, 8, MSG_WAITALL) != 8 ||
	    write(*accepted, "answer", 6) != 6 || recv(*client, buf, 6, MSG_WAITALL) != 6)
		return errno;
	return 0;
}

/* With the nth allocation failing; the same. *left: how many more there could be. */
static int try(long n, long *left)
{
	int fds[3] = {-1, -1, -1}, error;

	runtime_fail_alloc(n);
	error = talk(&fds[0], &fds[1], &fds[2]);
	*left = runtime_fail_alloc(-1);
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return error;
}

/* All memory, in blocks of every size, each with the place of the one before. */
static void *take_all(void)
{
	void *last = NULL, **block;

	for (size_t size = 1 << 20; size >= 16; size = size > 4096 ? size / 2 : size - 16)
		while ((block = malloc(size))) {
			*block = last;
			last = block;
		}
	return last;
}

static void give_back(void *block)
{
	for (void *next; block; block = next) {
		next = *(void **)block;
		free(block);
	}
}

/* A connection in TIME-WAIT makes room for a new one, whichever was looked for last. There is memory
 * for what else a socket needs, which is smaller. */
static void test_time_wait(void)
{
	static const size_t smaller[] = {16, 40, 56, 72, 100, 130, 190, 230, 270};
	enum { CLOSED = 40, SIZES = sizeof smaller / sizeof smaller[0], SPARE = 4 * SIZES };
	void *spare[SPARE], *all;
	int fds[2], pair[2], fd;

	go_pin(0);
	connection(AF_INET, pair);
	for (int i = 0; i < CLOSED; i++) {
		connection(AF_INET, fds);
		close_both(fds);
	}
	for (int i = 0; i < SPARE; i++)
		spare[i] = malloc(smaller[i % SIZES]);
	all = take_all();
	for (int i = 0; i < SPARE; i++)
		free(spare[i]);
	shutdown(pair[0], SHUT_WR); /* that is the one that was looked for */
	fd = socket(AF_INET, SOCK_STREAM, 0);
	expect(fd >= 0);
	give_back(all);
	close(fd);
	close_both(pair);
	verdict("without memory, a connection in TIME-WAIT makes room");
}

int main(int argc, char **argv)
{
	struct runtime_stats before, after;
	long left = 0;
	int error, failed = 0, n = 0;

	test_begin(argc, argv, 3);
	expect_eq(try(1000000, &left), 0);
	runtime_stats(&before);
	do {
		error = try(++n, &left);
		failed += error != 0;
		expect(!error || may_fail_with(error));
	} while (error || left <= 0);
	expect(failed > 5);
	expect_eq(try(1000000, &left), 0);
	verdict("one allocation fails, whichever");
	until_alone();
	runtime_stats(&after);
	/* Connections in TIME-WAIT. */
	expect(after.heap_bytes < before.heap_bytes + n * 600);
	verdict("nothing stays");
	test_time_wait();
	return test_end();
}

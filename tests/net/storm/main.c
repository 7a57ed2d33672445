/*
 * storm COUNT [SEED]: forges so many frames, while servers and clients do with their sockets whatever can be
 * done. It ends well when a connection through the loopback works after all of it. In an image made with
 * BUILD=failing allocations fail meanwhile.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <vole.h>

#include "storm.h"

uint8_t our_link_local[16] = {0xfe, 0x80, [8] = 0x50, 0x54, 0, 0xff, 0xfe, 0x12, 0x34, 0x56};
uint8_t host_link_local[16] = {0xfe, 0x80, [8] = 0, 0, 0, 1, 0, 2, 0, 3};

static uint64_t seed;
static _Atomic bool over, looked_up;
static _Atomic unsigned accepted, connected, came, found_names;

uint32_t dice(uint32_t sides)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return sides ? (uint32_t)((seed >> 32) * sides >> 32) : 0;
}

bool chance(uint32_t percent)
{
	return dice(100) < percent;
}

static void limit(int fd, int ms)
{
	struct timeval t = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
}

/* What programs do with a connection, one after the other. */
static void use(int fd)
{
	static _Atomic unsigned turn;
	static const struct linger none = {.l_onoff = 1};
	static char data[20000];
	char buf[3000];
	int on = 1;

	unsigned how = turn++;

	limit(fd, how % 5 ? 300 : 4000);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &on, sizeof on);
	switch (how % 8) {
	case 0: /* reads to the end */
		while (read(fd, buf, sizeof buf) > 0)
			;
		break;
	case 1: /* says much */
		for (int i = 0; i < 20 && write(fd, data, sizeof data) > 0; i++)
			;
		break;
	case 2: /* says little, again and again */
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		for (int i = 0; i < 200 && write(fd, data, (size_t)i) >= 0; i++)
			go_yield();
		break;
	case 3: /* ends its side, then reads */
		write(fd, data, 5000);
		shutdown(fd, SHUT_WR);
		while (read(fd, buf, sizeof buf) > 0)
			;
		break;
	case 4: /* breaks off */
		write(fd, data, 1000);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
		break;
	case 5: /* reads nothing */
		time_sleep(2 * NSEC_PER_SEC);
		break;
	case 6: /* echoes */
		for (ssize_t n; (n = read(fd, buf, sizeof buf)) > 0;)
			write(fd, buf, (size_t)n);
		break;
	case 7: /* hears no more, but says something */
		shutdown(fd, SHUT_RD);
		for (int i = 0; i < 10; i++) {
			write(fd, data, 700);
			time_sleep(20 * NSEC_PER_MSEC);
		}
		break;
	}
}

static void serve(void *arg)
{
	int fd = *(int *)arg;

	use(fd);
	close(fd);
}

static void listener(void *arg)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6,
				   .sin6_port = htons((uint16_t)(uintptr_t)arg)};
	int s = socket(AF_INET6, SOCK_STREAM, 0), fd;

	bind(s, (struct sockaddr *)&any, sizeof any);
	listen(s, 20);
	limit(s, 200);
	while (!over) {
		fd = accept(s, NULL, NULL);
		if (fd < 0)
			time_sleep(NSEC_PER_MSEC);
		accepted += fd >= 0;
		if (fd >= 0 && go_copy(serve, &fd, sizeof fd))
			close(fd);
	}
	close(s);
}

/* A socket to the far end, by both families; some of the addresses are nobody's. */
static int far_end(int type, unsigned turn)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6,
				  .sin6_port = htons((uint16_t)(1000 + turn % 50))};
	struct sockaddr_in to4 = {.sin_family = AF_INET,
				  .sin_port = to.sin6_port,
				  .sin_addr.s_addr = htonl(turn % 3 ? HOST4 : HOST4 + turn % 90)};
	bool six = turn % 2;
	int fd = socket(six ? AF_INET6 : AF_INET, type, 0);

	memcpy(&to.sin6_addr, host_link_local, 16);
	to.sin6_addr.s6_addr[15] = (uint8_t)(turn % 3 ? 3 : turn);
	to.sin6_scope_id = 1;
	limit(fd, 200);
	if (fd >= 0 &&
	    connect(fd, six ? (struct sockaddr *)&to : (struct sockaddr *)&to4,
		    six ? sizeof to : sizeof to4) &&
	    errno != ETIMEDOUT) {
		close(fd);
		return -1;
	}
	return fd;
}

static void dialer(void *arg)
{
	for (unsigned turn = (unsigned)(uintptr_t)arg; !over; turn += 7) {
		int fd = far_end(SOCK_STREAM, turn);

		if (fd >= 0) {
			connected++;
			use(fd);
			close(fd);
		}
		time_sleep(5 * NSEC_PER_MSEC);
	}
}

static void sender(void *arg)
{
	static const size_t sizes[] = {0, 1, 100, 1400, 1473, 4000, 20000, 60000};
	static char data[60000];
	char buf[2000];

	for (unsigned turn = (unsigned)(uintptr_t)arg; !over; turn++) {
		int fd = far_end(SOCK_DGRAM, turn);

		if (fd >= 0) {
			send(fd, data, sizes[turn % 8], 0);
			limit(fd, 10);
			read(fd, buf, sizeof buf);
			close(fd);
		}
		time_sleep(NSEC_PER_MSEC);
	}
}

static void hearer(void *arg)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6,
				   .sin6_port = htons((uint16_t)(uintptr_t)arg)};
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	char buf[2000];

	bind(fd, (struct sockaddr *)&any, sizeof any);
	limit(fd, 200);
	while (!over) {
		struct sockaddr_in6 from;
		socklen_t size = sizeof from;
		ssize_t n = recvfrom(fd, buf, sizeof buf, 0, (struct sockaddr *)&from, &size);

		came += n >= 0;
		if (n < 0)
			time_sleep(NSEC_PER_MSEC);
		if (n > 0)
			sendto(fd, buf, (size_t)n, 0, (struct sockaddr *)&from, size);
	}
	close(fd);
}

static void resolver(void *unused)
{
	char name[] =
		"name.00.example"; /* the C library's own state is no allocation that may fail */

	(void)unused;
	for (unsigned i = 0; !over; i++) {
		struct addrinfo *found, hints = {.ai_family = i % 3 == 0   ? AF_INET
							      : i % 3 == 1 ? AF_INET6
									   : AF_UNSPEC};

		name[5] = (char)('0' + i / 10 % 4);
		name[6] = (char)('0' + i % 10);
		if (!getaddrinfo(name, "80", &hints, &found)) {
			found_names++;
			freeaddrinfo(found);
		}
		looked_up = true;
		time_sleep(NSEC_PER_MSEC);
	}
}

long runtime_fail_alloc(long n) __attribute__((weak));

static void failer(void *unused)
{
	(void)unused;
	for (unsigned i = 1; !over; i = i * 7 % 101) {
		runtime_fail_alloc((long)i);
		time_sleep(NSEC_PER_MSEC / 2);
	}
	runtime_fail_alloc(0);
}

static bool works(void)
{
	struct sockaddr_in here = {.sin_family = AF_INET,
				   .sin_port = htons(82),
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int s = socket(AF_INET, SOCK_STREAM, 0), a = socket(AF_INET, SOCK_STREAM, 0), b;
	char c = 0;

	if (bind(s, (struct sockaddr *)&here, sizeof here) || listen(s, 1) ||
	    connect(a, (struct sockaddr *)&here, sizeof here))
		return false;
	b = accept(s, NULL, NULL);
	return write(a, "!", 1) == 1 && read(b, &c, 1) == 1 && c == '!';
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 100000;
	struct waitgroup wg = {0};
	uint8_t frame[FRAME_MAX];
	size_t size;

	seed = argc > 2 ? strtoull(argv[2], NULL, 0) : time_now();
	printf("seed %llu\n", (unsigned long long)seed);
	close(socket(AF_INET, SOCK_STREAM, 0)); /* starts the network, whose start may not fail */
	waitgroup_go(&wg, listener, (void *)80);
	waitgroup_go(&wg, listener, (void *)81);
	for (uintptr_t i = 0; i < 8; i++) {
		waitgroup_go(&wg, dialer, (void *)i);
		if (i % 3 == 0)
			waitgroup_go(&wg, sender, (void *)i);
	}
	waitgroup_go(&wg, hearer, (void *)9);
	waitgroup_go(&wg, hearer, (void *)80);
	waitgroup_go(&wg, resolver, NULL);
	time_sleep(
		50 *
		NSEC_PER_MSEC); /* the network is up, and each has the C library's state that it needs */
	if (runtime_fail_alloc)
		waitgroup_go(&wg, failer, NULL);
	for (long i = 0; i < count; i++) {
		forge_one();
		while ((size = card_heard(frame)))
			forge_hear(frame, size);
		go_yield();
	}
	over = true;
	waitgroup_wait(&wg);
	printf("%u connections accepted, %u made, %u datagrams came, %u names were found\n",
	       accepted, connected, came, found_names);
	printf("%s\n", works() ? "it works" : "it does not work");
	return 0;
}

/*
 * A coroutine that has sent a datagram looks into the buffer that another receives it into.
 * fault: race
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vole.h>

static struct sockaddr_in place = {.sin_family = AF_INET};
static char answer[8];
static char seen;

static void send_one(void *arg)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	(void)arg;
	(void)sendto(fd, "x", 1, 0, (struct sockaddr *)&place, sizeof place);
	seen = answer[0];
	close(fd);
}

int main(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	place.sin_port = htons(1234);
	place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&place, sizeof place))
		return 1;
	go(send_one, NULL);
	if (recv(fd, answer, sizeof answer, 0) != 1)
		return 2;
	time_sleep(NSEC_PER_SEC);
	return seen && seen != 'x';
}

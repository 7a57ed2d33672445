/*
 * A question in a datagram, which is asked once: as a rule the answer comes within a minute.
 * fault: status
 * with: NET=wire FAULTS=net
 */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <vole.h>

enum { PORT = 7 };

static void answer(void *socket)
{
	struct sockaddr_in from;
	socklen_t size = sizeof from;
	char byte;

	if (recvfrom((int)(intptr_t)socket, &byte, 1, 0, (struct sockaddr *)&from, &size) == 1)
		sendto((int)(intptr_t)socket, &byte, 1, 0, (struct sockaddr *)&from, size);
}

int main(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(PORT)}, peer = any;
	int server = socket(AF_INET, SOCK_DGRAM, 0), client = socket(AF_INET, SOCK_DGRAM, 0);
	struct timeval minute = {.tv_sec = 60};
	char byte = 'a';

	peer.sin_addr.s_addr = inet_addr("10.0.2.2");
	if (bind(server, (struct sockaddr *)&any, sizeof any))
		return 2;
	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof minute);
	go(answer, (void *)(intptr_t)server);
	if (sendto(client, &byte, 1, 0, (struct sockaddr *)&peer, sizeof peer) != 1)
		return 3;
	return recv(client, &byte, 1, 0) != 1;
}

/*
 * A stream over the network card and its wire, both ways at once, frame by frame: what has come is
 * what was sent, however many frames are lost.
 * with: NET=wire FAULTS=net
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vole.h>

enum { PORT = 80, BYTES = 6000, PART = 1500 };

static struct waitgroup done;

static char byte_at(int i)
{
	return (char)(i * 31 + i / 256);
}

static void send_all(void *connection)
{
	char part[PART];

	for (int at = 0; at < BYTES; at += PART) {
		for (int i = 0; i < PART; i++)
			part[i] = byte_at(at + i);
		for (int n = 0; n < PART;) {
			ssize_t sent = write((int)(intptr_t)connection, part + n,
					     (size_t)(PART - n));

			if (sent <= 0)
				runtime_panic("write");
			n += (int)sent;
		}
	}
	shutdown((int)(intptr_t)connection, SHUT_WR);
}

static void receive_all(int connection)
{
	char part[PART];
	ssize_t n;
	int at = 0;

	while ((n = read(connection, part, sizeof part)) > 0)
		for (int i = 0; i < n; i++, at++)
			if (part[i] != byte_at(at))
				runtime_panic("byte %d is wrong", at);
	if (n < 0 || at != BYTES)
		runtime_panic("read %zd after %d bytes", n, at);
}

static void talk(void *connection)
{
	struct waitgroup sent = {0};

	waitgroup_go(&sent, send_all, connection);
	receive_all((int)(intptr_t)connection);
	waitgroup_wait(&sent);
	close((int)(intptr_t)connection);
}

static void serve(void *listener)
{
	talk((void *)(intptr_t)accept((int)(intptr_t)listener, NULL, NULL));
}

int main(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(PORT)}, peer = any;
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);

	peer.sin_addr.s_addr = inet_addr("10.0.2.2");
	if (bind(listener, (struct sockaddr *)&any, sizeof any) || listen(listener, 1))
		return 2;
	waitgroup_go(&done, serve, (void *)(intptr_t)listener);
	if (connect(client, (struct sockaddr *)&peer, sizeof peer))
		return 3;
	talk((void *)(intptr_t)client);
	waitgroup_wait(&done);
	close(listener);
	return 0;
}

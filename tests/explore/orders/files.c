/* A socket is closed while others use it. */
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vole.h>

static int s;

static void user(void *arg)
{
	struct sockaddr_storage address;

	(void)arg;
	for (int i = 0; i < 3; i++) {
		socklen_t size = sizeof address;

		(void)getsockname(s, (struct sockaddr *)&address, &size);
		(void)fcntl(s, F_GETFL);
	}
}

int main(void)
{
	for (int i = 0; i < 3; i++) {
		struct waitgroup all = {0};

		s = socket(AF_INET, SOCK_DGRAM, 0);
		waitgroup_go(&all, user, NULL);
		waitgroup_go(&all, user, NULL);
		go_yield();
		close(s);
		waitgroup_wait(&all);
	}
	return 0;
}

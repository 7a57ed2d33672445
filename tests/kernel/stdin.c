/*
 * Standard input. tests/qemu writes it, and compares what this prints. Several words are done one
 * after the other.
 *	stdin lines	each line in brackets, then "end of file"
 *	stdin sum	how many bytes came, and a sum over them
 *	stdin wait	prints "ticking" when another coroutine has run while main waits for input
 *	stdin scan	the same while it waits in scanf; then the numbers
 *	stdin two	two coroutines share the lines
 *	stdin poll	prints what poll says of standard input and of a socket that echoes it
 *	stdin keys	at a terminal that is raw: each read, in hexadecimal, until q
 *	stdin timed	at a terminal: what VMIN and VTIME do
 *	stdin left	reads from a terminal that it does not set back
 *	stdin signal	waits for Ctrl-C, prints so
 *	stdin tty	what isatty and tcgetattr say
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "test.h"

static void read_lines(const char *who)
{
	char line[300];

	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = '\0';
		printf("%s[%s]\n", who, line);
	}
	printf("%send of file %d\n", who, feof(stdin) != 0);
}

static void sum_all(void)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	long count = 0;
	int c;

	while ((c = getchar()) != EOF) {
		hash = (hash ^ (unsigned)c) * 16777619u;
		count++;
	}
	printf("%ld bytes, sum %08lx\n", count, (unsigned long)hash);
}

static void tick(void *arg)
{
	(void)arg;
	for (int i = 0; i < 20; i++)
		time_sleep(NSEC_PER_MSEC);
	printf("ticking\n");
	fflush(stdout);
}

static void read_nothing(void)
{
	int flags = fcntl(STDIN_FILENO, F_GETFL);
	char byte;

	fcntl(STDIN_FILENO, F_SETFL, flags | O_NONBLOCK);
	errno = 0;
	if (read(STDIN_FILENO, &byte, 1) == -1 && errno == EAGAIN)
		tick(NULL);
	fcntl(STDIN_FILENO, F_SETFL, flags);
}

static struct waitgroup readers;

static void reader(void *arg)
{
	read_lines(arg);
	waitgroup_done(&readers);
}

/* Up to the end of a line, which may come in pieces. */
static ssize_t read_line(char *line, size_t size)
{
	size_t at = 0;
	ssize_t n = 1;

	while (n > 0 && at < size && (at == 0 || line[at - 1] != '\n'))
		if ((n = read(STDIN_FILENO, line + at, size - at)) > 0)
			at += (size_t)n;
	return n < 0 ? n : (ssize_t)at;
}

static void poll_both(void)
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof own;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {fd, POLLIN, 0}};
	char line[100];

	bind(fd, (struct sockaddr *)&own, size);
	getsockname(fd, (struct sockaddr *)&own, &size);
	if (poll(fds, 1, 0) == 0 && poll(fds, 2, 20) == 0)
		go(tick, NULL);
	for (;;) {
		ssize_t n = poll(fds, 2, -1);

		if (fds[1].revents & POLLIN) {
			n = recv(fd, line, sizeof line, 0);
			printf("socket [%.*s]\n", (int)n, line);
		} else if (fds[0].revents & (POLLIN | POLLHUP)) {
			n = read_line(line, sizeof line);
			if (n <= 0)
				break;
			printf("input [%.*s]\n", (int)n - 1, line);
			sendto(fd, line, (size_t)n - 1, 0, (struct sockaddr *)&own, size);
		}
	}
	printf("end of file %d\n", fds[0].revents & (POLLIN | POLLHUP) ? 1 : 0);
}

static struct termios as_it_was;

static void set(bool canonical, int least, int tenths)
{
	struct termios t = as_it_was;

	if (!canonical)
		cfmakeraw(&t);
	t.c_oflag = as_it_was.c_oflag;
	t.c_cc[VMIN] = (cc_t)(canonical ? as_it_was.c_cc[VMIN] : least);
	t.c_cc[VTIME] = (cc_t)(canonical ? as_it_was.c_cc[VTIME] : tenths);
	if (tcsetattr(STDIN_FILENO, TCSANOW, &t) < 0)
		printf("tcsetattr fails\n");
}

static void read_keys(void)
{
	unsigned char key = 0;

	set(false, 1, 0);
	printf("raw\n");
	fflush(stdout);
	while (key != 'q' && read(STDIN_FILENO, &key, 1) == 1) {
		printf("<%02x>", key);
		fflush(stdout);
	}
	set(true, 0, 0);
	printf("\n");
}

static void read_raw(void)
{
	struct termios t = as_it_was;
	char key;

	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &t);
	printf("left\n");
	fflush(stdout);
	read(STDIN_FILENO, &key, 1);
}

static void timed_reads(void)
{
	char bytes[10];
	ssize_t n;

	set(false, 0, 0);
	n = read(STDIN_FILENO, bytes, sizeof bytes);
	set(false, 0, 1);
	n = 10 * n + read(STDIN_FILENO, bytes, sizeof bytes);
	printf("%d without input\n", (int)n);
	set(false, 3, 0);
	printf("three\n");
	fflush(stdout);
	n = read(STDIN_FILENO, bytes, sizeof bytes);
	printf("%d: %.3s\n", (int)n, bytes);
	set(false, 5, 1);
	printf("some\n");
	fflush(stdout);
	n = read(STDIN_FILENO, bytes, sizeof bytes);
	set(true, 0, 0);
	printf("%d: %.1s\n", (int)n, bytes);
}

static volatile sig_atomic_t signalled;

static void on_signal(int sig)
{
	signalled = sig;
}

static void wait_for_signal(void)
{
	signal(SIGINT, on_signal);
	printf("waiting\n");
	fflush(stdout);
	while (signalled != SIGINT)
		time_sleep(NSEC_PER_MSEC);
	signal(SIGINT, SIG_DFL);
	printf("signal\n");
}

static void tell_tty(void)
{
	struct termios t;

	errno = 0;
	printf("%d%d ", isatty(STDIN_FILENO), isatty(STDOUT_FILENO));
	printf("%d ", tcgetattr(STDIN_FILENO, &t) < 0 ? errno == ENOTTY ? 1 : 2 : 0);
	errno = 0;
	printf("%d\n", tcgetattr(77, &t) < 0 && errno == EBADF);
}

static void wait_and_read(void)
{
	go(tick, NULL);
	read_lines("");
}

static void wait_and_scan(void)
{
	int n, a, b;

	go(tick, NULL);
	n = scanf("%d %x", &a, &b);
	printf("%d: %d %x\n", n, a, b);
	ungetc('+', stdin);
	read_lines("");
}

static void try_and_read(void)
{
	read_nothing();
	read_lines("");
}

static void just_read(void)
{
	read_lines("");
}

static void read_by_two(void)
{
	waitgroup_add(&readers, 2);
	go(reader, "a");
	go(reader, "b");
	waitgroup_wait(&readers);
}

static const struct mode {
	const char *name;
	void (*run)(void);
} modes[] = {
	{"lines", just_read},        {"sum", sum_all},      {"wait", wait_and_read},
	{"scan", wait_and_scan},     {"now", try_and_read}, {"two", read_by_two},
	{"poll", poll_both},         {"keys", read_keys},   {"timed", timed_reads},
	{"signal", wait_for_signal}, {"tty", tell_tty},     {"left", read_raw},
};

int main(int argc, char **argv)
{
	tcgetattr(STDIN_FILENO, &as_it_was);
	for (int i = 1; i < argc; i++) {
		printf("ready\n");
		fflush(stdout);
		for (size_t m = 0; m < sizeof modes / sizeof *modes; m++)
			if (strcmp(argv[i], modes[m].name) == 0)
				modes[m].run();
		clearerr(stdin); /* at a terminal there may be more */
	}
	return 0;
}

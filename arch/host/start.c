/*
 * From the beginning of the process to kernel_start. Choices come from the environment, as
 * qemu/run takes them: SMP, MEM, ARGS, FILES, LEAKS, TIMEOUT, DUMP_AFTER; arguments of the process are the
 * program's too.
 */
#include "host.h"

#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BOOT_STACK = 64 * 1024 };

static _Alignas(16) char boot_stack[BOOT_STACK];

int host_main(int argc, char **argv);

_Noreturn void host_die(const char *what)
{
	fprintf(stderr, "vole: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static _Noreturn void refuse_number(const char *name)
{
	fprintf(stderr, "vole: %s=%s: a number above 0 is wanted\n", name, getenv(name));
	_exit(1);
}

size_t host_option_size(const char *name, size_t otherwise)
{
	const char *text = getenv(name);
	char *end;

	if (!text || !*text)
		return otherwise;
	if (!isdigit(*text))
		refuse_number(name);

	size_t size = strtoul(text, &end, 10);

	switch (*end) {
	case 'T':
	case 't':
		size <<= 10; /* fallthrough */
	case 'G':
	case 'g':
		size <<= 10; /* fallthrough */
	case 'M':
	case 'm':
		size <<= 10; /* fallthrough */
	case 'K':
	case 'k':
		size <<= 10;
		end++;
	}
	if (*end || !size)
		refuse_number(name);
	return size;
}

/* The kernel splits it again. What does not fit is refused, as qemu/run does. */
static const char *command_line(int argc, char **argv)
{
	static char line[COMMAND_LINE_SIZE];
	const char *args = getenv("ARGS"), *leaks = getenv("LEAKS"), *name = strrchr(argv[0], '/');
	char stem[64];
	size_t n;

	if (leaks && *leaks && strcmp(leaks, "0") != 0 && strcmp(leaks, "1") != 0) {
		fprintf(stderr, "vole: LEAKS=%s: 0 or 1 is wanted\n", leaks);
		_exit(1);
	}
	snprintf(stem, sizeof stem, "%s", name ? name + 1 : argv[0]);
	if (strchr(stem, '.'))
		*strrchr(stem, '.') = '\0';
	n = (size_t)snprintf(line, sizeof line, "vole.name=\"%s\" %s%s %s", stem,
			     leaks && *leaks ? "vole.leaks=" : "", leaks ? leaks : "",
			     args ? args : "");
	for (int i = 1; i < argc && n < sizeof line; i++) {
		for (char *c = argv[i]; (c = strchr(c, '"'));)
			*c = HOST_QUOTE;
		n += (size_t)snprintf(line + n, sizeof line - n, " \"%s\"", argv[i]);
	}
	if (n >= sizeof line) {
		fprintf(stderr, "vole: the arguments are too long: a command line has %d bytes\n",
			COMMAND_LINE_SIZE - 1);
		_exit(1);
	}
	return line;
}

static void count_cores(void)
{
	cpu_set_t set;
	int has = sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
	size_t n = host_option_size("SMP", (size_t)has);

	machine.ncores = n < MAX_CORES ? (int)n : MAX_CORES;
	machine.ncores_ignored = (int)n - machine.ncores;
	for (int i = 0; i < machine.ncores; i++)
		machine.core_hw_id[i] = (uint64_t)i;
}

/* As 2 or 0.5; without floating point, which the kernel is compiled without. None is no time. */
static struct timespec option_seconds(const char *name)
{
	enum { SECONDS_MAX = 1 << 30 };
	const char *text = getenv(name);
	struct timespec time = {0};

	if (!text || !*text)
		return time;
	for (; isdigit(*text) && time.tv_sec < SECONDS_MAX; text++)
		time.tv_sec = time.tv_sec * 10 + *text - '0';
	if (*text == '.') {
		text++;
		for (long unit = 100 * 1000 * 1000; isdigit(*text); text++, unit /= 10)
			time.tv_nsec += (*text - '0') * unit;
	}
	if (*text || !(time.tv_sec || time.tv_nsec))
		refuse_number(name);
	return time;
}

/* The process gets the signal after as many seconds as the option says. */
static void signal_after(const char *option, int signal)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal};
	struct itimerspec at = {.it_value = option_seconds(option)};
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &at, NULL))
		host_die(option);
}

static void boot(void *unused)
{
	(void)unused;
	kernel_start();
}

int host_main(int argc, char **argv)
{
	host_no_core();
	host_errno_init();
	host_cores_init();
	host_signals_init();
	host_memory_init();
	host_net_init();
	host_files_init();
	count_cores();
	machine.processor = "a process of x86-64 Linux";
	machine.frame_size = host_frame_size();
	machine.sample_every = host_sample_every;
	machine.command_line = command_line(argc, argv);
	signal_after("TIMEOUT", SIGNAL_TIMEOUT);
	signal_after("DUMP_AFTER", SIGNAL_DUMP);
	host_enter(boot_stack + sizeof boot_stack, boot, NULL);
}

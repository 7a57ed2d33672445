/*
 * What a simulated machine does not have, for it would make two runs differ: system calls of Linux, with
 * which a program would have threads and files of the host. Who asks for one ends the process with a line.
 *
 * Linux is told to send SIGSYS for every system call but those of switch.S (seccomp). Where it does not
 * know of that, such a program goes on, and its runs may differ.
 */
#include "sim.h"

enum { SYS_PRCTL = 157, SYS_SECCOMP = 317 };
enum { PR_SET_NO_NEW_PRIVS = 38 };
enum { SECCOMP_SET_MODE_FILTER = 1, SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4 };
enum { SIGSYS = 31, SYS_SECCOMP_CODE = 1 };

/* linux/filter.h, linux/seccomp.h: the words of struct seccomp_data, and instructions on them. */
enum { DATA_ARCH = 4, DATA_PC = 8, DATA_PC_HIGH = 12 };
enum { LOAD = 0x20, IF_EQUAL = 0x15, IF_AT_LEAST = 0x35, RETURN = 0x06 };
#define ARCH_X86_64 0xc000003eu
#define ALLOW       0x7fff0000u
#define TRAP        0x00030000u

struct instruction {
	uint16_t code;
	uint8_t yes, no; /* how many to leave out */
	uint32_t value;
};

extern char sim_calls_begin[], sim_calls_end[];

void sim_refuse_init(void)
{
	const struct instruction filter[] = {
		{LOAD, 0, 0, DATA_ARCH},
		{IF_EQUAL, 0, 6, ARCH_X86_64},
		{LOAD, 0, 0, DATA_PC_HIGH},
		{IF_EQUAL, 0, 4, 0},
		{LOAD, 0, 0, DATA_PC},
		{IF_AT_LEAST, 0, 2, (uint32_t)(uintptr_t)sim_calls_begin},
		{IF_AT_LEAST, 1, 0, (uint32_t)(uintptr_t)sim_calls_end},
		{RETURN, 0, 0, ALLOW},
		{RETURN, 0, 0, TRAP},
	};
	const struct {
		uint16_t n;
		const struct instruction *first;
	} program = {sizeof filter / sizeof *filter, filter};

	sim_call(SYS_PRCTL, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0);
	/* Without the flag some versions of Linux make the process slower. */
	sim_call(SYS_SECCOMP, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
		 (long)&program, 0, 0, 0);
}

bool sim_is_refused(int signal, int code)
{
	return signal == SIGSYS && code == SYS_SECCOMP_CODE;
}

_Noreturn void sim_refused(const char *what, uintptr_t pc)
{
	sim_usage(sim_function_at(pc), ": on a simulated machine there is no ", what);
}

/* Functions that other C libraries have: who calls them says so. */
#define REFUSED(name) \
	void name(void); \
	__attribute__((weak)) void name(void) \
	{ \
		sim_refused("thread or process of the host: " #name, \
			    (uintptr_t)__builtin_return_address(0)); \
	}

REFUSED(pthread_create)
REFUSED(thrd_create)
REFUSED(clone)
REFUSED(fork)
REFUSED(vfork)
REFUSED(syscall)

/*
 * The C library's clocks and sleeps. The machine's clock tells the date to the second, once, before main;
 * from there on it goes with time_now. Where there is none, boot is 1970-01-01.
 */
#include <errno.h>
#include <reent.h>
#include <sched.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include <vole/go.h>
#include <vole/runtime.h>
#include <vole/time.h>

#include "drivers/date.h"
#include "libc/state.h"

/* The date at boot, in ns since 1970; constant once main runs. */
static uint64_t date_at_boot;

void libc_date_init(void)
{
	uint64_t now = date_read() * NSEC_PER_SEC, up = time_now();

	date_at_boot = now > up ? now - up : 0;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *wanted,
		    struct timespec *rest);

static struct timespec timespec_of_ns(uint64_t ns)
{
	return (struct timespec){.tv_sec = (time_t)(ns / NSEC_PER_SEC),
				 .tv_nsec = (long)(ns % NSEC_PER_SEC)};
}

/* False: not a time. */
static bool ns_of_timespec(const struct timespec *ts, uint64_t *ns)
{
	if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= (long)NSEC_PER_SEC)
		return false;
	if (__builtin_mul_overflow((uint64_t)ts->tv_sec, NSEC_PER_SEC, ns) ||
	    __builtin_add_overflow(*ns, (uint64_t)ts->tv_nsec, ns))
		*ns = TIME_NEVER;
	return true;
}

int _gettimeofday_r(struct _reent *r, struct timeval *tv, void *zone)
{
	uint64_t now = date_at_boot + time_now();

	(void)r;
	(void)zone;
	tv->tv_sec = (time_t)(now / NSEC_PER_SEC);
	tv->tv_usec = (suseconds_t)(now % NSEC_PER_SEC / NSEC_PER_USEC);
	return 0;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	return _gettimeofday_r(NULL, tv, zone);
}

/* clock() and times() tell the time since boot: there is one program, and it has the machine. */
_CLOCK_T_ _times_r(struct _reent *r, struct tms *tms)
{
	clock_t now = (clock_t)(time_now() / (NSEC_PER_SEC / CLOCKS_PER_SEC));

	(void)r;
	*tms = (struct tms){.tms_utime = now};
	return now;
}

clock_t times(struct tms *tms)
{
	return _times_r(NULL, tms);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	uint64_t ns = time_now();

	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) {
		errno = EINVAL;
		return -1;
	}
	*now = timespec_of_ns(clock == CLOCK_REALTIME ? date_at_boot + ns : ns);
	return 0;
}

int clock_getres(clockid_t clock, struct timespec *resolution)
{
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) {
		errno = EINVAL;
		return -1;
	}
	if (resolution)
		*resolution = timespec_of_ns(1);
	return 0;
}

/* Returns an errno value, as POSIX has it. */
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *wanted,
		    struct timespec *rest)
{
	uint64_t now = time_now(), ns, deadline;
	int error;

	if ((clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) || !ns_of_timespec(wanted, &ns))
		return EINVAL;
	deadline = ns;
	if ((flags & TIMER_ABSTIME) && clock == CLOCK_REALTIME && ns != TIME_NEVER)
		deadline = ns > date_at_boot ? ns - date_at_boot : 0;
	if (!(flags & TIMER_ABSTIME) && __builtin_add_overflow(now, ns, &deadline))
		deadline = TIME_NEVER;
	error = time_sleep_until(deadline);
	if (error == 0)
		return 0;
	now = time_now();
	if (rest && !(flags & TIMER_ABSTIME))
		*rest = timespec_of_ns(now < deadline ? deadline - now : 0);
	return -error;
}

/* In a member of a cancelled group it fails with ECANCELED. */
int nanosleep(const struct timespec *wanted, struct timespec *rest)
{
	int error = clock_nanosleep(CLOCK_MONOTONIC, 0, wanted, rest);

	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

int usleep(useconds_t us)
{
	int error = time_sleep((uint64_t)us * NSEC_PER_USEC);

	if (error == 0)
		return 0;
	errno = -error;
	return -1;
}

unsigned sleep(unsigned seconds)
{
	uint64_t deadline = time_now() + seconds * NSEC_PER_SEC;

	if (time_sleep_until(deadline) == 0)
		return 0;

	uint64_t now = time_now();

	/* What is left, in seconds begun. */
	return now < deadline ? (unsigned)((deadline - now + NSEC_PER_SEC - 1) / NSEC_PER_SEC) : 0;
}

int sched_yield(void)
{
	go_yield();
	return 0;
}

/* Cores are threads: starting them, interrupting them, stopping them; their clock and timers. */
#include "host.h"

#include <asm/prctl.h>
#include <cpuid.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/core.h"

enum { THREAD_STACK = 256 * 1024 };
#define NSEC          UINT64_C(1000000000)
#define MEASURE_NS    (NSEC / 200)
#define LONGEST_DELAY (3600 * NSEC)

static struct host_core boot_core;
uint64_t host_tsc_mult, host_tsc_origin;
static uint64_t clock_origin;
static pid_t process;
uint64_t sample_period;

struct host_core *host_core_here(void)
{
	return core_here()->arch;
}

/* ---- Time ---- */

/* Not the C library's, which takes more stack. */
static uint64_t monotonic(void)
{
	struct timespec ts;

	host_call(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&ts, 0, 0, 0, 0);
	return (uint64_t)ts.tv_sec * NSEC + (uint64_t)ts.tv_nsec;
}

uint64_t host_slow_clock(void)
{
	return monotonic() - clock_origin;
}

/* Invariant: it counts at one rate, always; then Linux has it the same on all processors. */
static bool tsc_counts_time(void)
{
	uint32_t eax, ebx, ecx, edx;

	return __get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) && edx & 1 << 8;
}

/* A point in time on both clocks, as nearly as possible. */
static void sample(uint64_t *tsc, uint64_t *ns)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 16; i++) {
		uint64_t before = __builtin_ia32_rdtsc(), now = monotonic();
		uint64_t width = __builtin_ia32_rdtsc() - before;

		if (width < best) {
			best = width;
			*tsc = before + width / 2;
			*ns = now;
		}
	}
}

static void clock_init(void)
{
	uint64_t tsc, ns;

	sample(&host_tsc_origin, &clock_origin);
	if (!tsc_counts_time())
		return;
	do
		sample(&tsc, &ns);
	while (ns - clock_origin < MEASURE_NS);
	host_tsc_mult = (uint64_t)(((unsigned __int128)(ns - clock_origin) << 32) /
				   (tsc - host_tsc_origin));
}

/* The deadline is stored first: an interrupt in between then acts on the new one. */
void arch_timer_arm(uint64_t deadline)
{
	struct host_core *h = host_core_here();
	struct itimerspec at = {0};
	int error = thread_errno();

	h->deadline = deadline;
	atomic_signal_fence(memory_order_seq_cst);
	if (deadline != TIME_NEVER) {
		uint64_t now = arch_clock(), delay = deadline > now ? deadline - now : 1;

		if (delay < h->least)
			delay = h->least;
		if (delay > LONGEST_DELAY) /* comes early, and arms the rest */
			delay = LONGEST_DELAY;
		at.it_value.tv_sec = (time_t)(delay / NSEC);
		at.it_value.tv_nsec = (long)(delay % NSEC);
	}
	timer_settime(h->timer, 0, &at, NULL);
	set_thread_errno(error);
}

void host_timer_interrupt(struct host_core *h)
{
	if (h->deadline == TIME_NEVER)
		return; /* disarmed while it was on its way */
	if (arch_clock() < h->deadline) {
		arch_timer_arm(h->deadline);
		return;
	}
	h->deadline = TIME_NEVER;
	irq_timer();
}

/* ---- Samples: by a timer of each thread, whose processor time since the last one they stand for ---- */

static uint64_t processor_time(void)
{
	struct timespec ts;

	host_call(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, (long)&ts, 0, 0, 0, 0);
	return (uint64_t)ts.tv_sec * NSEC + (uint64_t)ts.tv_nsec;
}

/* A thread that has had the processor for less than half of the time waited for something: it is no sample of what runs. */
void host_sample(int signal, siginfo_t *info, void *context)
{
	struct host_core *h = host_core_here();
	uint64_t now = processor_time();

	(void)signal;
	(void)info;
	if (now - h->sampled < sample_period / 2) {
		irq_sample(context, 0);
		return;
	}
	irq_sample(context, now - h->sampled);
	h->sampled = now;
}

static void start_samples(struct host_core *h)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGNAL_SAMPLE};
	struct itimerspec every = {
		.it_interval = {(time_t)(sample_period / NSEC), (long)(sample_period % NSEC)}};

	if (!sample_period)
		return;
	h->sampled = processor_time();
	every.it_value = every.it_interval;
	event._sigev_un._tid = h->thread;
	if ((!h->samples && timer_create(CLOCK_MONOTONIC, &event, &h->sample_timer)) ||
	    timer_settime(h->sample_timer, 0, &every, NULL))
		host_die("timer_create");
	h->samples = true;
}

void host_sample_every(uint64_t ns)
{
	struct host_core *h = host_core_here();

	if (ns) {
		sample_period = ns;
		host_samples_init();
		start_samples(h);
	} else {
		timer_settime(h->sample_timer, 0, &(struct itimerspec){0}, NULL);
	}
}

/* ---- Starting ---- */

/* The calling thread, which is to be a core, gets a stack for signals, and a timer. */
static void thread_init(struct host_core *h)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGNAL_TIMER};

	h->thread = gettid();
	h->signal_stack.ss_size = SIGNAL_STACK;
	h->signal_stack.ss_sp = mmap(NULL, SIGNAL_STACK, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (h->signal_stack.ss_sp == MAP_FAILED || sigaltstack(&h->signal_stack, NULL))
		host_die("a stack for signals");
	event._sigev_un._tid = h->thread;
	if (timer_create(CLOCK_MONOTONIC, &event, &h->timer))
		host_die("timer_create");
	start_samples(h);
}

void arch_bind_core(struct core *core)
{
	struct host_core *h = core->arch ? core->arch : &boot_core;

	core->arch = h;
	core->current = core->scheduler;
	h->deadline = TIME_NEVER;
	h->retry = HOST_RETRY_FIRST;
	if (host_call(SYS_arch_prctl, ARCH_SET_GS, (long)core, 0, 0, 0, 0))
		host_die("arch_prctl");
	thread_init(h);
}

static void on_own_stack(void *arg)
{
	core_start(arg);
}

static void *thread_main(void *arg)
{
	struct core *core = arg;
	struct host_core *h = core->arch;

	arch_bind_core(core);
	/* release: with the acquire in arch_core_start. */
	atomic_store_explicit(&h->up, true, memory_order_release);
	host_enter((void *)core->boot_stack, on_own_stack, core);
}

int arch_core_start(struct core *core)
{
	struct host_core *h = calloc(1, sizeof *h);
	pthread_attr_t attr;
	pthread_t thread;

	if (!h)
		return -ENOMEM;
	core->arch = h;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK);

	int error = pthread_create(&thread, &attr, thread_main, core); /* interrupts are masked */

	pthread_attr_destroy(&attr);
	if (error) {
		free(h);
		return -ENODEV;
	}
	while (!atomic_load_explicit(&h->up, memory_order_acquire))
		host_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	return 0;
}

void host_cores_init(void)
{
	/* For programs, and arch_set_thread_pointer. */
	__asm__ volatile(".globl host_thread_pointer\n\t"
			 ".set host_thread_pointer, %c0"
			 :
			 : "i"(offsetof(struct core, thread_pointer)));
	process = getpid();
	clock_init();
}

/* ---- Interrupting ---- */

static void send(struct core *core, int signal)
{
	struct host_core *h = core->arch;
	int error = thread_errno();

	tgkill(process, h->thread, signal);
	set_thread_errno(error);
}

void arch_send_reschedule(struct core *core)
{
	send(core, SIGNAL_RESCHEDULE);
}

void arch_stop_others(void)
{
	struct core *here = core_here();

	host_stopping = true;
	for (int i = 0; i < core_count(); i++)
		if (cores[i] != here)
			send(cores[i], SIGNAL_STOP);
}

int arch_irq_enable(unsigned irq, bool on)
{
	(void)irq;
	(void)on;
	return -EINVAL;
}

int arch_irq_make_message(uint64_t *address, uint32_t *data)
{
	(void)address;
	(void)data;
	return -ENOTSUP;
}

/* ---- Masking, waiting ---- */

static void mask(int how)
{
	host_call(SYS_rt_sigprocmask, how, (long)&host_interrupts, 0, SIGSET_BYTES, 0, 0);
}

void host_interrupts_off(void)
{
	mask(SIG_BLOCK);
}

void host_interrupts_on(void)
{
	mask(SIG_UNBLOCK);
}

void host_halt(void)
{
	sigset_t none;

	sigemptyset(&none);
	if (sample_period)
		sigaddset(&none, SIGNAL_SAMPLE); /* it would wake the core */
	host_net_halt(&none);
	host_interrupts_on();
}

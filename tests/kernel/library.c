/*
 * The C library where coroutines share it: what is the program's (signal handlers, random numbers,
 * streams), and what a coroutine leaves behind.
 */
#include <fnmatch.h>
#include <libgen.h>
#include <regex.h>
#include <signal.h>
#include <unistd.h>
#include <wchar.h>

#include "test.h"

/* Runs fn in a coroutine of its own, to its end. */
static void in_another(go_fn *fn, void *arg)
{
	struct waitgroup wg = {0};

	expect_eq(waitgroup_go(&wg, fn, arg), 0);
	waitgroup_wait(&wg);
}

/* ---- What is left behind ---- */

static void print_power(void *arg)
{
	char text[64];

	(void)arg;
	snprintf(text, sizeof text, "%.17g", 1.2345e30);
	expect(strncmp(text, "1.2345", 6) == 0);
}

static void print_large(void *arg)
{
	char text[400];

	(void)arg;
	snprintf(text, sizeof text, "%.30Lg", 1.2345e3000L);
}

static void read_power(void *arg)
{
	(void)arg;
	expect(strtod("1.2345678901234567e-30", NULL) > 0);
}

static void test_left_behind(void)
{
	go_fn *const uses[] = {print_power, print_large, read_power};
	struct runtime_stats before, after;

	for (int use = 0; use < 3; use++) {
		for (int i = 0; i < 20; i++)
			in_another(uses[use], NULL);
		runtime_stats(&before);
		for (int i = 0; i < 200; i++)
			in_another(uses[use], NULL);
		runtime_stats(&after);
		expect(after.heap_bytes < before.heap_bytes + 200 * 32);
	}
	verdict("who prints and reads powers of five leaves nothing behind");
}

/* ---- Signals ---- */

static volatile sig_atomic_t last_signal;
static int times;

static void note_signal(int sig)
{
	last_signal = sig;
	times++;
}

static void raise_it(void *arg)
{
	expect_eq(raise((int)(intptr_t)arg), 0);
}

static void handle_it(void *arg)
{
	expect(signal((int)(intptr_t)arg, note_signal) == SIG_DFL);
}

static void test_signals(void)
{
	expect(signal(SIGTERM, note_signal) == SIG_DFL);
	in_another(raise_it, (void *)SIGTERM);
	expect_eq(last_signal, SIGTERM);
	in_another(raise_it, (void *)SIGTERM);
	expect_eq(times, 2);
	in_another(handle_it, (void *)SIGURG);
	raise(SIGURG);
	expect_eq(last_signal, SIGURG);
	expect(signal(SIGTERM, SIG_IGN) == note_signal);
	in_another(raise_it, (void *)SIGTERM);
	expect_eq(times, 3);
	expect(signal(SIGTERM, SIG_DFL) == SIG_IGN);
	errno = 0;
	expect(signal(1000, SIG_IGN) == SIG_ERR && errno == EINVAL);
	verdict("signal handlers are the program's");
}

static void note_core(void *core)
{
	go_pin((int)(intptr_t)core);
	last_signal = runtime_core();
}

/* On the host port the kernel has some of its own, which mean what they meant to it. */
static void test_kernels_signals(void)
{
	static const int signals[] = {SIGUSR1, SIGUSR2, SIGVTALRM, SIGSEGV,
				      SIGBUS,  SIGILL,  SIGFPE,    SIGTRAP};
	static void (*const handlers[])(int) = {SIG_IGN, note_signal, SIG_DFL};

	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		void (*before)(int) = SIG_DFL;

		for (int h = 0; h < 3; h++) {
			times = 0;
			expect(signal(signals[i], handlers[h]) == before);
			before = handlers[h];
			if (before != SIG_DFL)
				expect(raise(signals[i]) == 0 && kill(getpid(), signals[i]) == 0);
			expect_eq(times, before == note_signal ? 2 : 0);
			for (int core = 0; core < runtime_cores(); core++) {
				in_another(note_core, (void *)(intptr_t)core);
				expect_eq(last_signal, core);
			}
			time_sleep(1);
		}
	}
	verdict("those that the kernel may have, too");
}

/* ---- Names, and locks of streams ---- */

static void try_lock(void *result)
{
	*(int *)result = ftrylockfile(stdin);
	if (*(int *)result == 0)
		funlockfile(stdin);
}

static void test_names(void)
{
	static const char *const paths[][3] = {{"/usr/lib", "/usr", "lib"}, {"/usr/", "/", "usr"},
					       {"usr", ".", "usr"},         {"/", "/", "/"},
					       {"///", "/", "/"},           {"", ".", "."},
					       {"a//b//", "a", "b"}};
	char path[20], host[100];
	int result;

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		expect(strcmp(dirname(strcpy(path, paths[i][0])), paths[i][1]) == 0);
		expect(strcmp(basename(strcpy(path, paths[i][0])), paths[i][2]) == 0);
	}
	expect(strcmp(dirname(NULL), ".") == 0 && strcmp(basename(NULL), ".") == 0);
	expect(gethostname(host, sizeof host) == 0 && *host);
	expect(getuid() == geteuid() && getgid() == getegid() && getppid() != getpid());
	flockfile(stdin);
	expect_eq(ftrylockfile(stdin), 0);
	funlockfile(stdin);
	in_another(try_lock, &result);
	expect(result != 0);
	funlockfile(stdin);
	in_another(try_lock, &result);
	expect_eq(result, 0);
	verdict("dirname and basename, who runs where, locks of streams");
}

/* ---- Random numbers ---- */

enum { DRAWS = 8 };

static void draw(void *arg)
{
	long *drawn = arg;

	for (int i = 0; i < DRAWS; i++)
		drawn[i] = rand();
}

static void draw_48(void *arg)
{
	long *drawn = arg;

	for (int i = 0; i < DRAWS; i++)
		drawn[i] = lrand48();
}

static void seed(void *arg)
{
	srand((unsigned)(intptr_t)arg);
	srand48((long)(intptr_t)arg);
}

static void check_sequence(go_fn *draws)
{
	long all[2][DRAWS], again[DRAWS], other[DRAWS];

	seed((void *)20);
	in_another(draws, all[0]);
	in_another(draws, all[1]);
	in_another(seed, (void *)20);
	draws(again);
	seed((void *)21);
	draws(other);
	expect(memcmp(all[0], again, sizeof again) == 0);
	expect(memcmp(all[0], all[1], sizeof again) != 0);
	expect(memcmp(all[0], other, sizeof again) != 0);
}

static void test_sequence(void)
{
	check_sequence(draw);
	check_sequence(draw_48);
	verdict("random numbers are one sequence, with the seed that anybody has set");
}

/* ---- Cancelled members print ---- */

static int printed;

static int say_goodbye(void *arg)
{
	(void)arg;
	int error = time_sleep(NSEC_PER_SEC * 60);

	expect_eq(error, -ECANCELED);
	printed = printf("# a cancelled member says this\n");
	return 0;
}

static void test_cancelled(void)
{
	struct group g;

	group_init(&g, TIME_NEVER);
	group_go(&g, say_goodbye, NULL);
	go_yield();
	printf("# this is begun, ");
	group_cancel(&g, -ECANCELED);
	group_wait(&g);
	printf("and this ends it\n");
	expect_eq(printed, (int)strlen("# a cancelled member says this\n"));
	expect(!ferror(stdout));
	verdict("a cancelled member prints, and loses nothing of others");
}

/* ---- Wide characters ---- */

static void test_wide(void)
{
	char text[20];
	wchar_t wide[20];

	expect_eq(snprintf(text, sizeof text, "<%ls|%.2ls|%lc>", L"wide", L"wide", (wint_t)L'x'),
		  11);
	expect(strcmp(text, "<wide|wi|x>") == 0);
	expect(swprintf(wide, 20, L"%s %d", "narrow", 7) == 8 && wcscmp(wide, L"narrow 7") == 0);
	verdict("printf of wide characters");
}

/* ---- Patterns ---- */

/* What of text the first and the second pair of parentheses match, as "first|second". */
static const char *matched(const char *pattern, int flags, const char *text)
{
	static char result[100];
	regmatch_t at[3];
	regex_t regex;
	int error = regcomp(&regex, pattern, flags);

	if (error)
		return "wrong pattern";
	error = regexec(&regex, text, 3, at, 0);
	if (error == 0)
		snprintf(result, sizeof result, "%.*s|%.*s", (int)(at[1].rm_eo - at[1].rm_so),
			 text + at[1].rm_so, (int)(at[2].rm_eo - at[2].rm_so), text + at[2].rm_so);
	regfree(&regex);
	return error == 0 ? result : error == REG_NOMATCH ? "no match" : "error";
}

static void test_patterns(void)
{
	expect(strcmp(matched("^([a-z]+)=([0-9]{1,3})$", REG_EXTENDED, "size=640"), "size|640") ==
	       0);
	expect(strcmp(matched("^([a-z]+)=([0-9]{1,3})$", REG_EXTENDED, "size=6400"), "no match") ==
	       0);
	expect(strcmp(matched("\\(.\\)\\(\\1*\\)c", 0, "xaaac"), "a|aa") == 0);
	expect(strcmp(matched("([[:upper:]]+)(B)", REG_EXTENDED | REG_ICASE, "1 ab"), "a|b") == 0);
	expect(strcmp(matched("(((", REG_EXTENDED, ""), "wrong pattern") == 0);
	expect(fnmatch("*.[ch]", "fnmatch.c", 0) == 0);
	expect(fnmatch("*.[!ch]", "fnmatch.c", 0) == FNM_NOMATCH);
	expect(fnmatch("/a*", "/a/b", 0) == 0);
	expect(fnmatch("/a*", "/a/b", FNM_PATHNAME) == FNM_NOMATCH);
	expect(fnmatch("*", ".hidden", FNM_PERIOD) == FNM_NOMATCH);
	verdict("regular expressions, and patterns of names");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 8);
	test_left_behind();
	test_signals();
	test_kernels_signals();
	test_names();
	test_sequence();
	test_cancelled();
	test_wide();
	test_patterns();
	return test_end();
}

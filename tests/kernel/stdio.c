/*
 * The C library among many coroutines: whole lines, errno, malloc, mathematics, static buffers.
 * tests/run looks at each line that begins with "line ": its length, and a sum over it.
 */
#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

static struct waitgroup all;

static void start(go_fn *fn, int n)
{
	waitgroup_add(&all, n);
	for (intptr_t i = 0; i < n; i++)
		expect_eq(go(fn, (void *)(i + 1)), 0);
	waitgroup_wait(&all);
}

/* ---- Whole lines ---- */

static void print_lines(void *arg)
{
	int me = (int)(intptr_t)arg;
	uint32_t random = (uint32_t)me * 2654435761u | 1;
	char text[2200];

	for (int n = 0; n < 2; n++) {
		int length = (int)(test_random(&random) % 60);
		unsigned sum = 0;
		if (me % 100 == 0)
			length = 1500 + (int)(test_random(&random) % 600);
		for (int i = 0; i < length; i++) {
			text[i] = (char)('!' + test_random(&random) % 90);
			sum += (unsigned char)text[i];
		}
		text[length] = '\0';
		printf("line %d %d %d %u %s\n", me, n, length, sum, text);
	}
	waitgroup_done(&all);
}

static void put_lines(void *arg)
{
	int me = (int)(intptr_t)arg;
	char text[100];

	/* The sum of 30 times 'x' is 3600. */
	snprintf(text, sizeof text, "line %d 2 30 3600 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", me);
	puts(text);
	snprintf(text, sizeof text, "line %d 3 30 3600 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n", me);
	fwrite(text, 1, strlen(text), stdout);
	fprintf(stderr, "line %d 4 30 3600 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n", me);
	/* Beside standard error, by a descriptor. */
	snprintf(text, sizeof text, "line %d 5 30 3600 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n", me);
	expect_eq(write(STDOUT_FILENO, text, strlen(text)), (ssize_t)strlen(text));
	waitgroup_done(&all);
}

/* ---- errno ---- */

static void keep_errno(void *arg)
{
	int mine = (int)(intptr_t)arg;

	for (int i = 0; i < amount(10); i++) {
		errno = mine;
		if (i % 3 == 0)
			go_yield();
		else if (i % 3 == 1)
			time_sleep(10 * NSEC_PER_USEC);
		else
			spin_ns(20 * NSEC_PER_USEC);
		if (errno != mine) {
			expect_eq(errno, mine);
			break;
		}
	}
	errno = 0;
	if (strtol("99999999999999999999999", NULL, 10) > 0)
		expect_eq(errno, ERANGE);
	waitgroup_done(&all);
}

/* ---- malloc ---- */

struct block {
	uint32_t size, seed;
	unsigned char bytes[];
};

static struct chan *blocks;

static struct block *make_block(uint32_t *random)
{
	uint32_t size = test_random(random) % 32 ? test_random(random) % 600
						 : test_random(random) % 60000;
	struct block *b = malloc(sizeof *b + size);

	if (b == NULL)
		return NULL;
	expect_eq((uintptr_t)b % 16, 0);
	b->size = size;
	b->seed = test_random(random);
	memset(b->bytes, (int)b->seed, size);
	return b;
}

static void free_block(struct block *b)
{
	for (uint32_t i = 0; i < b->size; i++)
		if (b->bytes[i] != (unsigned char)b->seed) {
			expect_eq(b->bytes[i], (unsigned char)b->seed);
			break;
		}
	free(b);
}

static void allocate(void *arg)
{
	uint32_t random = (uint32_t)(uintptr_t)arg * 40503;
	struct block *held[8] = {0}, *other;

	for (int i = 0; i < amount(150); i++) {
		struct block **slot = &held[test_random(&random) % 8];
		if (*slot == NULL) {
			*slot = make_block(&random);
			expect(*slot != NULL);
		} else if (test_random(&random) % 4 == 0) {
			struct block *grown = realloc(*slot, sizeof *grown + (*slot)->size + 1000);
			expect(grown != NULL);
			*slot = grown;
		} else if (chan_try_send(blocks, slot) == 0) {
			*slot = NULL; /* somebody else frees it */
		} else {
			free_block(*slot);
			*slot = NULL;
		}
		if (chan_try_recv(blocks, &other) == 0)
			free_block(other);
	}
	for (int i = 0; i < 8; i++)
		if (held[i])
			free_block(held[i]);
	unsigned char *zeroed = calloc(37, 11);
	for (int i = 0; i < 37 * 11; i++)
		expect_eq(zeroed[i], 0);
	free(zeroed);
	waitgroup_done(&all);
}

static void test_malloc(void)
{
	struct runtime_stats before, after;
	struct block *b;

	runtime_stats(&before);
	blocks = chan_of(struct block *, 16);
	start(allocate, 60);
	while (chan_try_recv(blocks, &b) == 0)
		free_block(b);
	chan_free(blocks);
	until_alone();
	runtime_stats(&after);
	verdict("malloc, realloc and free among many");
	check(after.heap_bytes < before.heap_bytes + 64 * 1024, "everything freed is given back");

	errno = 0;
	void *volatile huge = malloc((size_t)1 << 46);
	expect(huge == NULL && errno == ENOMEM);
	errno = 0;
	volatile size_t half = SIZE_MAX / 2;
	huge = calloc(half, 3);
	expect(huge == NULL && errno == ENOMEM);
	huge = aligned_alloc(4096, 8192);
	expect(huge != NULL && (uintptr_t)huge % 4096 == 0);
	free(huge);
	for (int i = 0; i < 20; i++) {
		huge = malloc(20 * 1024 * 1024);
		expect(huge != NULL);
		free(huge);
	}
	verdict("malloc: too much is NULL with ENOMEM, large blocks come back");
}

/* ---- Mathematics, the same on every core at every time ---- */

static double mathematics(int seed)
{
	double x = 0.001 * seed, sum = 0;

	for (int i = 1; i < 40; i++) {
		sum += sin(x * i) * cos(x + i) + exp(-x * i) + sqrt(x * i) + log(1 + x * i);
		sum += pow(1.0 + x, 0.5) + atan2(x, i) + fmod(100.0 * x, 7.0);
	}
	return sum;
}

static double expected[64];

static void compute(void *arg)
{
	int seed = (int)(intptr_t)arg % 64;
	char text[40], wanted[40];

	for (int i = 0; i < amount(4); i++)
		expect(mathematics(seed) == expected[seed]);
	snprintf(text, sizeof text, "%.17g", mathematics(seed));
	snprintf(wanted, sizeof wanted, "%.17g", expected[seed]);
	expect(strcmp(text, wanted) == 0);
	expect(strtod(text, NULL) == expected[seed]);
	waitgroup_done(&all);
}

static void test_mathematics(void)
{
	uint64_t old = runtime_set_quantum(0);

	for (int i = 0; i < 64; i++)
		expected[i] = mathematics(i);
	runtime_set_quantum(20 * NSEC_PER_USEC);
	start(compute, 100);
	runtime_set_quantum(old);
	verdict("floating point is right in many coroutines, quantum 20 us");
}

/* ---- Functions with state of their own ---- */

static void stateful(void *arg)
{
	int me = (int)(intptr_t)arg, words = 0;
	char text[64], *last;
	time_t when = 86400 * (time_t)me;

	snprintf(text, sizeof text, "a%d b%d c%d", me, me, me);
	for (char *w = strtok_r(text, " ", &last); w; w = strtok_r(NULL, " ", &last)) {
		expect_eq(atoi(w + 1), me);
		words++;
		go_yield();
	}
	expect_eq(words, 3);
	snprintf(text, sizeof text, "x y z");
	words = 0;
	for (char *w = strtok(text, " "); w; w = strtok(NULL, " ")) {
		words++;
		go_yield();
	}
	expect_eq(words, 3); /* strtok's place is the coroutine's own */
	struct tm tm, *shared = localtime(&when);
	expect(shared != NULL);
	expect(gmtime_r(&when, &tm) != NULL);
	expect_eq(tm.tm_yday, me % 365);
	expect(strftime(text, sizeof text, "%Y-%m-%d", &tm) == 10);
	expect(strlen(strerror(ENOENT)) > 0);
	expect(asctime(&tm) != NULL);
	expect(localeconv() != NULL && toupper('a') == 'A');
	waitgroup_done(&all);
}

static int compare_ints(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void sort(void *arg)
{
	uint32_t random = (uint32_t)(uintptr_t)arg;
	int numbers[200];

	for (int i = 0; i < 200; i++)
		numbers[i] = (int)(test_random(&random) % 1000);
	qsort(numbers, 200, sizeof numbers[0], compare_ints);
	for (int i = 1; i < 200; i++)
		expect(numbers[i - 1] <= numbers[i]);
	waitgroup_done(&all);
}

static void test_formats(void)
{
	char text[200];
	int a, b;

	snprintf(text, sizeof text, "%d %5.2f %s %c %x %lld %zu %p|%-5d|%05d|%e|%g", -5, 3.14159,
		 "s", 'c', 255, 1ll << 40, (size_t)7, (void *)0x10, 3, 42, 12345.678, 0.0001);
	expect(strcmp(text,
		      "-5  3.14 s c ff 1099511627776 7 0x10|3    |00042|1.234568e+04|0.0001") == 0);
	expect_eq(sscanf("17 0x1f", "%d %i", &a, &b), 2);
	expect(a == 17 && b == 31);
	verdict("printf and scanf formats");
}

/* ---- Long numbers, in slices that are hardly longer than an interrupt ---- */

enum { NUMBERS = 8, NUMBER_TEXT = 120 };
static char printed[NUMBERS][NUMBER_TEXT];

static double number(int i)
{
	return ldexp(1.0 / 3, i * 290 - 1020);
}

static void print_number(char *text, int i)
{
	snprintf(text, NUMBER_TEXT, "%.16e %.40Lg", number(i), (long double)number(i) * 7);
}

static void print_numbers(void *arg)
{
	char text[NUMBER_TEXT];

	for (int n = 0; n < 2 * NUMBERS; n++) {
		int i = (n + (int)(intptr_t)arg) % NUMBERS;

		print_number(text, i);
		expect(strcmp(text, printed[i]) == 0);
		expect(strtod(text, NULL) == number(i));
	}
	waitgroup_done(&all);
}

static void test_numbers(void)
{
	for (int i = 0; i < NUMBERS; i++)
		print_number(printed[i], i);

	uint64_t old = runtime_set_quantum(10 * NSEC_PER_USEC);

	start(print_numbers, 12);
	runtime_set_quantum(old);
	verdict("long numbers are printed and read in slices of 10 us");
}

/* There are some with ARCH=host. */
int pipe(int ends[2]) __attribute__((weak));

static int ends[2];
static size_t taken;

static void take_all(void *unused)
{
	char bytes[3000];
	ssize_t n;

	(void)unused;
	while ((n = read(ends[0], bytes, sizeof bytes)) > 0)
		for (ssize_t i = 0; i < n; i++)
			taken += bytes[i] == (char)(taken % 251);
}

static void test_pipe(void)
{
	enum { MUCH = 300000 };
	struct waitgroup reader = {0};
	char *bytes = malloc(MUCH);

	if (pipe && !pipe(ends)) {
		for (size_t i = 0; i < MUCH; i++)
			bytes[i] = (char)(i % 251);
		/* All on one core: who writes waits for who reads. */
		go_pin(0);
		waitgroup_go(&reader, take_all, NULL);
		expect_eq(write(ends[1], bytes, MUCH), MUCH);
		expect_eq(write(ends[1], bytes, 0), 0);
		close(ends[1]);
		waitgroup_wait(&reader);
		expect_eq(taken, MUCH);
		close(ends[0]);
		go_pin(-1);
	}
	free(bytes);
	verdict("a pipe that is full keeps no core");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 11);
	uint64_t old = runtime_set_quantum(100 * NSEC_PER_USEC);
	start(print_lines, 1000);
	start(put_lines, 200);
	check(true, "lines are printed (the runner looks at each)");
	start(keep_errno, 100);
	verdict("errno is the coroutine's own");
	test_malloc();
	runtime_set_quantum(old);
	test_mathematics();
	start(stateful, 100);
	verdict("strtok, localtime, strftime, strerror");
	start(sort, 30);
	verdict("qsort");
	test_formats();
	test_numbers();
	test_pipe();
	return test_end();
}

/*
 * Coroutines call functions of the C library with memory that is beside another's, on the stack and in blocks, and
 * print through the same streams.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vole.h>

enum { SIZE = 12, NUMBERS = 4 };

static char texts[NUMBERS][SIZE];
static int numbers[2 * NUMBERS];

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void use(void *arg)
{
	int i = (int)(uintptr_t)arg;
	char *text = texts[i], *copy, *end, none[1];

	if (snprintf(none, sizeof none, "%d", 12345) != 5 || snprintf(NULL, 0, "%s", "text") != 4)
		runtime_panic("wrong length");
	snprintf(text, SIZE, "%d and more than fits", i);
	copy = strdup(text);
	end = stpcpy(copy, "ab");
	strcpy(end, "cd");
	strncat(copy, "efgh", 2);
	strncpy(text, copy, SIZE);
	if (strlen(text) != 6 || strcmp(text, "abcdef") != 0 || memcmp(text, copy, 7) != 0 ||
	    strchr(text, 'c') != text + 2 || memchr(text, 'f', SIZE) != text + 5)
		runtime_panic("wrong text");
	free(copy);
	if (asprintf(&copy, "%s %d", text, i) != 8)
		runtime_panic("wrong length");
	printf("%s\n", copy);
	fwrite(copy, 1, 8, stdout);
	free(copy);
	numbers[2 * i] = 2;
	numbers[2 * i + 1] = 1;
	qsort(numbers + 2 * i, 2, sizeof *numbers, compare);
}

int main(void)
{
	struct waitgroup wg = {0};

	for (uintptr_t i = 0; i < NUMBERS; i++)
		waitgroup_go(&wg, use, (void *)i);
	waitgroup_wait(&wg);
	return numbers[0] == 1 && numbers[2 * NUMBERS - 1] == 2 ? 0 : 1;
}

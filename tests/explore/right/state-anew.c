/*
 * Coroutines that nothing orders come and go in the same memory, and each has errno, thread-local variables and
 * what strtok keeps for itself.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <vole.h>

static _Thread_local int own[4];

static void use(void *arg)
{
	int number = (int)(uintptr_t)arg;
	char text[] = "one two";

	errno = number;
	for (int i = 0; i < 4; i++) {
		if (own[i])
			runtime_panic("another's variable");
		own[i] = number;
	}
	if (strcmp(strtok(text, " "), "one") != 0)
		runtime_panic("another's text");
	go_yield();
	printf("%d\n", number);
	if (strcmp(strtok(NULL, " "), "two") != 0 || errno != number || own[3] != number)
		runtime_panic("changed by another");
}

int main(void)
{
	for (uintptr_t i = 1; i < 8; i++) {
		go(use, (void *)i);
		if (i % 2)
			time_sleep(20 * NSEC_PER_USEC);
	}
	time_sleep(NSEC_PER_SEC);
	return 0;
}

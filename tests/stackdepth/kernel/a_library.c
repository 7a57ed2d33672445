/* Comes first by its name, and its weak functions give way to those of once.c. */
#include <vole.h>

extern volatile int sink;

__attribute__((weak)) void hook(void)
{
	sink++;
}

void calls_weak(void *arg)
{
	(void)arg;
	hook();
}

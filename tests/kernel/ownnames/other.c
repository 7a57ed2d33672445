#include "other.h"

int page_alloc(int n)
{
	return n + cores;
}

int kill(int n)
{
	return n + smp;
}

int accept(int n)
{
	return n - smp;
}

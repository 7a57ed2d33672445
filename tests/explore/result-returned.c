/*
 * A function leaves the address of its local text where others find it.
 * fault: memory
 */
#include <string.h>
#include <vole.h>

static char *volatile name;

static __attribute__((noinline)) void make_name(void)
{
	char text[16];

	strcpy(text, "a name");
	name = text;
}

int main(void)
{
	char copy[16];

	make_name();
	memcpy(copy, name, sizeof copy);
	return copy[0] == '\n';
}

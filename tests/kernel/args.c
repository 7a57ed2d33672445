/* Prints its arguments, each in brackets. */
#include <stdio.h>

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		printf("[%s]", argv[i]);
	printf(" %d %s\n", argc, argv[argc] == NULL ? "NULL" : "?");
	printf("argv[0] is %s\n", argv[0]);
	return 0;
}

/*
 * A long line comes in, faster than it is read: all of it is read, in order.
 * with: INPUT=tests/explore/orders/numbers.txt
 */
#include <ctype.h>
#include <unistd.h>
#include <vole.h>

enum { NUMBERS = 2500, PART = 700, PAUSE_EVERY = 3 };

int main(void)
{
	char part[PART];
	int number = 0, before = 0;
	ssize_t n;

	go_pin(1); /* the port interrupts the other core */
	for (int reads = 1; (n = read(STDIN_FILENO, part, sizeof part)) > 0; reads++) {
		for (int i = 0; i < n; i++) {
			if (isdigit((unsigned char)part[i])) {
				number = number * 10 + part[i] - '0';
				continue;
			}
			if (number != before + 1)
				runtime_panic("%d follows %d", number, before);
			before = number;
			number = 0;
		}
		if (reads % PAUSE_EVERY == 0)
			time_sleep(NSEC_PER_MSEC);
	}
	return n < 0 || before != NUMBERS;
}

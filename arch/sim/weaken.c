/*
 * WEAKEN=: at one place of the sources an atomic operation has a weaker order than is written there, to
 * see that it is missed. tools/orders.py makes addresses of a place: where the calls of access.c
 * return to, in hexadecimal, behind: the order that is written, what it is in its place, and whether it is
 * that of the operation (1), of a comparison that fails (2), or both (3), as in 5:4:3:4010f0:4022aa.
 *
 * WEAKEN=list changes nothing; at the end of the run each address that was come to is told.
 */
#include "sim.h"

enum { MOST = 4096 };

bool sim_weakens;
static bool lists;
static int written, instead;
static unsigned which;
static uintptr_t at[MOST]; /* an open table, by the address */

static bool find(uintptr_t place, uintptr_t **entry)
{
	size_t i = place % MOST;

	while (at[i] && at[i] != place)
		i = (i + 1) % MOST;
	*entry = &at[i];
	return at[i] == place;
}

static void add(uintptr_t place)
{
	static int n;
	uintptr_t *entry;

	if (find(place, &entry))
		return;
	if (++n == MOST)
		sim_usage("WEAKEN", ": too many addresses", "");
	*entry = place;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void sim_weaken(const char *text)
{
	const char *list = "list", *c = text;
	uintptr_t number[3] = {0};
	int i = 0;

	if (!*text)
		return;
	while (*list && *c == *list)
		c++, list++;
	sim_weakens = true;
	lists = !*list && !*c;
	if (lists)
		return;
	for (c = text; *c; c++) {
		uintptr_t value = 0;

		for (; digit(*c) >= 0; c++)
			value = value * 16 + (uintptr_t)digit(*c);
		if (i < 3)
			number[i++] = value;
		else
			add(value);
		if (*c != ':')
			break;
	}
	if (*c || i < 3)
		sim_usage("WEAKEN", ": addresses are wanted, as tools/orders.py has them, not ",
			  text);
	written = (int)number[0];
	instead = (int)number[1];
	which = (unsigned)number[2];
}

int sim_weakened(int order, unsigned of, const void *place)
{
	uintptr_t *entry;

	if (lists)
		add((uintptr_t)place);
	if (lists || order != written || !(of & which) || !find((uintptr_t)place, &entry))
		return order;
	sim_decide_soon();
	return instead;
}

void sim_weaken_end(void)
{
	for (int i = 0; lists && i < MOST; i++)
		if (at[i]) {
			sim_put(2, "atomic: ");
			sim_put_number(2, at[i], 16);
			sim_put(2, "\n");
		}
}

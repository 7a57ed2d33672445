/*
 * The knot of a deadlock: the coroutines that wait for each other, where others only wait behind them. It is a
 * strongly connected part of the graph of ways.h.
 *
 * Who waits has a pointer to what it waits for. So those that wait for the same are no knot.
 */
#include "debug/knot.h"

#include <string.h>

#include "debug/print.h"
#include "debug/ways.h"
#include "debug/who.h"

enum { LINES = 20 };

static struct {
	uint32_t *part; /* by a node's number: see below */
	struct step *steps;
	size_t nodes;
} knot;

/* ---- Parts that are connected: Pearce, "A Space-Efficient Algorithm for Finding Strongly Connected
 * Components" (2016). part[] is 0 for what has not been visited; then the lowest number, in the order of
 * visits, that is known to be reached; at the end NO_KNOT, or the knot's. ---- */

enum { NO_KNOT = 0x80000000, FIRST_KNOT };

static uint32_t visited, knots;
/* Those on the way, from below; and those that wait until their part is complete, from above. */
static size_t below, above;

static void visit_node(const struct node *node)
{
	knot.steps[below++] = (struct step){.node = *node, .first = true};
	knot.part[node->number] = ++visited;
}

/* The nodes of a part are steps[from..to): the number that it gets. Where all coroutines wait for the same
 * things, it is no knot. */
static uint32_t judge_part(size_t from, size_t to)
{
	size_t cos = 0, things = 0, waits = 0;

	for (size_t i = from; i < to; i++) {
		const struct node *node = &knot.steps[i].node;
		struct node its;

		cos += node->kind == REACH_CO;
		if (node->kind != THING)
			continue;
		things++;
		/* Those that wait are of this part, or of one that was complete before. */
		for (uint32_t way = 0; ways_next_waiter(&its, node->at, &way);)
			waits += knot.part[its.number] < NO_KNOT;
	}
	return cos < 2 || waits == cos * things ? NO_KNOT : FIRST_KNOT + knots++;
}

/* All that is reached from steps[below - 1] has been visited. */
static void leave_node(void)
{
	struct step step = knot.steps[--below];
	uint32_t lowest = knot.part[step.node.number], number;
	size_t end = above;

	knot.steps[--above] = step;
	if (!step.first)
		return;
	while (end < knot.nodes && knot.part[knot.steps[end].node.number] >= lowest)
		end++;
	number = judge_part(above, end);
	for (; above < end; above++, visited--)
		knot.part[knot.steps[above].node.number] = number;
}

static void see_part(struct step *step, uint32_t part)
{
	if (part < knot.part[step->node.number]) {
		knot.part[step->node.number] = part;
		step->first = false;
	}
}

static void connect_from(const struct node *root)
{
	struct node node;

	below = 0;
	above = knot.nodes;
	visit_node(root);
	while (below) {
		struct step *step = &knot.steps[below - 1];

		if (ways_next(step, &node)) {
			if (!knot.part[node.number])
				visit_node(&node);
			else
				see_part(step, knot.part[node.number]);
		} else {
			uint32_t part = knot.part[step->node.number];

			leave_node();
			if (below && knot.part[step->node.number] < NO_KNOT)
				see_part(&knot.steps[below - 1], part);
		}
	}
}

/* ---- What is printed ---- */

static uint32_t part_of(const struct co *co)
{
	struct node node;

	return ways_co_node(&node, co) ? knot.part[node.number] : NO_KNOT;
}

/* from leads to what co waits for, and it does not wait for that itself: by few blocks, in at most *ways. */
static bool leads_to(const struct co *from, const struct co *co, size_t *ways)
{
	enum { DEEP = 4 };
	struct step steps[DEEP] = {0};
	int n = ways_co_node(&steps[0].node, from);
	struct node node;

	for (; n && *ways; --*ways) {
		if (!ways_next(&steps[n - 1], &node))
			n--;
		else if (node.kind == THING && ways_waits(co, node.at) &&
			 !ways_waits(from, node.at))
			return true;
		else if (node.kind == REACH_BLOCK && n < DEEP)
			steps[n++] = (struct step){.node = node};
	}
	return false;
}

/* One of the same part as co, which leads to what co waits for; NULL: the way is too long. */
static const struct co *keeper_of(const struct co *co)
{
	uint32_t part = part_of(co);
	size_t ways = 200000;

	for (size_t i = 0; i < ways_count() && ways; i++)
		if (ways_co(i) != co && part_of(ways_co(i)) == part &&
		    leads_to(ways_co(i), co, &ways))
			return ways_co(i);
	return NULL;
}

static void print_member(const struct co *co)
{
	const struct co *other = ways_holder(co);
	const char *how = "held by";

	print("%lu \"%s\" waits for %s", co->id, co_name(co), wait_reason_names[co->wait_reason]);
	if (co->wait_object)
		print(" %p", co->wait_object);
	if (!other) {
		other = keeper_of(co);
		how = "reached by";
	}
	if (other)
		print(" %s %lu \"%s\"", how, other->id, co_name(other));
	print("\n");
}

/* From the coroutine with index first on, which is in the knot; how many there are. */
static size_t print_knot(size_t first, size_t *lines)
{
	uint32_t part = part_of(ways_co(first));
	size_t n = 0, printed = 0;

	for (size_t i = first; i < ways_count(); i++)
		n += part_of(ways_co(i)) == part;
	print("knot: %zu coroutines wait for each other:\n", n);
	for (size_t i = first; i < ways_count() && *lines && printed < n; i++)
		if (part_of(ways_co(i)) == part) {
			print_member(ways_co(i));
			printed++;
			--*lines;
		}
	if (printed < n)
		print("and %zu more\n", n - printed);
	return n;
}

static bool printed_before(size_t i)
{
	uint32_t part = part_of(ways_co(i));

	for (size_t k = 0; k < i; k++)
		if (part_of(ways_co(k)) == part)
			return true;
	return false;
}

static void print_knots(void)
{
	size_t lines = LINES, told = 0, members = 0, all = 0;

	for (size_t i = 0; i < ways_count(); i++) {
		all += part_of(ways_co(i)) >= FIRST_KNOT;
		if (part_of(ways_co(i)) < FIRST_KNOT || !lines || printed_before(i))
			continue;
		members += print_knot(i, &lines);
		told++;
	}
	if (told < knots)
		print("and %zu more knot%s, with %zu coroutines\n", (size_t)knots - told,
		      knots - told == 1 ? "" : "s", all - members);
}

/* How much it takes is in *bytes. */
static bool begin_knot(size_t *bytes)
{
	if (!ways_begin(sizeof(*knot.part) + sizeof(*knot.steps), bytes))
		return false;
	knot.nodes = ways_nodes();
	knot.part = reach_memory(knot.nodes * sizeof(*knot.part));
	knot.steps = reach_memory(knot.nodes * sizeof(*knot.steps));
	if (!knot.part || !knot.steps)
		return false;
	memset(knot.part, 0, knot.nodes * sizeof(*knot.part));
	return true;
}

void knot_print(void)
{
	size_t bytes;

	if (!begin_knot(&bytes)) {
		print("\nknot: no memory to look for it: it takes %zu KB\n", bytes / 1024 + 1);
		return;
	}
	for (size_t i = 0; i < ways_count(); i++) {
		struct node node;

		if (ways_co_node(&node, ways_co(i)) && !knot.part[node.number])
			connect_from(&node);
	}
	if (knots) {
		print("\n");
		print_knots();
	}
}

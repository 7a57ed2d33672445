/*
 * What waits is found twice: the lists are counted, then filled. Nothing changes in between, for this is a panic.
 */
#include "debug/ways.h"

#include "debug/who.h"
#include "kernel/sched.h"
#include "sync/chan.h"
#include "sync/held.h"

/* A pointer to what is in front of a thing leads to it: they may be of one struct. */
enum { NEAR = 64 };

/* In lists by key, then by value. */
struct entry {
	uintptr_t key, value;
};

struct list {
	struct entry *entry;
	size_t count;
};

enum phase { HELD, INSIDE, WORDS };

/* The value of the first entry of a thing has this when its holder is known. */
enum { HOLDER_KNOWN = 1 };

static struct {
	struct list cos;   /* id: struct co, of all that wait */
	struct list waits; /* thing: struct co that waits for it */
	struct list held;  /* struct co: index in waits of a thing that it holds */
} ways;

extern char __init_array_start[], _edata[], __bss_start[], _end[];

/* ---- Lists ---- */

static bool entry_before(const struct entry *a, const struct entry *b)
{
	return a->key != b->key ? a->key < b->key : a->value < b->value;
}

static void sort_entries(struct list *list)
{
	static const size_t gaps[] = {2147483, 954437, 412859, 183493, 81552, 36245,
				      16109,   7159,   3182,   1414,   701,   301,
				      132,     57,     23,     10,     4,     1};

	for (size_t g = 0; g < sizeof(gaps) / sizeof(gaps[0]); g++)
		for (size_t i = gaps[g]; i < list->count; i++) {
			struct entry entry = list->entry[i];
			size_t k = i;

			for (; k >= gaps[g] && entry_before(&entry, &list->entry[k - gaps[g]]);
			     k -= gaps[g])
				list->entry[k] = list->entry[k - gaps[g]];
			list->entry[k] = entry;
		}
}

/* The index of the first entry that is not before this one. */
static size_t find_pair(const struct list *list, uintptr_t key, uintptr_t value)
{
	const struct entry entry = {key, value};
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (entry_before(&list->entry[middle], &entry))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static size_t find_entry(const struct list *list, uintptr_t key)
{
	return find_pair(list, key, 0);
}

static void put_entry(struct list *list, uintptr_t key, uintptr_t value)
{
	if (list->entry)
		list->entry[list->count] = (struct entry){key, value};
	list->count++;
}

/* ---- Who waits for what ---- */

__attribute__((no_sanitize("address", "thread"))) static uintptr_t peek_word(uintptr_t at)
{
	return *(const uintptr_t *)at;
}

/* What the stack of co has of its select; NULL: it waits for something else. */
__attribute__((no_sanitize("address", "thread"))) static const struct select *select_of(
	const struct co *co)
{
	uintptr_t at = reach_stack_from(co);

	if (co->wait_reason != WAIT_SELECT)
		return NULL;
	for (; at + sizeof(struct select) <= co->stack_top; at += sizeof(uintptr_t)) {
		const struct select *select = (const struct select *)at;

		if (select->co == co && select->self == select)
			return select;
	}
	return NULL;
}

__attribute__((no_sanitize("address", "thread"))) static void note_wait(struct co *co, void *unused)
{
	const struct select *select;

	(void)unused;
	if (co->state != CO_WAITING || co->flags & (CO_KERNEL | CO_COUNTED))
		return;
	put_entry(&ways.cos, co->id, (uintptr_t)co);
	select = select_of(co);
	for (int i = 0; select && i < select->channels; i++)
		put_entry(&ways.waits, (uintptr_t)select->order[i], (uintptr_t)co);
	if (co->wait_object)
		put_entry(&ways.waits, (uintptr_t)co->wait_object, (uintptr_t)co);
}

static struct co *waiter(size_t i)
{
	return (struct co *)(ways.waits.entry[i].value & ~(uintptr_t)HOLDER_KNOWN);
}

/* The entry is the first of a thing. */
static bool is_thing(size_t i)
{
	return i < ways.waits.count &&
	       (!i || ways.waits.entry[i].key != ways.waits.entry[i - 1].key);
}

struct co *ways_holder(const struct co *co)
{
	uint64_t id = wait_holder(co);
	size_t i = find_entry(&ways.cos, id);

	return i < ways.cos.count && ways.cos.entry[i].key == id
		       ? (struct co *)ways.cos.entry[i].value
		       : NULL;
}

static void note_holders(void)
{
#ifndef PLANT_FORGOTTEN_HOLDER
	for (size_t i = 0; i < ways.waits.count; i++) {
		const struct co *holder;

		if (!is_thing(i) || !wait_holder(waiter(i)))
			continue;
		holder = ways_holder(waiter(i));
		ways.waits.entry[i].value |= HOLDER_KNOWN;
		if (holder)
			put_entry(&ways.held, (uintptr_t)holder, i);
	}
#endif
	sort_entries(&ways.held);
}

/* ---- What leads to what ---- */

static bool node_of_thing(struct node *node, size_t i)
{
	*node = (struct node){i, reach_numbers() + (uint32_t)i, THING};
	return true;
}

static bool node_of_object(struct node *node, const struct reach_object *o)
{
	*node = (struct node){o->at, o->number, (uint8_t)o->kind};
	return true;
}

bool ways_co_node(struct node *node, const struct co *co)
{
	struct reach_object o;

	return reach_object(&o, (uintptr_t)co) && node_of_object(node, &o);
}

/* The first thing in [from, to) whose holder is not known, from entry i on. */
static bool thing_in(struct node *node, size_t i, uintptr_t to)
{
	for (; i < ways.waits.count && ways.waits.entry[i].key < to;
	     i = find_entry(&ways.waits, ways.waits.entry[i].key + 1))
		if (is_thing(i) && !(ways.waits.entry[i].value & HOLDER_KNOWN))
			return node_of_thing(node, i);
	return false;
}

static bool thing_near(struct node *node, uintptr_t at, uintptr_t end)
{
	return thing_in(node, find_entry(&ways.waits, at), end - at < NEAR ? end : at + NEAR);
}

/* At at is what a queue has of co: who has a pointer to it waits for the same. */
__attribute__((no_sanitize("address", "thread"))) static bool is_queued(uintptr_t at,
									const struct co *co)
{
	const struct wait_node *node = (const struct wait_node *)at;

	if (at % sizeof(uintptr_t) || at + sizeof(*node) > co->stack_top)
		return false;
	return node->co == co &&
	       atomic_load_explicit(&node->place, memory_order_relaxed) == WAIT_QUEUED;
}

/* How far what is at at goes, if it is one of the image's variables; else 0. */
static uintptr_t end_of_variables(uintptr_t at)
{
	if (at >= (uintptr_t)__init_array_start && at < (uintptr_t)_edata)
		return (uintptr_t)_edata;
	return at >= (uintptr_t)__bss_start && at < (uintptr_t)_end ? (uintptr_t)_end : 0;
}

/* A struct that word points to, on the stack of another or a variable, ends at most there; 0: there is none. */
static uintptr_t end_of_struct(uintptr_t word, const struct reach_object *here)
{
	struct reach_object o;
	uintptr_t end;

	if (!reach_object(&o, word)) {
		end = end_of_variables(word);
	} else {
		const struct co *co = o.kind == REACH_CO ? reach_co_of(&o) : NULL;

		if (!co || o.at == here->at || word < reach_stack_from(co) ||
		    word >= co->stack_top || is_queued(word, co))
			return 0;
		end = co->stack_top;
	}
	return end && end - word > NEAR ? word + NEAR : end;
}

/* Where word leads to, which is in here. */
static bool node_by_word(struct node *node, uintptr_t word, const struct reach_object *here)
{
	struct reach_object o;
	uintptr_t end;

	if (reach_object(&o, word) && o.kind == REACH_BLOCK)
		return o.at != here->at && node_of_object(node, &o);
	end = end_of_struct(word, here);
	return end && thing_near(node, word, end);
}

/* Word i of here; false: that was the last. */
static bool word_in(const struct reach_object *here, size_t i, uintptr_t *word)
{
	uintptr_t from = here->at, to = here->at + here->size;
	const struct co *co = NULL;

	if (here->kind == REACH_CO) {
		co = reach_co_of(here);
		from = (reach_stack_from(co) + 7) & ~(uintptr_t)7;
		to = co->stack_top;
	}
	if (i < (to - from) / sizeof(*word)) {
		*word = peek_word(from + i * sizeof(*word));
		return true;
	}
	i -= (to - from) / sizeof(*word);
	if (!co || i > 1)
		return false;
	*word = i ? (uintptr_t)co->defers : (uintptr_t)co->group;
	return true;
}

/* The next way by a word, or by one of those that it points to. */
static bool next_by_words(struct node *node, const struct reach_object *here, uint32_t *way)
{
	enum { FOLLOWED = 1 + NEAR / sizeof(uintptr_t) };
	uintptr_t word;

	while (word_in(here, *way / FOLLOWED, &word)) {
		uintptr_t end = end_of_struct(word, here);
		uintptr_t at = (word & ~(uintptr_t)7) + (*way % FOLLOWED - 1) * sizeof(uintptr_t);

		if (*way % FOLLOWED == 0) {
			*way += end ? 1 : FOLLOWED;
			if (node_by_word(node, word, here))
				return true;
		} else {
			++*way;
			if (at >= word && at + sizeof(word) <= end &&
			    node_by_word(node, peek_word(at), here))
				return true;
		}
	}
	return false;
}

static bool next_inside(struct node *node, const struct reach_object *here, uint32_t *way)
{
	uintptr_t from = here->at, to = here->at + here->size;
	size_t i;

	if (here->kind == REACH_CO) {
		from = reach_stack_from(reach_co_of(here));
		to = reach_co_of(here)->stack_top;
	}
	i = find_entry(&ways.waits, from);
	if (!thing_in(node, i + *way, to))
		return false;
	*way = (uint32_t)(node->at - i + 1);
	return true;
}

static bool next_held(struct node *node, const struct reach_object *here, uint32_t *way)
{
	uintptr_t co = here->kind == REACH_CO ? (uintptr_t)reach_co_of(here) : 0;
	size_t i = find_entry(&ways.held, co) + *way;

	if (!co || i >= ways.held.count || ways.held.entry[i].key != co)
		return false;
	++*way;
	return node_of_thing(node, ways.held.entry[i].value);
}

bool ways_next_waiter(struct node *node, size_t thing, uint32_t *way)
{
	size_t i = thing + *way;

	++*way;
	return i < ways.waits.count && ways.waits.entry[i].key == ways.waits.entry[thing].key &&
	       ways_co_node(node, waiter(i));
}

bool ways_next(struct step *step, struct node *node)
{
	struct reach_object here;

	if (step->node.kind == THING)
		return ways_next_waiter(node, step->node.at, &step->way);
	if (!reach_object(&here, step->node.at))
		return false;
	if (step->phase == HELD) {
		if (next_held(node, &here, &step->way))
			return true;
		step->phase = INSIDE;
		step->way = 0;
	}
	if (step->phase == INSIDE) {
		if (next_inside(node, &here, &step->way))
			return true;
		step->phase = WORDS;
		step->way = 0;
	}
	return next_by_words(node, &here, &step->way);
}

/* ---- For those who ask ---- */

bool ways_waits(const struct co *co, size_t thing)
{
	uintptr_t key = ways.waits.entry[thing].key;
	size_t i = find_pair(&ways.waits, key, (uintptr_t)co);

	return waiter(thing) == co ||
	       (i < ways.waits.count && ways.waits.entry[i].key == key && waiter(i) == co);
}

size_t ways_count(void)
{
	return ways.cos.count;
}

struct co *ways_co(size_t i)
{
	return (struct co *)ways.cos.entry[i].value;
}

size_t ways_nodes(void)
{
	return reach_numbers() + ways.waits.count;
}

bool ways_begin(size_t per_node, size_t *bytes)
{
	const struct co *self = arch_current();

	if (!reach_begin(self, self->stack_mapped, bytes))
		return false;
	co_each(note_wait, NULL);
	*bytes += (ways.cos.count + 2 * ways.waits.count) * sizeof(struct entry) +
		  ways_nodes() * per_node;
	ways.cos.entry = reach_memory(ways.cos.count * sizeof(struct entry));
	ways.waits.entry = reach_memory(ways.waits.count * sizeof(struct entry));
	ways.held.entry = reach_memory(ways.waits.count * sizeof(struct entry));
	if (!ways.cos.entry || !ways.waits.entry || !ways.held.entry)
		return false;
	ways.cos.count = ways.waits.count = 0;
	co_each(note_wait, NULL);
	sort_entries(&ways.cos);
	sort_entries(&ways.waits);
	note_holders();
	return true;
}

"""Random call graphs as C programs that measure how deep their functions really go.

Every function fills an array on its stack and calls all that it can reach, so the deepest path is
taken for certain. There are small frames and large ones, long chains, jumps at the end, functions
that the compiler may inline, arguments on the stack, and calls through tables of pointers with a
note for tools/stackdepth. Nothing is recursive.
"""

import random

ENTRIES, FUNCTIONS = 6, 36
CALLS = 20000  # in all, at most: every path is taken

HEAD = r"""
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <vole.h>

enum { PAINTED = 128 * 1024, PAINT = 0xa5 };

static volatile uintptr_t sum;

static void touch(volatile char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = 0x5c;
	sum += (uintptr_t)bytes[size / 2];
}

/* Paints what is below the caller's frame; gives its lowest address. */
static __attribute__((noinline)) uintptr_t paint(void)
{
	volatile unsigned char *low = __builtin_alloca(PAINTED);
	uintptr_t address = (uintptr_t)low;

	for (size_t i = 0; i < PAINTED; i++)
		low[i] = PAINT;
	__asm__ volatile("" : "+r"(address)); /* or it may not leave the function */
	return address;
}

static inline uintptr_t stack_pointer(void)
{
	uintptr_t sp;
#ifdef __x86_64__
	__asm__ volatile("movq %%rsp, %0" : "=r"(sp));
#else
	__asm__ volatile("mov %0, sp" : "=r"(sp));
#endif
	return sp;
}

struct measured {
	const char *name;
	go_fn *fn;
};

static void measure(void *arg)
{
	const struct measured *m = arg;
	volatile unsigned char *low = (unsigned char *)paint();

	m->fn(NULL);
	while (*low == PAINT)
		low++;
	printf("deep %s %zu\n", m->name, (size_t)(stack_pointer() - (uintptr_t)low));
}
"""

TAIL = r"""
int main(void)
{
	struct waitgroup wg = {0};

	for (size_t i = 0; i < sizeof(measured) / sizeof(*measured); i++) {
		waitgroup_go(&wg, measure, (void *)&measured[i]);
		waitgroup_wait(&wg);
	}
	/* And as coroutines begin with them, on stacks that are just as large as was found. */
	for (size_t i = 0; i < 3 * sizeof(measured) / sizeof(*measured); i++)
		waitgroup_go(&wg, measured[i / 3].fn, NULL);
	waitgroup_wait(&wg);
	return 0;
}
"""


class Node:
    """A function: number, array, callees (of higher numbers) and how they are called."""

    def __init__(self, dice, number):
        self.number = number
        self.size = dice.choice((1, 8, 24, 100, 300, dice.randrange(1, 2000)))
        self.inline = "" if dice.random() < 0.3 else "__attribute__((noinline)) "
        self.extra = dice.random() < 0.2  # arguments on the stack
        self.direct, self.table, self.last = [], [], None
        self.calls = 1 # of all functions, when this one is called

    @property
    def name(self):
        return f"f{self.number}"

    def give(self, dice, nodes):
        for node in dice.sample(nodes, min(len(nodes), dice.choice((1, 1, 1, 2, 3)))):
            if self.calls + node.calls > CALLS:
                continue
            self.calls += node.calls
            kind = dice.choice(("direct", "direct", "table", "last"))
            if kind == "last" and self.last is None and not node.extra:
                self.last = node
            elif kind == "table" and not node.extra:
                self.table.append(node)
            else:
                self.direct.append(node)

    def head(self):
        more = ", int a, int b, int c, int d, int e, int f, int g, long h" if self.extra else ""
        return f"static {self.inline}void {self.name}(void *arg{more})"

    def text(self, file):
        if self.table:
            names = " ".join(n.name for n in self.table)
            yield f"/* depth: pointer {file} table_{self.number}[ : {names} */"
            addresses = ", ".join(n.name for n in self.table)
            yield f"static go_fn *volatile table_{self.number}[] = {{{addresses}}};"
        yield self.head()
        yield "{"
        yield f"\tvolatile char bytes[{self.size}];"
        yield "\ttouch(bytes, sizeof(bytes));"
        if self.extra:
            yield "\tsum += (uintptr_t)(a + b + c + d + e + f + g + h);"
        for node in self.direct:
            more = ", 1, 2, 3, 4, 5, 6, 7, 8" if node.extra else ""
            yield f"\t{node.name}((char *)arg + 1{more});"
        if self.table:
            yield f"\tfor (int i = 0; i < {len(self.table)}; i++)"
            yield f"\t\ttable_{self.number}[i](arg);"
        if self.last:
            yield f"\t{self.last.name}((char *)arg + 2);"
        yield "}"


def program(seed, file):
    """The text of file, for a seed."""
    dice = random.Random(seed)
    nodes = [Node(dice, number) for number in range(FUNCTIONS)]
    for node in reversed(nodes):
        # Near ones make long chains.
        later = nodes[node.number + 1:][:dice.choice((2, 5, FUNCTIONS))]
        node.give(dice, later)
        if node.number < ENTRIES:
            node.extra, node.inline = False, "__attribute__((noinline)) "
    lines = [HEAD]
    for node in reversed(nodes):
        lines += ["", *node.text(file)]
    rows = ", ".join(f'{{"{n.name}", {n.name}}}' for n in nodes[:ENTRIES])
    lines += ["", f"static const struct measured measured[] = {{{rows}}};", TAIL]
    return "\n".join(lines)


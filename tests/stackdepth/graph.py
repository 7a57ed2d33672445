"""Random call graphs as C programs that measure how deep their functions really go.

Every function fills an array on its stack and calls all that it can reach, so the deepest path is
taken for certain. There are small frames and large ones, long chains, jumps at the end, functions
that the compiler may inline, arguments on the stack, structs as arguments and results, variadic
functions, aligned arrays, floating point, and calls through tables of pointers with a note for
tools/stackdepth. Nothing is recursive.
"""

import random

from harness.machine import ROOT

ENTRIES, FUNCTIONS = 6, 36
CALLS = 20000  # in all, at most: every path is taken

HEAD = r"""
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <vole.h>

enum { PAINTED = 128 * 1024, PAINT = 0xa5 };

struct big {
	long part[17];
};

static volatile uintptr_t sum;
static volatile double real;

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


# How a function takes and gives more than its first argument: its parameters, its result, what a
# caller writes after the first argument, and what the function does with it.
SHAPES = {
    "plain": ("", "void", "", ""),
    "many": (", int a, int b, int c, int d, int e, int f, int g, long h", "void",
             ", 1, 2, 3, 4, 5, 6, 7, 8", "sum += (uintptr_t)(a + b + c + d + e + f + g + h);"),
    "struct": (", struct big b", "void", ", (struct big){{(long)sum}}", "sum += (uintptr_t)b.part[9];"),
    "result": ("", "struct big", "", ""),
    "variadic": (", ...", "void", ", 1, 2.5, 3L, 4, 5, 6, 7, 8, 9.5",
                 "va_list list; va_start(list, arg); sum += (uintptr_t)va_arg(list, int); "
                 "real += va_arg(list, double); va_end(list);"),
    "real": (", double x", "void", ", real * 3", "real = x * real + x / (real + 2);"),
}


class Node:
    """A function: number, array, callees (of higher numbers) and how they are called."""

    def __init__(self, dice, number, aligned):
        self.number = number
        self.size = dice.choice((1, 8, 24, 100, 300, dice.randrange(1, 2000)))
        self.inline = "" if dice.random() < 0.3 else "__attribute__((noinline)) "
        self.shape = "plain" if dice.random() < 0.6 else dice.choice(sorted(SHAPES))
        align = dice.choice(("", "", "", "_Alignas(32) ", "_Alignas(64) "))
        self.align = align if aligned else ""
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
            if kind == "last" and self.last is None and node.shape == "plain":
                self.last = node
            elif kind == "table" and node.shape == "plain":
                self.table.append(node)
            else:
                self.direct.append(node)

    def text(self, file):
        more, result, _, use = SHAPES[self.shape]
        if self.table:
            names = " ".join(n.name for n in self.table)
            yield f"/* depth: pointer {file} table_{self.number}[ : {names} */"
            addresses = ", ".join(n.name for n in self.table)
            yield f"static go_fn *volatile table_{self.number}[] = {{{addresses}}};"
        yield f"static {self.inline}{result} {self.name}(void *arg{more})"
        yield "{"
        yield f"\t{self.align}volatile char bytes[{self.size}];"
        yield "\ttouch(bytes, sizeof(bytes));"
        if use:
            yield f"\t{use}"
        for node in self.direct:
            yield f"\t{node.name}((char *)arg + 1{SHAPES[node.shape][2]});"
        if self.table:
            yield f"\tfor (int i = 0; i < {len(self.table)}; i++)"
            yield f"\t\ttable_{self.number}[i](arg);"
        if self.last:
            yield f"\t{self.last.name}((char *)arg + 2);"
        if result != "void":
            yield f"\treturn ({result}){{{{(long)sum}}}};"
        yield "}"


def has_aligned(seed):
    """Where arrays are aligned, the depth also depends on where the stack begins: less than the
    bound is used."""
    return seed % 2 == 0


def program(seed, file):
    """The text of file, for a seed."""
    dice = random.Random(seed)
    nodes = [Node(dice, number, has_aligned(seed)) for number in range(FUNCTIONS)]
    for node in nodes[:ENTRIES]:
        node.shape, node.inline = "plain", "__attribute__((noinline)) "
    for node in reversed(nodes):
        # Near ones make long chains.
        later = nodes[node.number + 1:][:dice.choice((2, 5, FUNCTIONS))]
        node.give(dice, later)
    lines = [HEAD]
    for node in reversed(nodes):
        lines += ["", *node.text(file)]
    rows = ", ".join(f'{{"{n.name}", {n.name}}}' for n in nodes[:ENTRIES])
    lines += ["", f"static const struct measured measured[] = {{{rows}}};", TAIL]
    return "\n".join(lines)


def write(seed):
    """The path of the program, which is written."""
    path = ROOT / f"build/stackdepth/graph_{seed}.c"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(program(seed, path.name), encoding="utf-8")
    return path

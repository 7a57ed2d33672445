"""tools/stackdepth on small call graphs written by hand, as the compiler would report them."""

import sys

from harness.machine import ROOT
from harness.suite import Check

sys.path.insert(0, str(ROOT / "tools"))
import callgraph  # pylint: disable=wrong-import-position
import depth  # pylint: disable=wrong-import-position


def node(title, size, kind="static"):
    return f'node: {{ title: "{title}" label: "{title}\\nx.c:1:1\\n{size} bytes ({kind})\\n0 d" }}\n'


def edge(caller, callee, place="x.c:1:1"):
    return (f'node: {{ title: "{callee}" label: "{callee}\\nx.c:1:1" shape : ellipse }}\n'
            f'edge: {{ sourcename: "{caller}" targetname: "{callee}" label: "{place}" }}\n')


def need(report, first, notes=(), jumps=()):
    """What the walk says of first: "BYTES PATH", or why there is no bound. jumps: (caller, callee)
    of calls that do not come back."""
    functions = callgraph.read_report(report, ".")
    for caller, callee in jumps:
        functions[caller].calls[callee] = False
    graph = callgraph.Graph([callgraph.Unit("x.c.o", functions)])
    said = depth.Notes()
    for kind, rest in notes:
        said.add(kind, rest)
    passed = {"go_defer": {"last"}, "once_do": {"last"}}
    walk = depth.Walk(graph, lambda function: said, lambda function: passed)
    walk.at_entry = graph.named("entry")
    try:
        size, path = walk.need(graph.named(first)[0])
        return f"{size} {' '.join(name for name, _ in path)}"
    except depth.Unbounded as e:
        return f"{e.path[-1]} {e.why}"


CHAIN = node("a", 10) + node("b", 20) + edge("a", "b") + node("c", 5) + edge("a", "c")
LOOP = node("a", 1) + node("b", 2) + edge("a", "b") + edge("b", "a")
POINTER = node("a", 16) + edge("a", "__indirect_call", "no.c:3:1") + node("b", 8) + node("c", 9)
PANIC = node("a", 8) + edge("a", "panic") + node("panic", 100) + edge("panic", "a")
DEFER = (node("begin", 8) + edge("begin", "__indirect_call", "co.c:1:1") + edge("begin", "out") +
         node("out", 8) + edge("out", "__indirect_call", "co.c:2:1") +
         node("entry", 8) + edge("entry", "go_defer") + node("go_defer", 8) + node("last", 200))
DEFER_NOTES = (("pointer", "co.c line 1 : @entry"), ("pointer", "co.c line 2 : @deferred"))
ONCE = (node("a", 8) + edge("a", "once_do") + node("once_do", 16) + node("last", 100) +
        edge("once_do", "__indirect_call", "once.c:1:1"))
FREE = (node("a", 8) + edge("a", "service") + node("service", 8) + edge("service", "free") +
        node("free", 8) + edge("free", "service"))
WRAP = node("a", 8) + edge("a", "x") + node("x", 16) + node("__wrap_x", 100)
EXIT = node("a", 8) + edge("a", "clean") + node("clean", 50) + node("use", 8)

# What is shown, what is asked, what is right.
RULES = (
    ("the deepest of two calls", need(CHAIN, "a"), "30 a b"),
    ("a frame is gone where the last call is a jump", need(CHAIN, "a", (), [("a", "b")]), "20 a b"),
    ("a frame alone", need(CHAIN, "b"), "20 b"),
    ("a name like those of the linker's --wrap is a name", need(WRAP, "a"), "24 a x"),
    ("recursion", need(LOOP, "a"), "a is recursive"),
    ("recursion further down", need(LOOP + node("t", 1) + edge("t", "a"), "t"), "a is recursive"),
    ("a frame that varies", need(node("a", 64, "dynamic"), "a"), "a has a frame that varies"),
    ("a frame that varies within a bound", need(node("a", 64, "dynamic,bounded"), "a"), "64 a"),
    ("a function without a report", need(node("a", 8) + edge("a", "memcpy"), "a"),
     "memcpy is not known: it has no report and no note"),
    ("a frame from a note", need(node("a", 8) + edge("a", "memcpy"), "a", [("frame", "memcpy 24")]),
     "32 a memcpy"),
    ("an unknown pointer", need(POINTER, "a"), "a calls through a pointer: no.c: line 3"),
    ("a pointer with a note", need(POINTER, "a", [("pointer", "no.c line 3 : b c")]), "25 a c"),
    ("a note for another pointer", need(POINTER, "a", [("pointer", "no.c line 4 : b c")]),
     "a calls through a pointer: no.c: line 3"),
    ("what never returns", need(PANIC, "a", [("ends", " : panic")]), "108 a panic"),
    ("what is deferred runs at the end", need(DEFER, "begin", DEFER_NOTES), "216 begin out last"),
    ("what once_do is given", need(ONCE, "a", [("pointer", "once.c line 1 : @passed")]),
     "124 a once_do last"),
    ("what is never called below", need(FREE, "a", [("never", "service : free")]),
     "24 a service free"),
    ("what does nothing alone", need(EXIT, "a", [("after", "clean : use")]), "8 a"),
    ("what does something after another", need(EXIT + edge("a", "use"), "a",
                                               [("after", "clean : use")]), "58 a clean"),
)


def run(_case):
    return [Check(f"stackdepth: {name}", got == right, f"{got}; right is {right}")
            for name, got, right in RULES]

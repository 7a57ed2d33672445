"""tools/stackdepth: its rules, its verdicts on a program, and random call graphs that are run to
their deepest path."""

import pathlib
import re
import subprocess
import tempfile

from harness.machine import ARCHES, HOST, ROOT, boot, builder, make
from harness.suite import Case, Check
from . import graph, tool

SLACK = 64  # the bound may be larger than what was measured by so much
MEASURED = re.compile(r"^deep (\S+) (\d+)\r?$", re.MULTILINE)
ROW = re.compile(r"^(\S+) +(\d+|-)  (.*)\n    (.*)$", re.MULTILINE)


def rows(app, arch):
    """(entry, bytes or None, verdict, [(function, frame)]) of make stackdepth."""
    run = make("-s", "stackdepth", APP=app, ARCH=arch)
    for name, size, verdict, path in ROW.findall(run.text):
        steps = [tuple(step.split()) for step in path.split(" > ")]
        yield name, None if size == "-" else int(size), verdict, steps


def table(app, arch):
    return {name: rest for name, *rest in rows(app, arch)}


def run_graph(case, app, seed):
    image = builder.image(app, case.arch)
    found_by_tool = table(app, case.arch)
    run = boot(image, ARCH=case.arch, SMP=case.smp, MEM="512M")
    found = MEASURED.findall(run.text)
    begin = max(int(step[1]) for _, _, path in found_by_tool.values() for step in path
                if step[0] == "co_begin")
    wrong = []
    for name, measured in found:
        size, verdict, path = found_by_tool.get(name, (None, "not in the table", []))
        if size is None:
            wrong.append(f"{name}: {verdict}")
            continue
        # The measurement begins where the entry function is called: below co_begin's frame.
        over = size - begin - int(measured)
        tight = path[1][0].split(".")[0] == name and not graph.has_aligned(seed)
        if over < 0 or (tight and over > SLACK):
            wrong.append(f"{name}: {measured} bytes measured, {over} more are given: {path}")
    return [Check(f"{case.name}: all functions go as deep as was found, and no deeper",
                  len(found) == graph.ENTRIES and not wrong, "\n".join(wrong), run.text),
            Check(f"{case.name}: runs on stacks that are just as large", run.status == 0,
                  f"status {run.status}", run.text)]


# Verdicts on the entries of verdicts.c: the beginning of the line, or None where there is a bound.
VERDICTS = {
    "leaf": None,
    "receives": None,
    "sends": None,
    "locks": None,
    "sleeps": None,
    "joins": None,
    "spawns": None,
    "chooses": None,
    "starts_once": None,
    "defers": None,
    "noted": None,
    "recursive": "grows: recursive is recursive",
    "varies": "grows: varies has a frame that varies",
    "unknown_pointer": "grows: unknown_pointer calls through a pointer: ",
    "defers_unknown": "grows: defers_unknown gives go_defer a function that is not known here",
}
# Of the folder kernel: the beginning of the verdict, or how many bytes there are at least.
FOOLED = {
    "calls_weak": 3000,
    "calls_alias": 3000,
    "asm_harmless": 1,
    "calls_as_once": "grows: calls_as_once calls through a pointer: ",
    "calls_wrapped": "grows: shared is not known",
    "calls_assembly": "grows: by_hand is not known",
    "asm_calls": "grows: asm_calls goes to deep, which its report does not know",
    "asm_calls_register": "grows: asm_calls_register calls or jumps to a computed place",
    "asm_moves": "grows: asm_moves takes ",
    "asm_pushes": "grows: asm_pushes takes ",
    "asm_sets": "grows: asm_sets has an instruction that its report does not explain",
    "asm_writes_below": "grows: asm_writes_below has an instruction that its report does not explain",
    "sorts": "grows: qsort ",
    "leaves": "grows: longjmp is not known",
    "nests": "grows: nests ",
    "inner.0": 1000,
    "calls_hidden": "grows: calls_hidden calls through a pointer: ",
    "goes_anywhere": "grows: goes_anywhere calls or jumps to a computed place",
}

# What waits needs no more than this, by architecture: with struct co and the canary, 512 bytes on
# x86-64, 640 on ARM64.
SMALL = {"x86_64": 312, "arm64": 440, HOST: 312}


def run_verdicts(case, app):
    found = table(app, case.arch)
    checks = []
    for name, verdict in VERDICTS.items():
        size, said, path = found.get(name, (None, "not in the table", []))
        right = size is not None if verdict is None else said.startswith(verdict)
        checks.append(Check(f"verdict: {name} {'is bounded' if verdict is None else verdict}", right,
                            f"{said}: {path}"))
    calls = table("tests/stackdepth/calls.c", case.arch)
    theirs = ("allocates",) if case.arch == HOST else ()  # it ends in the host's C library
    wrong = [f"{name}: {said}" for name, (size, said, _) in calls.items()
             if size is None and name not in theirs]
    checks.append(Check("whatever calls the kernel has a bound", len(calls) > 30 and not wrong,
                        "\n".join(wrong)))
    size, _, path = found.get("receives", (None, "", []))
    checks.append(Check("a coroutine that receives needs little", size is not None and
                        size <= SMALL[case.arch], f"{size}: {path}"))
    size = [found.get(name, (None,))[0] for name in ("leaf", "defers")]
    checks.append(Check("a deferred call counts", None not in size and size[1] >= size[0] + 1000,
                        f"{size}"))
    return checks


def run_fooled(case):
    """What the compiler's report does not tell is not taken for nothing."""
    found = table("tests/stackdepth/kernel", case.arch)
    checks = []
    for name, right in FOOLED.items():
        size, said, path = found.get(name, (None, "not in the table", []))
        if isinstance(right, str):
            checks.append(Check(f"{name} {right.split(' ', 2)[-1]}",
                                size is None and said.startswith(right), f"{said}: {path}"))
        else:
            checks.append(Check(f"{name} is bounded, by {right} bytes or more",
                                size is not None and size >= right, f"{said}: {size} {path}"))
    return checks


def run_unlinked(case):
    """A program that nobody has linked yet, with a function by a name of the kernel's."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "own.c"
        source.write_text("#include <vole.h>\nvoid proc_put(void *arg);\n"
                          "void proc_put(void *arg)\n{\n\tvolatile char room[3000];\n\n"
                          "\troom[0] = 1;\n\t(void)arg;\n}\n"
                          "int main(void)\n{\n\treturn go(proc_put, NULL);\n}\n")
        first, again = table(source, case.arch), table(source, case.arch)
    size, said, path = first.get("proc_put", (None, "not in the table", []))
    return [Check("before the first link a program's function by a kernel's name is its own",
                  size is not None and 3000 <= size < 4000 and first == again,
                  f"{said}: {size} {path}\n{again}")]


def run_notes(_case):
    """What notes of the kernel leave to be kept in step with it."""
    texts = {path: path.read_text(encoding="utf-8") for folder in ("kernel", "sync")
             for path in (ROOT / folder).glob("*.[ch]")}
    everything = "\n".join(texts.values())
    at_end = set(re.findall(r"at_end = (\w+);", everything)) - {"NULL"}
    noted = set(re.findall(r"\w+", " ".join(re.findall(r"depth: pointer .*at_end.* : (.*)", everything))))
    room = int(re.search(r"STACK_CALL = (\d+)", everything)[1])
    added = [size for arch in (*ARCHES, HOST)
             for _, size, verdict, _ in rows("tests/stackdepth/verdicts.c", arch)
             if verdict.startswith("added")]
    return [Check("all that coroutines do at their end is in the note", at_end and at_end <= noted,
                  f"{at_end - noted} are missing"),
            Check("STACK_CALL is enough for the kernel's starters",
                  bool(added) and None not in added and max(added) <= room, f"{added}, {room}")]


def output(*words):
    return subprocess.run(words, check=True, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout


def run_assembly(case):
    """The notes on assembly beside what its own directives for the debugger (CFI) say."""
    image = builder.image("tests/stackdepth/verdicts.c", case.arch)
    names = {}
    for address, kind, name in re.findall(r"^(\w+) (.) (\S+)$", output("nm", image), re.MULTILINE):
        if kind in "tT":
            names.setdefault(int(address, 16), []).append(name)
    at_entry = 0 if case.arch == "arm64" else 8  # the return address
    deepest, here = {}, []
    for line in output("readelf", "--debug-dump=frames-interp", image).splitlines():
        if " FDE " in line:
            here = names.get(int(re.search(r"pc=(\w+)", line)[1], 16), [])
        row = re.match(r"[0-9a-f]+ r?sp\+(\d+)", line)
        for name in here:
            deepest[name] = max(deepest.get(name, at_entry), int(row[1]) if row else 0)
    notes = [note for path in (ROOT / "arch" / case.arch).glob("*.S")
             for note in re.findall(r"depth: frame (\w+) (\d+)", path.read_text(encoding="utf-8"))]
    wrong = [f"{name}: note {size}, CFI {deepest.get(name)}" for name, size in notes
             if deepest.get(name) != int(size)]
    return [Check("the notes on assembly say what its CFI says", bool(notes) and not wrong,
                  "\n".join(wrong))]


def cases(tier):
    if tier == "fast":
        yield Case("stackdepth", "rules", "any", 0, tool.run, cost=0)
        # What is built once, which takes long, is to be there.
        yield Case("stackdepth", "notes", "any", 0, run_notes, cost=1,
                   images=[("tests/stackdepth/verdicts.c", arch, {}) for arch in (*ARCHES, HOST)])
        for arch in (*ARCHES, HOST):
            yield Case("stackdepth", "verdicts", arch, 0,
                       lambda case: run_verdicts(case, "tests/stackdepth/verdicts.c"), cost=1,
                       images=[("tests/stackdepth/verdicts.c", arch, {})])
        for arch in (*ARCHES, HOST):
            yield Case("stackdepth", "what reports do not tell", arch, 0, run_fooled, cost=1,
                       images=[("tests/stackdepth/verdicts.c", arch, {})])
            yield Case("stackdepth", "before the first link", arch, 0, run_unlinked, cost=1,
                       images=[("tests/stackdepth/verdicts.c", arch, {})])
            yield Case("stackdepth", "assembly", arch, 0, run_assembly, cost=1,
                       images=[("tests/stackdepth/verdicts.c", arch, {})])
    for seed in range(1, 3) if tier == "fast" else range(100, 140):
        app = graph.write(seed)
        for arch in (*ARCHES, HOST):
            yield Case("stackdepth", f"graph {seed}", arch, 1,
                       lambda case, app=app, seed=seed: run_graph(case, app, seed), cost=2,
                       images=[(app, arch, {})])

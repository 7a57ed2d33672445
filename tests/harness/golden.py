"""
tests/golden: how each kind of death looks on the console.

NAME.txt is what must be there, line by line, up to the end:
    <hex>        a number in hexadecimal, with or without 0x
    <n>          a decimal number
    <any>        anything in a line
    <registers>  a line of its own: the registers, in as many lines as they take
    ...          a line of its own: any lines, or none
    |            at the start of a line: lines that may be there
The first line is `status N`. NAME.ARCH.txt goes before NAME.txt.
"""

import re

from .machine import ARCHES, HOST, ROOT, boot, builder
from .suite import Case, Check

FOLDER = ROOT / "tests/golden"
PROGRAMS = ("tests/golden/deaths.c", "tests/golden/misuse.c")
PLACEHOLDERS = {"<hex>": r"(?:0x)?[0-9a-f]+", "<n>": r"\d+", "<any>": r".*?"}
REGISTERS = {
    "x86_64": "rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip".split(),
    "arm64": [f"x{i}" for i in range(30)] + "sp pc".split(),
}
REGISTERS[HOST] = REGISTERS["x86_64"]


def line_pattern(line):
    parts = re.split("(<hex>|<n>|<any>)", line)
    return "".join(PLACEHOLDERS.get(part, re.escape(part)) for part in parts)


def pattern(template):
    """One regular expression for the whole console."""
    out = []
    for line in template:
        if line == "...":
            out.append(r"(?:[^\n]*\n)*?")
        elif line == "<registers>":
            out.append(r"(?P<registers>(?:[^\n]*\n)+?)")
        elif line.startswith("|"):
            out.append(f"(?:{line_pattern(line[1:])}\n)?")
        else:
            out.append(line_pattern(line) + r"\n")
    return re.compile("".join(out))


def missing_registers(text, arch):
    return [name for name in REGISTERS[arch] if not re.search(rf"\b{name}\b\W", text)]


def compare(template, run, arch):
    """Why the console is not what the template says; an empty string when it is."""
    status = int(template[0].removeprefix("status "))
    console = run.text.replace("\r", "")
    match = pattern(template[1:]).fullmatch(console if console.endswith("\n") else console + "\n")
    if run.hung:
        return f"hangs: ended after {run.seconds:.0f} s"
    if run.status != status:
        return f"status {run.status}, not {status}"
    if not match:
        return "the console does not show\n" + "\n".join(template[1:])
    if "<registers>" in template:
        missing = missing_registers(match["registers"], arch)
        if missing:
            return "no register " + ", ".join(missing)
    return ""


def template_of(name, arch):
    own = FOLDER / f"{name}.{arch}.txt"
    return (own if own.exists() else FOLDER / f"{name}.txt").read_text().splitlines()


def program_of(name):
    return next(p for p in PROGRAMS if f'{{"{name}",' in (ROOT / p).read_text())


def run_death(case):
    image = builder.image(program_of(case.name), case.arch)
    hogs = " hogs" if case.smp > 1 else ""
    if case.name.startswith(("deadlock", "dump")):
        hogs = ""  # there, nobody may run
    run = boot(image, limit=40, ARCH=case.arch, SMP=case.smp, ARGS=case.name + hogs)
    why = compare(template_of(case.name, case.arch), run, case.arch)
    return [Check(case.name, not why, why, run.text)]


CALLS = (ROOT / "tests/golden/misuse.c").read_text()
CALLS = re.findall(r"^\tX\((\w+), ", CALLS, re.MULTILINE)
WAITING = CALLS[CALLS.index("go_yield"):]


def run_call(case):
    """A call of the public interface in a handler, or in what it defers: its name is in the panic."""
    where, name = case.name.split()
    image = builder.image("tests/golden/misuse.c", case.arch)
    run = boot(image, limit=40, ARCH=case.arch, SMP=1, ARGS=case.name)
    ok = run.status == 134 and f"panic: {name} in an interrupt handler" in run.text
    return [Check(case.name, ok, f"status {run.status}, and not by its name", run.text)]


def call_cases(tier):
    """In `fast` a third of them, each on one architecture."""
    calls = [f"irq-call {n}" for n in CALLS] + [f"deferred-call {n}" for n in WAITING]
    for i, name in enumerate(calls):
        for j, arch in enumerate(ARCHES):
            if tier != "fast" or (i % 3 == 0 and i // 3 % len(ARCHES) == j):
                yield Case("golden", name, arch, 1, run_call, cost=1,
                           images=[("tests/golden/misuse.c", arch, {})])


def names(arch):
    files = [p.name.removesuffix(".txt") for p in FOLDER.glob("*.txt")]
    own = {n.removesuffix(f".{arch}") for n in files if n.endswith(f".{arch}")}
    return sorted(own | {n for n in files if "." not in n})


# A wrong call, which the kernel's or the library's own code notices: not the processor, not on other cores.
MISUSE = ("assert", "chan-free", "cond-unlocked", "elem-size", "gen-busy", "heap-", "mutex-", "rwmutex-", "waitgroup")


def cores(name, arch, tier):
    """On how many. The code that notices a wrong call is the same on all ports, and how a panic ends one core
    or several is seen in the other deaths: in `fast` a wrong call has one core on one architecture, more on the
    other, by turns."""
    both = (1, 4) if tier == "fast" else (2, 8)
    if tier != "fast" or not name.startswith(MISUSE):
        return both
    turn = [n for n in names(arch) if n.startswith(MISUSE)].index(name) + (arch != ARCHES[0])
    return both[turn % 2:][:1]


def cases(tier):
    yield from call_cases(tier)
    for arch in (*ARCHES, HOST):
        for name in names(arch):
            for smp in cores(name, arch, tier):
                yield Case("golden", name, arch, smp, run_death, cost=1,
                           images=[(program_of(name), arch, {})])

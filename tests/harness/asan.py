"""
tests/asan: what SAN=asan must report, and what it must leave alone. faults.c does what its argument says.
"""

import re

from .machine import ARCHES, HOST, boot, builder
from .suite import Case, Check

FREED, BLOCK = "heap-use-after-free", "heap-buffer-overflow"
STACK, GLOBAL, ENDED = "stack-buffer-overflow", "global-buffer-overflow", "stack-use-after-end"

# Fault, what it is called, and what else is said of it (regular expressions).
FAULTS = {
    "heap-behind": (BLOCK, "write of 1 bytes", ", 0 bytes behind a block of 30", "allocated by"),
    "heap-before": (BLOCK, "write of 8 bytes", "8 bytes before a block of 64"),
    "heap-freed": (FREED, "byte 100 of a block of 4000", r"allocated by coroutine \d+ \"culprit\"",
                   r"freed by coroutine \d+ \"culprit\""),
    "heap-large": (BLOCK, "3 bytes behind a block of 100000"),
    "heap-shrunk": (BLOCK, "10 bytes behind a block of 50"),
    "freed-twice": ("double-free",),
    "freed-inside": ("bad-free", "byte 16 of a block of 100", "allocated by"),
    "freed-global": ("bad-free",),
    "stack-behind": (STACK, "write of 1 bytes"),
    "stack-read": (STACK, "read of 4 bytes"),
    "stack-alloca": (STACK,),
    "global-behind": (GLOBAL, "write of 1 bytes"),
    "global-far": (GLOBAL, "write of 300 bytes"),
    "global-fixed": (GLOBAL, "read of 4 bytes"),
    "global-zeroes": (GLOBAL,),
    "copied": (BLOCK, "write of 11 bytes"),
    "printed": (STACK,),
    "printed-end": (BLOCK, "so far", "a block of 8"),
    "block-ended": ("stack-use-after-scope",),
    "not-ended": (BLOCK, "read of 6 bytes"),
    "sent": (FREED, "read of 1 bytes"),
    "ended": (ENDED, r"on the stack of coroutine \d+ \"keeper\""),
    "ended-grown": (ENDED, r"on the stack of coroutine \d+ \"grown\""),
    "exact": (STACK, "\"small\""),
    "exact-heap": (FREED, "\"heap_small\""),
    "heap-across": (BLOCK, "write of 8 bytes", ", byte 24 of a block of 30", "allocated by"),
}
# Programs of one fault: they are named so in docs/debugging.md.
PROGRAMS = {"use-after-free.c": (FREED, "allocated by coroutine 1 \"main\"",
                                 r"freed by coroutine \d+ \"worker\"")}


def check_report(run, name, said):
    kind, *words = said
    missing = [word for word in (f"panic: {kind}", *words) if not re.search(word, run.text)]
    yield Check(f"{name} is reported as {kind}", run.status == 134 and not missing,
                f"status {run.status}; not said: {missing}", run.text)


def run_faults(case, is_long=False):
    image = builder.image("tests/asan/faults.c", case.arch, SAN="asan")
    # Boots take their time: each machine has half of them, and the other half in the long tests.
    mine = slice(None) if case.arch == HOST else slice((ARCHES.index(case.arch) + is_long) % 2, None, 2)
    for fault, said in list(FAULTS.items())[mine]:
        run = boot(image, limit=60, ARCH=case.arch, SMP=case.smp, MEM="64M", ARGS=fault)
        yield from check_report(run, fault, said)


def run_program(case):
    image = builder.image(f"tests/asan/{case.name}", case.arch, SAN="asan")
    run = boot(image, limit=60, ARCH=case.arch, SMP=case.smp, MEM="128M")
    if case.name in PROGRAMS:
        yield from check_report(run, case.name, PROGRAMS[case.name])
    else:
        yield Check("nothing is reported", run.status == 0, f"status {run.status}", run.text)


def cases(tier):
    if tier == "long":
        for arch in ARCHES:
            yield Case("asan", "the other faults", arch, 1, lambda c: list(run_faults(c, True)), cost=12,
                       images=[("tests/asan/faults.c", arch, {"SAN": "asan"})])
    if tier not in ("fast", "sanitize"):
        return
    for arch in ARCHES if tier == "fast" else (HOST,):
        def case(name, smp, run, cost, at=arch):
            return Case("asan", name, at, smp, lambda c: list(run(c)), cost=cost,
                        images=[(f"tests/asan/{name}", at, {"SAN": "asan"})])
        yield case("faults.c", 1, run_faults, 12)
        yield case("right.c", 4, run_program, 3)
        for name in PROGRAMS:
            yield case(name, 2, run_program, 1)

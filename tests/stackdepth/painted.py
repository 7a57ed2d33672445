"""The examples on painted stacks (debug/paint.h; harness/kernel.py has the tests on them): nobody
goes deeper than tools/stackdepth found. Where it finds too little, that is seen; and without what it
found, all is the same."""

from harness import kernel
from harness.machine import ARCHES, HOST, boot, builder
from harness.suite import Case, Check
from . import graph

PAINTED = {"BUILD": "painted"}
SHORT = {"BUILD": "painted", "PLANT": "short-bound"}
GROW = {"STACKS": "grow"}
EXAMPLES = ("dining.c", "fanin.c", "hello.c", "nursery.c", "pingpong.c", "pool.c", "sieve.c", "tree.c")
TOO_DEEP = "bytes of its stack, of"


def run_example(case):
    run = boot(builder.image(f"examples/{case.name}", case.arch, **PAINTED), limit=90, ARCH=case.arch,
               SMP=case.smp)
    return [Check(f"examples/{case.name} on painted stacks", run.status == 0, f"status {run.status}",
                  run.text)]


def run_short(case, app):
    run = boot(builder.image(app, case.arch, **SHORT), ARCH=case.arch, SMP=case.smp, MEM="512M")
    return [Check("a bound that is 64 bytes short is caught",
                  run.status == 134 and TOO_DEEP in run.text, f"status {run.status}", run.text)]


def run_growing(case):
    run = boot(builder.image("tests/kernel/go.c", case.arch, **GROW), ARCH=case.arch, SMP=case.smp,
               MEM=kernel.MEMORY, ARGS=f"smp={case.smp}")
    return kernel.results(run)


def cases(tier):
    fast = tier == "fast"
    for arch in ("x86_64",) if fast else ("arm64", HOST):
        for name in EXAMPLES:
            yield Case("painted example", name, arch, 4, run_example, cost=4,
                       images=[(f"examples/{name}", arch, PAINTED)])
    if not fast:
        return
    yield Case("no table of stacks", "go.c", HOST, 2, run_growing, cost=10,
               images=[("tests/kernel/go.c", HOST, GROW)])
    app = graph.write(1)
    for arch in (*ARCHES, HOST):
        yield Case("planted fault", "short-bound", arch, 1, lambda case: run_short(case, app), cost=20,
                   images=[(app, arch, SHORT)])

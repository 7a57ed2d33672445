"""Programs on painted stacks (kernel/paint.h): nobody goes deeper than tools/stackdepth found, and
where it finds too little, that is seen. And without what it found, all is the same."""

from harness import kernel
from harness.machine import ARCHES, HOST, boot, builder
from harness.suite import Case, Check
from . import graph

PAINTED = {"BUILD": "painted"}
GROW = {"STACKS": "grow"}
SHORT = {"BUILD": "painted", "PLANT": "short-bound"}
FAST = ("chan.c", "select.c", "sync.c", "group.c", "cancel_stress.c", "preempt.c")
EXAMPLES = ("dining.c", "fanin.c", "hello.c", "nursery.c", "pingpong.c", "pool.c", "sieve.c", "tree.c")
TOO_DEEP = "bytes of its stack, of"


def run_test(case, scale, options):
    run = boot(builder.image(f"tests/kernel/{case.name}", case.arch, **options), limit=90 * scale,
               ARCH=case.arch, SMP=case.smp, MEM=kernel.MEMORY, ARGS=f"smp={case.smp} scale={scale}")
    return kernel.results(run)


def run_example(case):
    run = boot(builder.image(f"examples/{case.name}", case.arch, **PAINTED), limit=90, ARCH=case.arch,
               SMP=case.smp)
    return [Check(f"examples/{case.name} on painted stacks", run.status == 0, f"status {run.status}",
                  run.text)]


def run_short(case, app):
    run = boot(builder.image(app, case.arch, **SHORT), ARCH=case.arch, SMP=case.smp, MEM="512M")
    return [Check("a bound that is 64 bytes short is caught",
                  run.status == 134 and TOO_DEEP in run.text, f"status {run.status}", run.text)]


def cases(tier):
    fast = tier == "fast"
    for arch in (*ARCHES, HOST):
        smp = 2 if arch == "arm64" else 4
        for name in FAST if fast else set(kernel.PROGRAMS) - set(kernel.BUILDS):
            app = f"tests/kernel/{name}"
            yield Case(f"painted {name.removesuffix('.c')}", name, arch, smp,
                       lambda case: run_test(case, 1 if fast else 3, PAINTED), cost=4,
                       images=[(app, arch, PAINTED)])
        for name in () if fast else EXAMPLES:
            yield Case("painted example", name, arch, smp, run_example, cost=4,
                       images=[(f"examples/{name}", arch, PAINTED)])
    if fast:
        yield Case("no table of stacks", "go.c", HOST, 2, lambda case: run_test(case, 1, GROW), cost=10,
                   images=[("tests/kernel/go.c", HOST, GROW)])
        app = graph.write(1)
        for arch in (*ARCHES, HOST):
            yield Case("planted fault", "short-bound", arch, 1,
                       lambda case: run_short(case, app), cost=20, images=[(app, arch, SHORT)])

"""Planted faults: a kernel that is wrong on purpose must fail the test named here."""

from .kernel import MEMORY, results
from .machine import boot, builder
from .suite import Case, Check

# Fault, test that catches it, architecture, cores.
PLANTS = (
    ("lost-wakeup", "wakeups.c", "x86_64", 4),
    ("vector-register", "regs", "arm64", 2),
    ("double-steal", "steal.c", "x86_64", 4),
    ("on-core", "chan_stress.c", "arm64", 4),
    ("select-two-arms", "select_stress.c", "x86_64", 2),
    ("skip-fifo", "chan.c", "arm64", 1),
    ("lost-cancel", "select_stress.c", "x86_64", 4),
    ("early-timer", "timer.c", "arm64", 2),
    ("close-forgets", "chan.c", "x86_64", 2),
    ("trust-device", "virtio", "arm64", 2),
    ("lost-interrupt", "virtio", "x86_64", 4),
    ("claim-order", "select_stress.c", "arm64", 4),
    ("read-twice", "sockets.c", "x86_64", 2),
    ("short-bound", "depth.c", "x86_64", 2),
    ("short-bound", "depth.c", "arm64", 1),
    ("lost-reset", "sockets.c", "arm64", 1),
)


def build(fault):
    return {"PLANT": fault, **({"BUILD": "painted"} if fault == "short-bound" else {})}


def run_plant(case, program):
    image = builder.image(f"tests/kernel/{program}", case.arch, **build(case.name))
    run = boot(image, limit=40, ARCH=case.arch, SMP=case.smp, MEM=MEMORY, ARGS=f"smp={case.smp}")
    failed = [check for check in results(run) if not check.ok]
    return [Check(f"{program} catches {case.name}", bool(failed),
                  f"it passes: {len(results(run))} results, status {run.status}", run.text)]


def cases(tier):
    if tier != "fast":
        return
    for fault, program, arch, smp in PLANTS:
        yield Case("planted fault", fault, arch, smp,
                   lambda case, program=program: run_plant(case, program), cost=100,
                   images=[(f"tests/kernel/{program}", arch, build(fault))])

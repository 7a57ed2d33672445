"""
tests/kernel under the sanitizers: on the host port all of it, in QEMU some of it.
Each sanitizer must also find a fault that was planted for it.
"""

from .kernel import MEMORY, PROGRAMS, SANITIZED, program_case
from .machine import HOST, boot, builder
from .suite import Case, Check

CORES = (1, 2, 4)

# AddressSanitizer keeps what was freed for a while, so that nothing else is there.
APART = (("asan", "giveback.c"),)

# In QEMU, with SAN=ubsan: program, architecture, cores.
IN_QEMU = (("go.c", "x86_64", 2), ("go.c", "arm64", 2), ("select.c", "x86_64", 4),
           ("timer.c", "arm64", 4), ("stdio.c", "x86_64", 2), ("stdio.c", "arm64", 2))

# Planted fault, the sanitizer that must find it, the program, and what must be said.
PLANTS = (
    ("use-after-free", "asan", "future.c", "panic: heap-use-after-free"),
    ("narrow-shift", "asan", "timer.c", "undefined behaviour at kernel/wheel.c"),
    ("relaxed-unlock", "tsan", "chan_stress.c", "ThreadSanitizer: data race"),
)


def run_plant(case, sanitizer, program, words):
    image = builder.image(f"tests/kernel/{program}", case.arch, PLANT=case.name, SAN=sanitizer)
    run = boot(image, limit=60, ARCH=case.arch, SMP=case.smp, MEM=MEMORY, ARGS=f"smp={case.smp}")
    return [Check(f"{sanitizer} finds {case.name}: {words}", run.status != 0 and words in run.text,
                  f"status {run.status}", run.text)]


def plant_case(arch, smp, fault, sanitizer, program, words):
    return Case("planted fault", fault, arch, smp,
                lambda case: run_plant(case, sanitizer, program, words), cost=9,
                images=[(f"tests/kernel/{program}", arch, {"PLANT": fault, "SAN": sanitizer})])


def sanitize_cases():
    for sanitizer in ("asan", "tsan"):
        for name in (*PROGRAMS, *SANITIZED):
            if (sanitizer, name) in APART:
                continue
            for smp in CORES:
                case = program_case(name, HOST, smp, area=f"{sanitizer} ", SAN=sanitizer)
                case.cost *= 8
                yield case
    for name, arch, smp in IN_QEMU:
        yield program_case(name, arch, smp, area="ubsan ", SAN="ubsan")
    for plant in PLANTS:
        yield plant_case(HOST, 4, *plant)


def cases(tier):
    if tier == "sanitize":
        yield from sanitize_cases()
    if tier == "fast":
        yield plant_case("x86_64", 2, *PLANTS[0])

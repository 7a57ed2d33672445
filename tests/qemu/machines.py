"""The machines that must boot: kinds, processors, interrupt controllers, cores, memory."""

import pathlib
import tempfile

from harness.kernel import results
from harness.machine import boot, builder
from harness.suite import Case, Check

PROGRAM = "tests/kernel/runtime.c"

# Arch, name, options, cores, tier.
MACHINES = (
    ("x86_64", "q35", {"MACHINE": "q35"}, (3, 16), "fast"),
    ("x86_64", "pc", {"MACHINE": "pc"}, (1, 4), "fast"),
    ("x86_64", "microvm", {"MACHINE": "microvm"}, (1, 4), "fast"),
    ("x86_64", "qemu64", {"CPU": "qemu64"}, (2,), "fast"),
    ("arm64", "gicv3", {}, (3, 16), "fast"),
    ("arm64", "gicv2", {"MACHINE": "virt,gic-version=2"}, (1, 8), "fast"),
    ("arm64", "cortex-a53", {"CPU": "cortex-a53"}, (4,), "fast"),
    ("arm64", "cortex-a53 gicv2", {"CPU": "cortex-a53", "MACHINE": "virt,gic-version=2"}, (2,),
     "fast"),
    ("arm64", "EL2", {"MACHINE": "virt,gic-version=3,virtualization=on"}, (4,), "fast"),
    ("arm64", "EL2 gicv2", {"MACHINE": "virt,gic-version=2,virtualization=on"}, (2,), "fast"),
    ("x86_64", "q35", {"MACHINE": "q35"}, (32, 64), "long"),
    ("x86_64", "pc", {"MACHINE": "pc"}, (16, 64), "long"),
    ("x86_64", "microvm", {"MACHINE": "microvm"}, (8,), "long"),
    ("arm64", "gicv3", {}, (32, 64), "long"),
    ("arm64", "cortex-a72", {"CPU": "cortex-a72"}, (4,), "long"),
    ("arm64", "EL2 cortex-a53",
     {"MACHINE": "virt,gic-version=3,virtualization=on", "CPU": "cortex-a53"}, (16,), "long"),
    ("arm64", "neoverse-n1", {"CPU": "neoverse-n1"}, (4,), "long"),
)

MEMORY_FAST = ("16M", "64M", "2G")
MEMORY_LONG = ("8M", "32M", "128M", "4G", "8G")
TOO_LITTLE = ("1M", "2M", "3M", "4M", "6M")


def run_machine(case, options):
    limit = 60 if case.smp <= 16 else 300
    run = boot(builder.image(PROGRAM, case.arch), limit=limit, ARCH=case.arch, SMP=case.smp,
               ARGS=f"smp={case.smp}", **options)
    checks = results(run)
    for check in checks:
        check.name = f"{case.name}: {check.name}"
    return checks


def run_memory(case):
    run = boot(builder.image("tests/kernel/args.c", case.arch), limit=60, ARCH=case.arch,
               SMP=case.smp, MEM=case.name, ARGS="a")
    return [Check(f"runs in {case.name}", run.status == 0 and "[a] 2 NULL" in run.text,
                  f"status {run.status}", run.text)]


def run_too_little(case):
    """It runs, or says in words that memory is short; it never hangs."""
    checks = []
    for memory in TOO_LITTLE:
        run = boot(builder.image("tests/kernel/args.c", case.arch), limit=30, ARCH=case.arch,
                   SMP=case.smp, MEM=memory, ARGS="a")
        runs = run.status == 0 and "[a] 2 NULL" in run.text
        says = run.status not in (0, 124) and ("memory" in run.text or "RAM" in run.text
                                               or "ROM" in run.text
                                               or "Not enough space" in run.text)
        checks.append(Check(f"{memory}: runs, or says that it is too little",
                            (runs or says) and not run.hung, f"status {run.status}", run.text))
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / "large.c"
        program.write_text("static char large[100 << 20];\n"
                           "int main(void) { return *(volatile char *)large; }\n")
        run = boot(builder.image(program, case.arch), limit=30, ARCH=case.arch, SMP=case.smp, MEM="64M")
        checks.append(Check("an array larger than memory: the launcher says it",
                            run.status == 1 and "MEM=64M: too little memory" in run.text,
                            f"status {run.status}", run.text))
    return checks


def cases(tier):
    for arch, name, options, cores, when in MACHINES:
        if when != tier:
            continue
        for smp in cores:
            yield Case("machine", name, arch, smp,
                       lambda case, options=options: run_machine(case, options),
                       cost=4 + smp / 4, images=[(PROGRAM, arch, {})])
    for arch in ("x86_64", "arm64"):
        images = [("tests/kernel/args.c", arch, {})]
        for memory in MEMORY_FAST if tier == "fast" else MEMORY_LONG:
            yield Case("memory", memory, arch, 2, run_memory, 1.5, images=images)
        if tier == "fast":
            yield Case("memory", "too little", arch, 2, run_too_little, 4, waits=True, images=images)
